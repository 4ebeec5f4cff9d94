// In:    clients of HTTP/2, well-behaved and less so, on adopted connections.
// Out:   whether requests and refusals are those of HTTP/1.1, stream by stream.
// Never: repeats the parity of decisions; parity.test.ts has that.

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { createGate } from "#src/gate.js";
import { UNREAD } from "#src/intake/send-socket.js";
import type { ConnectionEnd } from "#src/outcome/end.js";
import { explain } from "#src/policy/explain.js";
import { certificate } from "./support/certificate.js";
import { FrameClient } from "./support/http2-client.js";
import { type Fields, Flag, headers, hello } from "./support/http2-frames.js";
import { adopting, ask, but, closeOpened, endOf, GET, vhosts } from "./support/http2-gate.js";
import { suite } from "./support/suite.js";
import { streamPair } from "./support/tcp.js";

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

requests("octets that were read before adopt begin the preface", async () => {
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

requests("after a PROXY header, before TLS or the preface", async () => {
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
  assert.equal([status, headers.allow, body], [405, "CONNECT", "Method Not Allowed (UPGRADE_REQUIRED)\n"]);
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
  assert.match(body, /^Misdirected Request \(NAME_UNKNOWN\)\nhost other matches none of the vhosts: localhost .*\n$/);
  assert.is(headers["x-content-type-options"], "nosniff");
  const malformed = await ask(session, { ":path": "/", ":authority": "localhost:0" });
  assert.match(
    malformed.body,
    /^Bad Request \(AUTHORITY_PORT\)\nthe authority's port is not a number .*AUTHORITY_PORT/,
  );
  session.destroy();
});

requests("a head has what was sent", async () => {
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
