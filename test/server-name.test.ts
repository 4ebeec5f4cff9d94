// In:    server names that are not plain host names, over TLS that the gate speaks, that Node speaks, over HTTP/1.1 and HTTP/2.
// Out:   whether they count as none, and whether names with TLS of their own still need theirs.
// Never: repeats the cases of client-hello.test.ts.

import { once } from "node:events";
import http2 from "node:http2";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { serverNameOf } from "#src/arrival/server-name.js";
import { createGate } from "#src/gate.js";
import { certificate } from "./support/certificate.js";
import { suite } from "./support/suite.js";
import { sendServerName } from "./support/tls.js";

const names = suite("server names");
const own = certificate("a.test", "b.test");

const ways = ["adopt", "adopt of TLS sockets", "guard", "strict guard", "http2 guard"] as const;

/** A server whose gate has a.test; each request is answered with the server name that the gate knows. */
async function serve(way: (typeof ways)[number], names: Record<string, object>): Promise<net.Server> {
  const isAdopted = way.startsWith("adopt");
  const gate = createGate({
    vhosts: [{ name: "a.test", port: "any" }],
    ...(way === "adopt" && { tls: names as never }),
    ...(isAdopted && { requests: (_, response) => response.end("served") }),
  });
  const options = { ...own, allowHTTP1: true };
  const server =
    way === "adopt"
      ? net.createServer((socket) => void gate.adopt(socket))
      : way === "adopt of TLS sockets"
        ? tls.createServer({ ...own, ALPNProtocols: ["h2", "http/1.1"] }, (socket) => void gate.adopt(socket))
        : way === "http2 guard"
          ? http2.createSecureServer(options, (_, response) => response.end("served"))
          : https.createServer(own, (_, response) => response.end("served"));
  if (!isAdopted) gate.guard(server as https.Server, { mode: way === "strict guard" ? "filter" : "auto" });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

async function statusOf(server: net.Server, servername: string, protocol: string): Promise<number> {
  const { port } = server.address() as AddressInfo;
  const socket = tls.connect({
    port,
    host: "127.0.0.1",
    ALPNProtocols: [protocol],
    rejectUnauthorized: false,
  });
  if (servername !== "") sendServerName(socket, servername);
  await once(socket, "secureConnect");
  if (protocol === "h2") {
    const session = http2.connect("https://a.test", { createConnection: () => socket });
    const [headers] = await once(session.request({ ":path": "/" }).resume(), "response");
    session.destroy();
    return headers[":status"];
  }
  socket.end("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
  let answer = "";
  for await (const octets of socket) answer += octets;
  return Number(answer.slice(9, 12));
}

for (const way of ways) {
  const protocols = way === "guard" || way === "strict guard" ? ["http/1.1"] : ["http/1.1", "h2"];
  for (const protocol of protocols) {
    names(`${way}, ${protocol}: what is not a host name counts as none`, async () => {
      const server = await serve(way, { "*": own });
      for (const [servername, status] of [
        ["127.0.0.1", 200],
        ["::1", 200],
        ["[::1]", 200],
        ["a.test:443", 200],
        ["b.test:443", 200],
        ["ü.test", 200],
        ["", 200],
        ["A.Test.", 200],
        ["b.test", 421],
        ["127.1", 421],
      ] as const) {
        assert.is(await statusOf(server, servername, protocol), status, servername);
      }
      server.close();
    });
  }
}

names("names of the gate's own tls need theirs", async () => {
  const server = await serve("adopt", { "a.test": own, "*": certificate("other.test") });
  for (const protocol of ["http/1.1", "h2"]) {
    assert.is(await statusOf(server, "a.test", protocol), 200);
    // Node's client makes a URL of the server name when it gets 421 over HTTP/2.
    for (const servername of ["127.0.0.1", ...(protocol === "h2" ? [] : ["a.test:443", ""])]) {
      assert.is(await statusOf(server, servername, protocol), 421, servername);
    }
  }
  server.close();
});

names("the characters of a server name", () => {
  for (const [text, wanted] of [
    ["A_b-1.Example.com.", "a_b-1.example.com"],
    ["1.2.3", "1.2.3"],
    ["a..b", null],
    [".a", null],
    ["a.test..", null],
    [".", null],
    ["", null],
    ["1.2.3.4", null],
    ["001.002.003.004.", null],
    ["a~b", null],
    ["a%41", null],
    ["a/b", null],
    ["a\0", null],
    ["\u212aelvin.test", null],
  ] as const) {
    assert.is(serverNameOf(text), wanted, JSON.stringify(text));
  }
});
