// In:    refused requests with an Accept, in every way in and over HTTP/2; malformed heads.
// Out:   whether the response has the code, in the form that the client prefers, and no cache may keep it.
// Never: repeats the values of Accept in decision.test.ts.

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { createGate } from "#src/index.js";
import { suite } from "./support/suite.js";

const answers = suite("answers");

const JSON_BODY = '{"error":{"code":"NAME_UNKNOWN"}}';
const TEXT_BODY = "Misdirected Request (NAME_UNKNOWN)\n";

/** A server whose gate has the name `secret.test` alone. */
async function serve(way: string): Promise<net.Server> {
  const application = http.createServer((_, response) => response.end("served"));
  const gate = createGate({
    vhosts: [{ name: "secret.test", port: "any" }],
    ...(way === "adopt" && { requests: application, http2: { cleartext: true } }),
  });
  const guarded = way === "http2 guard" ? http2.createServer() : application;
  if (way !== "adopt") gate.guard(guarded, { mode: way === "strict guard" ? "filter" : "auto" });
  const server = way === "adopt" ? net.createServer((socket) => void gate.adopt(socket)) : guarded;
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server as net.Server;
}

const portOf = (server: net.Server): number => (server.address() as AddressInfo).port;

async function overHttp1(server: net.Server, octets: string): Promise<{ head: string; body: string }> {
  const client = net.connect(portOf(server), "127.0.0.1");
  client.write(octets);
  let text = "";
  for await (const part of client) text += part;
  const [head, body] = text.split("\r\n\r\n") as [string, string];
  return { head: head.toLowerCase(), body };
}

for (const way of ["adopt", "guard", "strict guard"]) {
  answers(
    `${way}: a refusal has its code, as JSON where that is preferred, and nothing of the configuration`,
    async () => {
      const server = await serve(way);
      for (const upgrade of ["", "Connection: Upgrade\r\nUpgrade: websocket\r\n"]) {
        for (const [accept, type, wanted] of [
          ["", "text/plain", TEXT_BODY],
          ["Accept: text/html, */*;q=0.8\r\n", "text/plain", TEXT_BODY],
          ["Accept: application/json\r\n", "application/json", JSON_BODY],
          ["Accept: text/plain;q=0.5\r\nACCEPT: application/json\r\n", "application/json", JSON_BODY],
        ] as const) {
          const request = `GET / HTTP/1.1\r\nHost: evil.test\r\n${accept}${upgrade}\r\n`;
          const { head, body } = await overHttp1(server, request);
          assert.match(head, /^http\/1\.1 421 /);
          assert.match(head, "\r\ncache-control: no-store\r\n");
          assert.match(head, `\r\ncontent-type: ${type}\r\n`);
          assert.is(body, wanted);
          assert.not.match(head, "secret.test");
        }
      }
      const { head, body } = await overHttp1(
        server,
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nAccept: application/json\r\n\r\n",
      );
      assert.match(head, "\r\ncache-control: no-store\r\n");
      assert.is(body, "Bad Request (HOST_REPEATED)\n");
      server.close();
    },
  );
}

for (const way of ["adopt", "http2 guard"]) {
  answers(`${way}, HTTP/2: the same`, async () => {
    const server = await serve(way);
    const session = http2.connect(`http://127.0.0.1:${portOf(server)}`);
    for (const [accept, type, wanted] of [
      [undefined, "text/plain", TEXT_BODY],
      ["application/json, text/plain;q=0.9", "application/json", JSON_BODY],
    ] as const) {
      const stream = session.request({ ":path": "/", ":authority": "evil.test", ...(accept && { accept }) });
      const [headers] = await once(stream, "response");
      let body = "";
      for await (const part of stream) body += part;
      const { ":status": status, "cache-control": cache, "content-type": contentType } = headers;
      assert.equal([status, cache, contentType, body], [421, "no-store", type, wanted]);
    }
    session.close();
    server.close();
  });
}
