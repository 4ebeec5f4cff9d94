// In:    clients of HTTP/2, well-behaved and less so, on adopted connections and guarded servers.
// Out:   whether requests, WebSockets, refusals, deadlines and ends are those of HTTP/1.1, stream by stream.
// Never: repeats the parity of decisions; parity.test.ts has that.

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { createGate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { LEAVE } from "#src/handover/framer.js";
import { wsFramer } from "#src/handover/ws.js";
import { UNREAD } from "#src/intake/send-socket.js";
import type { ConnectionEnd } from "#src/outcome/end.js";
import { explain } from "#src/policy/explain.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { certificate } from "./support/certificate.js";
import { FrameClient } from "./support/http2-client.js";
import { type Fields, Flag, Frame, frame, headers, hello, words } from "./support/http2-frames.js";
import { openRoad, type RoadEnd, roads, trusted } from "./support/roads.js";
import { suite } from "./support/suite.js";
import { streamPair } from "./support/tcp.js";
import { until } from "./support/until.js";
import { webSocketOver } from "./support/websocket.js";

const [, overTls1, overTls] = roads;
const vhosts: GateOptions["vhosts"] = [{ name: "localhost", port: NO_LISTEN_SERVER }];
const CONNECT: Fields = [
  [":method", "CONNECT"],
  [":protocol", "websocket"],
  [":scheme", "https"],
  [":authority", "localhost"],
  [":path", "/live"],
  ["sec-websocket-version", "13"],
];
const GET: Fields = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "localhost"],
  [":path", "/"],
];

/** A request with another value of one field. */
const but = (fields: Fields, name: string, value: string): Fields =>
  fields.map(([each, said]) => [each, each === name ? value : said] as const);

interface Answer {
  readonly status: number | undefined;
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: string;
}

/** One request of node:http2's client. */
async function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: string,
): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  let answered: (http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader) | undefined;
  let text = "";
  stream.on("response", (response) => (answered = response));
  stream.on("data", (octets) => (text += octets));
  stream.on("error", () => {});
  if (body !== undefined) stream.end(body);
  await new Promise((resolve) => stream.once("close", resolve));
  return { status: answered?.[":status"], headers: answered ?? {}, body: text };
}

const opened: RoadEnd[] = [];

async function adopting(options: Omit<GateOptions, "vhosts"> & Partial<GateOptions>, road = overTls!) {
  const gate = createGate({ vhosts, ...options });
  const said: string[] = [];
  gate.on("accepted", ({ upgrade }) => said.push(upgrade ? "upgrade" : "request"));
  gate.on("refused", ({ code }) => said.push(code));
  gate.on("malformed", ({ fault: { code } }) => said.push(code));
  gate.on("abandoned", ({ code, stage }) => said.push(`${code} ${stage}`));
  const end = await openRoad(road, "adopted");
  opened.push(end);
  end.put(gate);
  return { gate, said, end };
}

async function endOf(ends: Promise<ConnectionEnd>[]): Promise<string> {
  const end = await ends.at(-1)!;
  return end.kind === "abandoned" ? `${end.code} ${end.stage}` : end.kind;
}

/** Of one suite; the next opens its own. */
async function closeOpened(): Promise<void> {
  for (const end of opened.splice(0)) await end.close();
}

const requests = suite("HTTP/2: requests");
requests.after(closeOpened);

requests("go to the listeners of requests, be it a function or an http.Server, with their bodies", async () => {
  const listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    let body = "";
    request.on("data", (octets) => (body += octets));
    request.on("end", () => {
      response.setHeader("X-Version", request.httpVersion);
      response.end(`${request.method} ${request.url} ${request.headers.host ?? request.headers[":authority"]} ${body}`);
    });
  };
  for (const server of [listener, http.createServer(listener)]) {
    const { end, said, gate } = await adopting({ requests: server });
    const known: unknown[] = [];
    if (typeof server !== "function") {
      server.on("request", (request) => known.push(gate.decisionOf(request)?.kind, gate.arrivalOf(request)?.scheme));
    }
    const session = await end.session();
    const answers = await Promise.all([
      ask(session, { ":path": "/one", ":authority": "localhost:1" }),
      ask(session, { ":path": "/two", ":method": "POST", ":authority": "localhost" }, "a body"),
    ]);
    assert.equal(
      answers.map(({ status, headers, body }) => [status, headers["x-version"], body]),
      [
        [200, "2.0", "GET /one localhost:1 "],
        [200, "2.0", "POST /two localhost a body"],
      ],
    );
    if (typeof server !== "function") assert.equal(known, ["accepted", "https", "accepted", "https"]);
    assert.equal(said, ["request", "request"]);
    session.close();
    assert.is(await endOf(end.ends), "served");
  }
});

requests("by prior knowledge, however the socket is given and the preface is cut", async () => {
  const get = headers(1, but(GET, ":scheme", "http"), Flag.END_STREAM);
  for (const given of [{}, { pauseOnConnect: true }, UNREAD]) {
    for (const cut of ["whole", "octets", 1] as const) {
      const gate = createGate({
        vhosts,
        requests: (_request, response) => void response.end(),
        http2: { cleartext: true },
      });
      const ends: Promise<ConnectionEnd>[] = [];
      const server = net.createServer(given, (socket) => ends.push(gate.adopt(socket).ended));
      await once(server.listen(0, "127.0.0.1"), "listening");
      const client = new FrameClient(net.connect((server.address() as AddressInfo).port, "127.0.0.1"));
      await client.client.send(Buffer.concat([hello(), get]), cut);
      assert.is(await client.outcome(1), 200, `${JSON.stringify(given)} ${cut}`);
      client.client.stream.destroy();
      await endOf(ends);
      server.close();
    }
  }
});

requests("octets that the giver has read begin the preface", async () => {
  const gate = createGate({
    vhosts,
    requests: (_request, response) => void response.end(),
    http2: { cleartext: true },
  });
  const octets = Buffer.concat([hello(), headers(1, but(GET, ":scheme", "http"), Flag.END_STREAM)]);
  for (const cut of [1, 10, 24, 40, octets.length]) {
    const [near, far] = streamPair();
    const ended = gate.adopt(far, { rest: octets.subarray(0, cut) }).ended;
    const client = new FrameClient(near);
    await client.client.send(octets.subarray(cut));
    assert.is(await client.outcome(1), 200, `${cut}`);
    near.destroy();
    await ended;
  }
});

requests("behind a PROXY header, in front of TLS or of the preface", async () => {
  const trust = { from: ["127.0.0.1"], proxyProtocol: true } as const;
  const arrivals: (string | undefined)[] = [];
  const gate = createGate({
    vhosts,
    trust,
    tls: { "*": certificate() },
    http2: { cleartext: true },
    requests: (request, response) => {
      arrivals.push(
        `${gate.arrivalOf(request)?.remoteAddress} ${gate.arrivalOf(request)?.scheme} ${request.httpVersion}`,
      );
      response.end();
    },
  });
  const server = net.createServer((socket) => gate.adopt(socket));
  await once(server.listen(0, "127.0.0.1"), "listening");
  for (const secure of [false, true]) {
    const socket = net.connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.write("PROXY TCP4 192.0.2.7 192.0.2.1 5000 443\r\n");
    const over = secure
      ? tls.connect({ socket, rejectUnauthorized: false, ALPNProtocols: ["h2"], servername: "localhost" })
      : socket;
    const frames = new FrameClient(over);
    await frames.client.send(Buffer.concat([hello(), headers(1, but(GET, ":scheme", secure ? "https" : "http"), 1)]));
    assert.is(await frames.outcome(1), 200);
    over.destroy();
  }
  assert.equal(arrivals, ["192.0.2.7 http 2.0", "192.0.2.7 https 2.0"]);
  server.close();
});

requests("100-continue and other expectations are answered as node:http2 answers them", async () => {
  const server = http.createServer((request, response) => request.resume().on("end", () => response.end("whole")));
  const { end } = await adopting({ requests: server });
  const session = await end.session();
  const post = { ":method": "POST", ":path": "/", expect: "100-continue", ":authority": "localhost" };
  const stream = session.request(post, { endStream: false });
  await once(stream, "continue");
  stream.end("body");
  assert.is((await once(stream, "response"))[0][":status"], 200);
  assert.is((await ask(session, { ...post, expect: "tea" }, "")).status, 417);
  server.on("checkContinue", (_request, response) => response.writeHead(413).end());
  assert.is((await ask(session, post, "")).status, 413);
  server.on("checkExpectation", (_request, response) => response.writeHead(418).end());
  assert.is((await ask(session, { ...post, expect: "tea" }, "")).status, 418);
  // A refused one gets no 100.
  const refused = session.request({ ...post, ":authority": "other" }, { endStream: false });
  refused.on("continue", () => assert.unreachable("continue"));
  assert.is((await once(refused, "response"))[0][":status"], 421);
  session.destroy();
});

requests("without requests they are 405, and the explanation names the setting", async () => {
  const { end, gate, said } = await adopting({});
  const explained: string[] = [];
  gate.on("refused", (decision) => explained.push(explain(decision)));
  const session = await end.session();
  const { status, headers, body } = await ask(session, { ":path": "/x", ":authority": "localhost" });
  assert.equal([status, headers.allow, body], [405, "CONNECT", "Method Not Allowed\n"]);
  assert.equal(said, ["UPGRADE_REQUIRED"]);
  assert.match(
    explained[0]!,
    /^GET \/x does not ask for an upgrade, and nothing here serves other requests .*to serve it, set requests: server$/,
  );
  session.destroy();
});

requests("a refusal arrives though a body is being sent, and the other streams go on", async () => {
  const { end, said } = await adopting({ requests: (_request, response) => void response.end("served") });
  const session = await end.session();
  const post = { ":method": "POST", ":path": "/", ":authority": "other" };
  const stream = session.request(post, { endStream: false });
  stream.on("error", () => {});
  stream.write(Buffer.alloc(1_000_000));
  stream.resume();
  assert.is((await once(stream, "response"))[0][":status"], 421);
  await new Promise((resolve) => stream.once("close", resolve));
  assert.is(stream.rstCode, http2.constants.NGHTTP2_NO_ERROR);
  assert.is((await ask(session, { ":path": "/", ":authority": "localhost" })).body, "served");
  const head = await ask(session, { ":path": "/", ":method": "HEAD", ":authority": "other" });
  assert.equal([head.status, head.body], [421, ""]);
  assert.equal(said, ["NAME_UNKNOWN", "request", "NAME_UNKNOWN"]);
  session.destroy();
});

requests("expose puts the explanation into the body", async () => {
  const { end } = await adopting({ expose: true });
  const session = await end.session();
  const { body, headers } = await ask(session, { ":path": "/", ":authority": "other" });
  assert.match(body, /^Misdirected Request\nhost other matches none of the vhosts: localhost .*\n$/);
  assert.is(headers["x-content-type-options"], "nosniff");
  const malformed = await ask(session, { ":path": "/", ":authority": "localhost:0" });
  assert.match(malformed.body, /^Bad Request\nthe authority's port is not a number .*AUTHORITY_PORT/);
  session.destroy();
});

requests("a head says what was sent", async () => {
  const { end, gate } = await adopting({ requests: (_request, response) => void response.end() });
  const session = await end.session();
  const heads: unknown[] = [];
  gate.on("accepted", ({ head, authoritySource }) => {
    const { method, httpVersion, scheme, path, query, protocol, rawHeaders, framing, upgrade, keepAlive } = head;
    heads.push({ method, httpVersion, scheme, path, query, protocol, rawHeaders, framing, upgrade, keepAlive });
    heads.push([`${head.host}`, `${head.authority}`, authoritySource, head.field("cookie"), head.headers.host]);
  });
  const client = new FrameClient(await end.connect());
  await client.greet();
  const cookies: Fields = [
    ["cookie", "a=1"],
    ["x-a", "b"],
    ["cookie", "b=2"],
  ];
  await client.outcome(await client.open([...GET, ...cookies], Flag.END_STREAM));
  assert.equal(heads, [
    {
      method: "GET",
      httpVersion: "2.0",
      scheme: "https",
      path: "/",
      query: null,
      protocol: null,
      rawHeaders: ["cookie", "a=1", "x-a", "b", "cookie", "b=2"],
      framing: { kind: "none" },
      upgrade: [],
      keepAlive: true,
    },
    ["localhost", "localhost", ":authority", "a=1; b=2", "localhost"],
  ]);
  session.destroy();
  client.client.stream.destroy();
});

const sockets = suite("HTTP/2: WebSockets");
sockets.after(closeOpened);
const wss = new WebSocketServer({ noServer: true });
wss.on("connection", (webSocket) => {
  webSocket.on("error", () => {});
  webSocket.on("message", (data) =>
    String(data) === "terminate" ? webSocket.terminate() : webSocket.send(String(data)),
  );
});
const upgrades = { "/live": wsFramer(wss) };
const live: GateOptions["vhosts"] = [{ name: "localhost", port: NO_LISTEN_SERVER, upgrades }];

sockets("share a session with requests and with each other", async () => {
  const { end } = await adopting({ vhosts: live, requests: (_request, response) => void response.end("served") });
  const session = await end.session();
  const many = Array.from({ length: 10 }, () => webSocketOver(session, "/live").webSocket);
  await Promise.all(many.map((webSocket) => once(webSocket, "open")));
  const echoes = many.map(async (webSocket, i) => {
    webSocket.send(`${i}`);
    return String((await once(webSocket, "message"))[0]);
  });
  assert.is((await ask(session, { ":path": "/", ":authority": "localhost" })).body, "served");
  assert.equal(
    await Promise.all(echoes),
    many.map((_, i) => `${i}`),
  );
  assert.is(end.ends.length, 1);
  for (const webSocket of many) webSocket.close();
  await Promise.all(many.map((webSocket) => once(webSocket, "close")));
  session.close();
  assert.is(await endOf(end.ends), "served");
});

sockets("the protocol is websocket in any case of letters, and a key is not looked at", async () => {
  const { end } = await adopting({ vhosts: live });
  const client = new FrameClient(await end.connect());
  await client.greet();
  const asked = (protocol: string, ...others: Fields): Promise<number> =>
    client.open([
      ...CONNECT.map(([name, value]) => [name, name === ":protocol" ? protocol : value] as const),
      ...others,
    ]);
  assert.is(await client.outcome(await asked("WebSocket")), 200);
  assert.is(await client.outcome(await asked("WEBSOCKET", ["sec-websocket-key", "nonsense"])), 200);
  assert.is(await client.outcome(await asked("websockets")), 501);
  client.client.stream.destroy();
});

sockets("a WebSocket that is terminated resets its stream with CANCEL, and one that is closed ends it", async () => {
  const { end } = await adopting({ vhosts: live });
  const client = new FrameClient(await end.connect());
  await client.greet();
  const masked = (opcode: number, payload: string): Buffer =>
    frame(
      Frame.DATA,
      0,
      client.next - 2,
      Buffer.concat([Buffer.of(0x80 | opcode, 0x80 | payload.length), words(0), Buffer.from(payload)]),
    );
  const terminated = await client.open(CONNECT);
  assert.is(await client.outcome(terminated), 200);
  await client.client.send(masked(1, "terminate"));
  assert.is(await client.endOf(terminated), "reset CANCEL");
  const ended = await client.open(CONNECT);
  assert.is(await client.outcome(ended), 200);
  await client.client.send(masked(8, ""));
  assert.is(await client.body(ended), "\x88\x00");
  await client.client.send(frame(Frame.DATA, Flag.END_STREAM, ended));
  await client.ping();
  assert.not.ok(client.frames.some(({ type, stream }) => type === Frame.RST_STREAM && stream === ended));
  client.client.stream.destroy();
});

sockets("authorize: its deadline, its answers, a client that resets, octets that come early", async () => {
  let answer: (word: boolean | { statusCode: number; headers?: Record<string, string> }) => void = () => {};
  let signal: AbortSignal | undefined;
  const { end, said } = await adopting({
    vhosts: [
      {
        name: "localhost",
        port: NO_LISTEN_SERVER,
        upgrades: {
          "/live": ({ socket, rest }) => {
            assert.is(rest.length, 0);
            socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
            socket.pipe(socket);
          },
        },
      },
    ],
    authorize: (_head, context) => {
      signal = context.signal;
      return new Promise((resolve) => (answer = resolve));
    },
    limits: { authorizeTimeout: 300 },
  });
  const client = new FrameClient(await end.connect());
  await client.greet();
  const connecting = async (): Promise<number> => {
    signal = undefined;
    const stream = await client.open(CONNECT);
    await until(() => signal !== undefined, "authorize is asked");
    return stream;
  };
  const late = await connecting();
  assert.is(await client.outcome(late), 503);
  assert.ok(signal!.aborted);
  const no = await connecting();
  answer({ statusCode: 401, headers: { "WWW-Authenticate": "Basic" } });
  assert.is(await client.outcome(no), 401);
  const wrong = await connecting();
  answer(undefined as never);
  assert.is(await client.outcome(wrong), 500);
  const reset = await connecting();
  await client.client.send(frame(Frame.RST_STREAM, 0, reset, words(8)));
  await until(() => signal!.aborted, "the signal is aborted");
  const early = await connecting();
  for (const word of ["one ", "two "]) await client.client.send(frame(Frame.DATA, 0, early, Buffer.from(word)));
  await client.ping();
  answer(true);
  assert.is(await client.outcome(early), 200);
  await client.client.send(frame(Frame.DATA, Flag.END_STREAM, early, Buffer.from("three")));
  assert.is(await client.body(early), "one two three");
  assert.equal(said, [
    "AUTHORIZE_TIMEOUT",
    "NOT_AUTHORIZED",
    "AUTHORIZE_FAILED authorize",
    "PEER_ENDED authorize",
    "upgrade",
  ]);
  client.client.stream.destroy();
});

sockets("authorize: streams of one address that wait are counted, and one more is not asked about", async () => {
  const answers: ((word: boolean) => void)[] = [];
  const { end, said } = await adopting({
    vhosts: live,
    authorize: () => new Promise((resolve) => answers.push(resolve)),
    // Two are a crowd.
    limits: { pendingHeads: 4, pendingPerAddress: 2 },
  });
  const clients = [new FrameClient(await end.connect()), new FrameClient(await end.connect())];
  for (const client of clients) {
    await client.greet();
    await client.open(CONNECT);
  }
  await until(() => answers.length === 2, "authorize is asked about both");
  const [first, second] = clients as [FrameClient, FrameClient];
  assert.is(await first.outcome(await first.open(CONNECT)), 503);
  assert.equal(said, ["ADDRESS_OVERLOADED authorize"]);
  assert.is(answers.length, 2);
  answers[0]!(false);
  // The session goes on, and there is room for one again.
  const again = await second.open(CONNECT);
  await until(() => answers.length === 3, "authorize is asked again");
  answers[2]!(false);
  assert.is(await second.outcome(again), 403);
  answers[1]!(false);
  for (const { client } of clients) client.stream.destroy();
});

sockets("with enableConnectProtocol off the client is not told of it, and is refused", async () => {
  const { end } = await adopting({ vhosts: live, http2: { enableConnectProtocol: false } });
  const session = await end.session();
  assert.is(session.remoteSettings.enableConnectProtocol, false);
  session.destroy();
  const client = new FrameClient(await end.connect());
  await client.greet();
  assert.match(String(await client.outcome(await client.open(CONNECT))), /^(?:reset|goaway) PROTOCOL_ERROR$/);
  client.client.stream.destroy();
});

const time = suite("HTTP/2: time and ends");
time.after(closeOpened);

time("a connection without a stream has headTimeout, and one whose streams are over idleTimeout", async () => {
  const { end, said, gate } = await adopting({
    requests: (_request, response) => void response.end(),
    limits: { headTimeout: 300, idleTimeout: 500, lingerTimeout: 300 },
  });
  const silent = new FrameClient(await end.connect());
  await until(() => gate.pendingHeads > 0, "the connection is adopted");
  assert.is(await silent.end(), "goaway NO_ERROR");
  assert.is(await endOf(end.ends), "HEAD_TIMEOUT silent");
  const greeting = new FrameClient(await end.connect());
  await greeting.greet();
  assert.is(await greeting.end(), "goaway NO_ERROR");
  assert.is(await endOf(end.ends), "HEAD_TIMEOUT head");
  const client = new FrameClient(await end.connect());
  await client.greet();
  const started = performance.now();
  for (let i = 0; i < 3; i++) {
    await client.outcome(await client.open(GET, Flag.END_STREAM));
    assert.is(gate.pendingHeads, 0);
    await sleep(200);
  }
  assert.is(await client.end(), "goaway NO_ERROR");
  assert.ok(performance.now() - started > 800);
  assert.is(await endOf(end.ends), "served");
  // Whoever does not close behind GOAWAY is closed.
  for (const each of [silent, greeting, client]) await each.client.closed();
  assert.equal(said, ["HEAD_TIMEOUT silent", "HEAD_TIMEOUT head", "request", "request", "request"]);
});

time("a client with an open stream is asked for a sign of life, and one that gives none is closed", async () => {
  const { end, said } = await adopting({ vhosts: live, limits: { idleTimeout: 200 } });
  const session = await end.session();
  const { webSocket } = webSocketOver(session, "/live");
  await once(webSocket, "open");
  for (let signs = 0; signs < 4; signs++) await once(session, "ping");
  assert.is(webSocket.readyState, webSocket.OPEN);
  session.destroy();
  const client = new FrameClient(await end.connect());
  await client.greet();
  assert.is(await client.outcome(await client.open(CONNECT)), 200);
  // Behind this nghttp2 reads no more, and node:http2 does not say so.
  const stream = client.next - 2;
  await client.client.send(Buffer.concat([frame(Frame.DATA, 1, stream), frame(Frame.DATA, 0, stream)]));
  client.client.stream.destroy();
  assert.match(await endOf(end.ends), /^(?:PEER_ENDED|HTTP2_FAULT|SOCKET_ERROR) requests$/);
  assert.is(said.filter((each) => each === "upgrade").length, 2);
  await until(() => end.open() === 0, "all are closed");
});

time("beyond pendingHeads a connection is told to go away", async () => {
  const { end } = await adopting({ limits: { pendingHeads: 1 } });
  const first = new FrameClient(await end.connect());
  await first.greet();
  const second = new FrameClient(await end.connect());
  assert.is(await second.end(), "goaway ENHANCE_YOUR_CALM");
  assert.is(await endOf(end.ends), "OVERLOADED silent");
  await second.client.closed();
  first.client.stream.destroy();
});

time("a client that vanishes, and one that breaks the rules", async () => {
  let requested = false;
  const { end } = await adopting({ requests: () => (requested = true) });
  const client = new FrameClient(await end.connect());
  await client.greet();
  await client.open(GET, Flag.END_STREAM);
  await until(() => requested, "the application has the request");
  client.client.stream.destroy();
  assert.match(await endOf(end.ends), /^(?:PEER_ENDED|SOCKET_ERROR) requests$/);
  const breaking = new FrameClient(await end.connect());
  await breaking.greet();
  await breaking.client.send(frame(Frame.PING, 0, 1, Buffer.alloc(8)));
  await breaking.client.closed();
  const last = await end.ends.at(-1)!;
  assert.equal([last.kind, await endOf(end.ends)], ["abandoned", "HTTP2_FAULT head"]);
  assert.match(String((last as { cause?: Error }).cause?.message), /Protocol error/i);
});

time("with http2: false nothing speaks it", async () => {
  const { end, said } = await adopting({ http2: false });
  const client = new FrameClient(await end.connect());
  await client.client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  await client.client.closed();
  assert.match(client.client.received.toString("latin1"), /^HTTP\/1\.1 400 /);
  assert.equal(said, ["TARGET_FORM"]);
});

const settings = suite("HTTP/2: settings");
settings.after(closeOpened);

settings("what is wrong with them is said at construction", () => {
  for (const [wrong, sentence] of [
    [{ http2: 1 }, /http2 must be an object with any of: cleartext, enableConnectProtocol/],
    [{ http2: { clear: true } }, /clear is not a setting of http2/],
    [{ http2: { cleartext: 1 } }, /http2\.cleartext is 1; it must be true or false/],
  ] as const) {
    assert.throws(() => createGate({ vhosts, ...(wrong as object) }), sentence);
  }
  const gate = createGate({ vhosts: [{ name: "a" }] });
  assert.throws(() => gate.guard(http2.createServer(), { strict: true }), /strict reads HTTP\/1\.1/);
});

const guarded = suite("HTTP/2: guarded servers");
guarded.after(closeOpened);

guarded(
  "no listener sees what was not ruled on: of the session, of the server, and with a guard that comes late",
  async () => {
    const server = http2.createServer({ settings: { enableConnectProtocol: true } });
    const seen: string[] = [];
    server.on("session", (session) =>
      session.on("stream", (_stream, headers) => seen.push(`session ${headers[":path"]}`)),
    );
    server.on("stream", (_stream, headers) => seen.push(`stream ${headers[":path"]}`));
    server.on("request", (request, response) => {
      seen.push(`request ${request.url} ${gate.decisionOf(request)?.kind} ${gate.decisionOf(request.stream)?.kind}`);
      response.end();
    });
    const gate = createGate({ vhosts: [{ name: "localhost" }] });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const connect = async (): Promise<http2.ClientHttp2Session> => {
      const session = http2.connect(`http://localhost:${(server.address() as AddressInfo).port}`);
      await once(session, "remoteSettings");
      return session;
    };
    const older = await connect();
    const guard = gate.guard(server);
    const newer = await connect();
    for (const session of [older, newer]) {
      assert.is((await ask(session, { ":path": "/a" })).status, 200);
      assert.is((await ask(session, { ":path": "/b", ":authority": "other" })).status, 421);
    }
    const passed = ["stream /a", "request /a accepted accepted", "session /a"];
    // A session that is older than the guard has listeners of its own in front of it.
    assert.equal(seen, [...passed, "session /b", ...passed]);
    guard.release();
    assert.is((await ask(newer, { ":path": "/c", ":authority": "other" })).status, 200);
    older.destroy();
    newer.destroy();
    server.close();
  },
);

guarded("allowHTTP1: both protocols, one policy", async () => {
  const end = await openRoad(overTls1!, "guarded", (request, response) => void response.end(request.httpVersion));
  opened.push(end);
  const gate = createGate({ vhosts: [{ name: "localhost", upgrades }] });
  end.put(gate);
  const said: string[] = [];
  gate.on("accepted", ({ head, upgrade }) => said.push(`${head.httpVersion} ${upgrade}`));
  gate.on("refused", ({ head, code }) => said.push(`${head.httpVersion} ${code}`));
  for (const protocol of ["h2", "http/1.1"]) {
    const { port } = end;
    const socket = tls.connect({
      port,
      host: "127.0.0.1",
      ca: trusted,
      servername: "localhost",
      ALPNProtocols: [protocol],
    });
    await once(socket, "secureConnect");
    if (protocol === "h2") {
      const session = http2.connect("https://localhost", { createConnection: () => socket });
      assert.is((await ask(session, { ":path": "/" })).body, "2.0");
      assert.is((await ask(session, { ":path": "/", ":authority": "other" })).status, 421);
      const { webSocket } = webSocketOver(session, "/live");
      await once(webSocket, "open");
      session.destroy();
    } else {
      socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: other\r\n\r\n");
      let text = "";
      socket.on("data", (octets) => (text += octets));
      await once(socket, "close");
      assert.match(text, /^HTTP\/1\.1 200 .*1\.1HTTP\/1\.1 421 /s);
    }
  }
  // The clients have named localhost by TLS: another host is one of a connection that was coalesced.
  const other = "SERVER_NAME_MISMATCH";
  assert.equal(said, ["2.0 false", `2.0 ${other}`, "2.0 true", "1.1 false", `1.1 ${other}`]);
});

guarded("LEAVE leaves an upgrade to the listeners of 'stream', where there are any", async () => {
  const server = http2.createServer({ settings: { enableConnectProtocol: true } });
  server.on("request", (_request, response) => response.end());
  const gate = createGate({ vhosts: [{ name: "localhost", upgrades: { "/left": LEAVE } }] });
  gate.guard(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const session = http2.connect(`http://localhost:${(server.address() as AddressInfo).port}`);
  await once(session, "remoteSettings");
  const connect = { ":method": "CONNECT", ":protocol": "websocket", ":path": "/left", "sec-websocket-version": "13" };
  assert.is((await ask(session, connect, "")).status, 404);
  server.on("stream", (stream, headers) => {
    if (headers[":protocol"] !== "websocket") return;
    assert.is(gate.decisionOf(stream)?.kind, "accepted");
    stream.respond({ ":status": 200 });
    stream.end("left");
  });
  server.removeAllListeners("request");
  const { status, body } = await ask(session, connect, "");
  assert.equal([status, body], [200, "left"]);
  session.destroy();
  server.close();
});
