// In:    a status code, a reason, an explanation; values of Accept.
// Out:   whether the response has the fields and the body that it needs.
// Never: opens a socket; answers.test.ts does.

import * as assert from "uvu/assert";
import { http1Response } from "#src/outcome/reply.js";
import { prefersJson } from "#src/policy/accept.js";
import { replyOf } from "#src/policy/reply.js";
import { suite } from "./support/suite.js";

const replies = suite("replies");

replies("an explanation is in the body, and is plain text", () => {
  const [fields, body] = http1Response(replyOf(421, { explanation: "because <b>" }), "GET").split("\r\n\r\n") as [
    string,
    string,
  ];
  assert.is(body, "Misdirected Request\nbecause <b>\n");
  assert.match(fields, `Content-Length: ${body.length}`);
  assert.match(fields, /\r\nContent-Type: text\/plain; charset=iso-8859-1\r\n.*\r\nX-Content-Type-Options: nosniff/s);
  assert.is(http1Response(replyOf(421, { explanation: "because" }), "HEAD").split("\r\n\r\n")[1], "");
});

replies("the code is in the body, and no cache keeps it", () => {
  const [fields, body] = http1Response(replyOf(421, { code: "NAME_UNKNOWN" })).split("\r\n\r\n") as [string, string];
  assert.is(body, "Misdirected Request (NAME_UNKNOWN)\n");
  assert.match(fields, "\r\nCache-Control: no-store\r\nContent-Type: text/plain\r\n");
});

replies("as JSON, which is US-ASCII whatever a client has sent", () => {
  const details = { code: "NAME_UNKNOWN", explanation: 'RFC 9110 \xa7 "\xff"', json: true };
  const [fields, body] = http1Response(replyOf(421, details)).split("\r\n\r\n") as [string, string];
  assert.is(body, '{"error":{"code":"NAME_UNKNOWN","explanation":"RFC 9110 \\u00a7 \\"\\u00ff\\""}}');
  assert.match(
    fields,
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nX-Content-Type-Options: nosniff`,
  );
  const silent = replyOf(403, { code: "ORIGIN_FOREIGN", json: true });
  assert.is(silent.body, '{"error":{"code":"ORIGIN_FOREIGN"}}');
});

replies("JSON is for a client that prefers it", () => {
  for (const [accept, wanted] of [
    [[], false],
    [[""], false],
    [["*/*"], false],
    [["application/json"], true],
    [["Application/JSON;charset=utf-8"], true],
    [["application/*"], true],
    [["text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8"], false],
    // The order of a list means nothing (RFC 9110 §12.5.1).
    [["application/json, text/plain, */*"], false],
    [["application/json, */*"], false],
    [["application/json, */*;q=0.5"], true],
    [["application/json;q=0.5, text/html"], true],
    [["application/json;q=0.5, text/plain;q=0.4"], true],
    [["application/json;q=0.4, text/plain;q=0.5"], false],
    [["text/plain;q=0.4", "application/json;q=0.5"], true],
    [["text/*;q=0.4, application/json ; q=0.5"], true],
    [["application/json;q=0.9, text/*"], false],
    [["text/plain;q=0, */*"], true],
    [["text/plain;q=0, */*;q=0.001"], true],
    [["application/json;q=0, */*"], false],
    [["application/json;q=0"], false],
    [["application/*;q=0.9, application/json;q=0.1, text/plain;q=0.2"], false],
    [["application/json;q=1.1"], false],
    [["application/json;q=1.0000"], false],
    [["application/json;q=-1, text/plain;q=0.1"], false],
    [["application/json;profile=x"], false],
    [["application/json-patch+json"], false],
    [["application/problem+json, text/html"], false],
    [['a/b;c=",application/json;q=1,", text/plain'], false],
  ] as const) {
    assert.is(prefersJson(accept), wanted, JSON.stringify(accept));
  }
});

replies("each status code has the fields it needs", () => {
  assert.match(
    http1Response(replyOf(426)),
    /\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n/,
  );
  assert.match(http1Response(replyOf(405)), /\r\nAllow: GET\r\n/);
  for (const statusCode of [400, 401, 403, 404, 405, 408, 421, 426, 431, 500, 503, 505]) {
    const [fields, body] = http1Response(replyOf(statusCode)).split("\r\n\r\n") as [string, string];
    assert.match(fields, new RegExp(`^HTTP/1\\.1 ${statusCode} [A-Z][A-Za-z ]+\\r\\nDate: `));
    assert.match(fields, `Content-Length: ${body.length}`);
    assert.match(fields, /\r\nConnection: (?:Upgrade, )?close\r\n/);
    assert.is(http1Response(replyOf(statusCode), "HEAD").split("\r\n\r\n")[1], "");
  }
});
