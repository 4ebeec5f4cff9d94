// In:    heads of requests and responses, over both protocols.
// Out:   what console.log and JSON.stringify make of them: the facts of the first line, and no field and no query.
// Never: asks String() for them, which is the head as it was sent.

import { inspect } from "node:util";
import * as assert from "uvu/assert";
import { headOf } from "#src/head/from-request.js";
import { readHttp2Head } from "#src/head/http2.js";
import { headLimits } from "#src/head/limits.js";
import { type HeadOptions, parseRequestHead } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import { parseResponseHead, type ResponseHead } from "#src/head/response-head.js";
import { suite } from "./support/suite.js";

const test = suite("heads in logs");

const octets = (text: string): Uint8Array => Buffer.from(text, "latin1");
const read = (text: string, options?: HeadOptions): RequestHead => {
  const result = parseRequestHead(octets(text), options);
  assert.is(result.kind, "complete");
  return (result as { head: RequestHead }).head;
};

const secret = "Cookie: session=secret\r\nAuthorization: Bearer secret\r\n";

/** `line`: what the members of the printed object are. */
const cases: [name: string, head: RequestHead | ResponseHead, line: string][] = [
  [
    "a request",
    read(`GET /live?token=secret HTTP/1.1\r\nHost: Chat.example.com:8443\r\n${secret}\r\n`),
    "RequestHead { method: 'GET', authority: 'chat.example.com:8443', path: '/live', httpVersion: '1.1', size: 118 }",
  ],
  [
    "a request without a host",
    read("GET / HTTP/1.0\r\n\r\n"),
    "RequestHead { method: 'GET', authority: null, path: '/', httpVersion: '1.0', size: 18 }",
  ],
  [
    "a request whose Host is not read",
    read("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", { host: "unchecked" }),
    "RequestHead { method: 'GET', authority: null, path: '/', httpVersion: '1.1', size: 29 }",
  ],
  [
    "CONNECT",
    read("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"),
    "RequestHead { method: 'CONNECT', authority: 'a.example:443', path: '', httpVersion: '1.1', size: 55 }",
  ],
  [
    "a request over HTTP/2",
    (
      readHttp2Head(
        // biome-ignore format: names and values
        [":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":authority", "a.example", ":path", "/live?token=secret", "cookie", "secret"],
        false,
        headLimits({}),
      ) as { head: RequestHead }
    ).head,
    "RequestHead { method: 'CONNECT', authority: 'a.example', path: '/live', httpVersion: '2.0', size: 68 }",
  ],
  [
    "a web Request",
    (headOf(new Request("http://a.example/?secret", { headers: { cookie: "secret" } })) as { head: RequestHead }).head,
    "RequestHead { method: 'GET', authority: 'a.example', path: '/', httpVersion: '1.1', size: 58 }",
  ],
  [
    "a response",
    (
      parseResponseHead(octets("HTTP/1.1 404 Not\x9bFound\r\nSet-Cookie: session=secret\r\n\r\n")) as {
        head: ResponseHead;
      }
    ).head,
    "ResponseHead { statusCode: 404, reasonPhrase: 'Not\\x9BFound', httpVersion: '1.1', size: 54 }",
  ],
];

for (const [name, head, line] of cases) {
  test(`${name} is printed without its fields and its query`, () => {
    assert.is(inspect(head, { breakLength: Number.POSITIVE_INFINITY }), line);
    // Within what holds it, as a decision does.
    assert.ok(inspect({ kind: "complete", head }, { breakLength: Number.POSITIVE_INFINITY }).includes(line));
    assert.not.match(inspect(head, { showHidden: true, depth: null, getters: true }), "secret");
  });

  test(`${name} is JSON with the same members`, () => {
    const members = line
      .slice(line.indexOf("{") + 2, -2)
      .split(", ")
      .map((member) => member.split(":")[0]);
    assert.equal(Object.keys(JSON.parse(JSON.stringify(head)) as object), members);
    for (const [member, value] of Object.entries(head.toJSON())) {
      const own: unknown = head[member as keyof typeof head];
      assert.is(value, member === "authority" && own !== null ? String(own) : own, member);
    }
    assert.not.match(JSON.stringify(head), "secret");
  });
}
