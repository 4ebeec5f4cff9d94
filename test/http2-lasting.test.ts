// In:    WebSockets over HTTP/2, sessions that last and that break, on adopted connections.
// Out:   whether WebSockets, deadlines and ends are those of HTTP/1.1, stream by stream.
// Never: repeats the contract of framers; framer.test.ts has that.

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { FrameClient } from "./support/http2-client.js";
import { type Fields, Flag, Frame, frame, words } from "./support/http2-frames.js";
import { adopting, ask, CONNECT, closeOpened, endOf, GET, live } from "./support/http2-gate.js";
import { suite } from "./support/suite.js";
import { until } from "./support/until.js";
import { webSocketOver } from "./support/websocket.js";

const sockets = suite("HTTP/2: WebSockets");
sockets.after(closeOpened);

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

sockets("the protocol is websocket in any case of letters, and a key is not read", async () => {
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
    limits: { headTimeout: 300, idleTimeout: 1500, lingerTimeout: 300 },
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
    await sleep(400);
  }
  assert.is(await client.end(), "goaway NO_ERROR");
  assert.ok(performance.now() - started > 2000);
  assert.is(await endOf(end.ends), "served");
  // A connection that its client does not close after GOAWAY is closed.
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
  // After this nghttp2 stops reading, and node:http2 does not report it.
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
