// In:    servers of node:http2 that a gate guards; settings of HTTP/2.
// Out:   whether no listener sees what was not ruled on, over either protocol.
// Never: repeats the parity of decisions; parity.test.ts has that.

import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { createGate } from "#src/gate.js";
import { LEAVE } from "#src/policy/vhost.js";
import { ask, closeOpened, openKept, overTls1, upgrades, vhosts } from "./support/http2-gate.js";
import { trusted } from "./support/roads.js";
import { suite } from "./support/suite.js";
import { webSocketOver } from "./support/websocket.js";

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
  assert.throws(() => gate.guard(http2.createServer(), { mode: "filter" }), /mode filter reads HTTP\/1\.1/);
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
    // On a session that is older than the guard, the server's own listeners run before the guard's.
    assert.equal(seen, [...passed, "session /b", ...passed]);
    guard.release();
    assert.is((await ask(newer, { ":path": "/c", ":authority": "other" })).status, 200);
    older.destroy();
    newer.destroy();
    server.close();
  },
);

guarded("allowHTTP1: both protocols, one policy", async () => {
  const end = await openKept(overTls1!, "guarded", (request, response) => void response.end(request.httpVersion));
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
