// In:    messages that are malformed, or that http-parser-js reads leniently.
// Out:   whether each refusal of headgate/http-parser is in docs/drop-in.md, or also one of http-parser-js.
// Never: tests what is called back; http-parser.test.ts does.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as assert from "uvu/assert";
import { headFaults } from "#src/head/fault.js";
import { HTTPParser, type ParseError } from "#src/http-parser.js";
import { bodyFaults } from "#src/message/fault.js";
import { suite } from "./support/suite.js";
import { octetsOf } from "./support/tcp.js";

// biome-ignore lint/suspicious/noExplicitAny: it has no types that fit
const theirs = createRequire(import.meta.url)("http-parser-js") as { HTTPParser: any };

const GET = "GET / HTTP/1.1\r\n\r\n";

/** The rows of docs/drop-in.md about what http-parser-js accepts and headgate refuses, with octets for each. */
const stricter: Record<string, [code: string, text: string, type?: "RESPONSE"]> = {
  "a bare LF ends a line": ["HPE_BARE_LF", "GET / HTTP/1.1\nHost: a\n\n"],
  "a line without a colon is skipped": ["HPE_FIELD_LINE_NO_COLON", "GET / HTTP/1.1\r\nnonsense\r\n\r\n"],
  "a folded line is joined": ["HPE_OBS_FOLD", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"],
  "a name may contain any octet but white space and a colon": [
    "HPE_FIELD_NAME_INVALID",
    "GET / HTTP/1.1\r\nA(: b\r\n\r\n",
  ],
  "a line with white space before its colon is skipped": [
    "HPE_FIELD_NAME_SPACE",
    "GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n",
  ],
  "a value may contain NUL and other controls": ["HPE_CONTROL_OCTET", "GET / HTTP/1.1\r\nA: b\0\r\n\r\n"],
  "Transfer-Encoding overrules Content-Length": [
    "HPE_FRAMING_CONFLICT",
    "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  "a coding other than chunked is ignored": [
    "HPE_TRANSFER_ENCODING_NOT_CHUNKED",
    "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
  ],
  "Transfer-Encoding counts in HTTP/1.0": [
    "HPE_TRANSFER_ENCODING_VERSION",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  "equal Content-Length lines count as one": [
    "HPE_CONTENT_LENGTH_REPEATED",
    "POST / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
  ],
  "Content-Length is whatever Number() reads": [
    "HPE_CONTENT_LENGTH_INVALID",
    "POST / HTTP/1.1\r\nContent-Length: 0x0\r\n\r\n",
  ],
  "a chunk size ends where parseInt() ends": [
    "HPE_CHUNK_SIZE_INVALID",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0 zero\r\n\r\n",
  ],
  "a chunk size that is not a number ends the body": [
    "HPE_CHUNK_SIZE_INVALID",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
  ],
  "a trailer may be any field": [
    "HPE_TRAILER_FIELD",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
  ],
  "any number of empty lines may precede a message": ["HPE_EMPTY_LINES", `${"\r\n".repeat(5)}GET / HTTP/1.1\r\n\r\n`],
  "empty lines may precede a response": [
    "HPE_STATUS_LINE_SHORT",
    "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "RESPONSE",
  ],
  "any digit is a version": ["HPE_VERSION_UNSUPPORTED", "GET / HTTP/3.7\r\n\r\n"],
  "a request-target is anything without a space": ["HPE_TARGET_FORM", "GET ? HTTP/1.1\r\n\r\n"],
  "a request-target may contain any octet but a space": ["HPE_TARGET_INVALID", "GET /# HTTP/1.1\r\n\r\n"],
  "a request-target may contain an HTAB": ["HPE_REQUEST_LINE_WHITESPACE", "GET /\ta HTTP/1.1\r\n\r\n"],
  "the authority of a request-target may be empty": ["HPE_AUTHORITY_EMPTY", "GET http:/// HTTP/1.1\r\n\r\n"],
  "it may be any text": ["HPE_AUTHORITY_INVALID", "GET http://a^b/ HTTP/1.1\r\n\r\n"],
  "it may contain userinfo": ["HPE_AUTHORITY_USERINFO", "GET http://a@b/ HTTP/1.1\r\n\r\n"],
  "it may have any port": ["HPE_AUTHORITY_PORT", "GET http://a:99999/ HTTP/1.1\r\n\r\n"],
  "its brackets may contain anything": ["HPE_AUTHORITY_IP_LITERAL", "GET http://[x]/ HTTP/1.1\r\n\r\n"],
  "CONNECT may declare content": ["HPE_CONNECT_FRAMING", "CONNECT a:1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"],
  "a name may be empty": ["HPE_FIELD_NAME_EMPTY", "GET / HTTP/1.1\r\n: a\r\n\r\n"],
  "a head may have any number of field lines": [
    "HPE_FIELD_LINES_TOO_MANY",
    `GET / HTTP/1.1\r\n${"a:b\r\n".repeat(4097)}\r\n`,
  ],
  "Connection may be any text": ["HPE_CONNECTION_INVALID", "GET / HTTP/1.1\r\nConnection: a b\r\n\r\n"],
  "Proxy-Connection means nothing": [
    "HPE_PROXY_CONNECTION",
    "HTTP/1.0 200 Connection established\r\nProxy-Connection: keep-alive\r\n\r\n",
    "RESPONSE",
  ],
  "Upgrade may be any text": ["HPE_UPGRADE_INVALID", "GET / HTTP/1.1\r\nUpgrade: a b\r\n\r\n"],
  "the last of several Transfer-Encoding lines counts": [
    "HPE_TRANSFER_ENCODING_REPEATED",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  "chunked may be followed by another coding": [
    "HPE_TRANSFER_ENCODING_INVALID",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
  ],
  "a chunk size may have any number of digits": [
    "HPE_CHUNK_SIZE_TOO_LARGE",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000000\r\n\r\n",
  ],
  "chunk extensions may be any text": [
    "HPE_CHUNK_EXTENSION_INVALID",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0; a\r\n\r\n",
  ],
  "chunk extensions may have any size": [
    "HPE_CHUNK_EXTENSIONS_TOO_LARGE",
    `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0;${"x".repeat(16_384)}\r\n\r\n`,
  ],
  "trailers may have any size": [
    "HPE_TRAILERS_TOO_LARGE",
    `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx:${"x".repeat(16_384)}\r\n\r\n`,
  ],
  "a bare LF ends a line of the chunked coding": [
    "HPE_CHUNK_LINE_ENDING",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\n\n",
  ],
  "a bare LF ends a chunk": [
    "HPE_CHUNK_DATA_ENDING",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n",
  ],
  "1xx and 204 may declare content": [
    "HPE_RESPONSE_FRAMING",
    "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "RESPONSE",
  ],
  "a status code may be any three digits": [
    "HPE_STATUS_CODE_INVALID",
    "HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n",
    "RESPONSE",
  ],
  "an HTAB may follow a status code": [
    "HPE_STATUS_LINE_WHITESPACE",
    "HTTP/1.1 200\tOK\r\nContent-Length: 0\r\n\r\n",
    "RESPONSE",
  ],
  "101 without Upgrade is a response like 100": [
    "HPE_RESPONSE_UPGRADE",
    "HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "RESPONSE",
  ],
  "messages follow one that closes the connection": ["HPE_CLOSED_CONNECTION", `GET / HTTP/1.0\r\n\r\n${GET}`],
  "a response follows an interim one that closes the connection": [
    "HPE_CLOSED_CONNECTION",
    "HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "RESPONSE",
  ],
};

/** Codes of what http-parser-js refuses as well, with octets for each. */
const alike: Record<string, [text: string, type?: "RESPONSE"]> = {
  TLS_RECORD: ["\x16\x03\x01\n"],
  METHOD_INVALID: ["(GET) / HTTP/1.1\r\n\r\n"],
  REQUEST_LINE_SHORT: ["GET /\r\n\r\n"],
  VERSION_INVALID: ["GET / HTTPS/1.1\r\n\r\n"],
  BARE_CR: ["GET / HTTP/1.1\r\nA: b\rc\r\n\r\n"],
  HEAD_TOO_LARGE: [`GET /${"x".repeat(90_000)} HTTP/1.1\r\n\r\n`],
  MESSAGE_INCOMPLETE: ["POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nh"],
};

/** Host is not checked, and each response is expected. */
const never = ["HOST_MISSING", "HOST_REPEATED", "RESPONSE_UNEXPECTED"];

const test = suite("what headgate/http-parser refuses");

test("docs/drop-in.md has what is stricter, with its code; http-parser-js accepts each", () => {
  const drop = readFileSync("docs/drop-in.md", "utf8");
  const chapter = drop.slice(drop.indexOf("### What is stricter"), drop.indexOf("### What is different"));
  const documented = [...chapter.matchAll(/^\| (.+?) \| `(HPE_\w+)` \| .+ \|$/gm)].map(([, what, code]) => [
    what,
    code,
  ]);
  assert.equal(
    documented,
    Object.entries(stricter).map(([what, [code]]) => [what, code]),
  );
  for (const [what, [code, text, type = "REQUEST"]] of Object.entries(stricter)) {
    assert.is((new HTTPParser(type).execute(octetsOf(text)) as ParseError).code, code, what);
    assert.is(typeof new theirs.HTTPParser(type).execute(octetsOf(text)), "number", what);
  }
});

test("a negative chunk size, by which http-parser-js goes back and never returns", () => {
  const octets = octetsOf("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\na");
  const parser = new theirs.HTTPParser("REQUEST");
  const enough = new Error("called again for the same octets");
  let calls = 0;
  parser.onBody = () => {
    calls++;
    if (calls === 1000) throw enough;
  };
  assert.throws(
    () => parser.execute(octets),
    (thrown: Error) => thrown === enough,
  );
  assert.is((new HTTPParser("REQUEST").execute(octets) as ParseError).code, "HPE_CHUNK_SIZE_INVALID");
});

test("what http-parser-js finds in Connection and Upgrade that is not there", () => {
  const infoOf = (HTTPParser: typeof theirs.HTTPParser, text: string): [boolean, boolean] => {
    const parser = new HTTPParser("REQUEST");
    let info: { shouldKeepAlive: boolean; upgrade: boolean } | undefined;
    parser[HTTPParser.kOnHeadersComplete] = (given: typeof info) => {
      info = given;
    };
    assert.is(parser.execute(Buffer.from(text)), text.length);
    return [info!.shouldKeepAlive, info!.upgrade];
  };
  for (const [fields, wanted, found] of [
    ["Connection: 0close\r\n", [true, false], [false, false]],
    ["Connection: upgrade\r\nUpgrade: \r\n", [true, false], [true, true]],
  ] as const) {
    const text = `GET / HTTP/1.1\r\n${fields}\r\n`;
    assert.equal(infoOf(HTTPParser, text), wanted, fields);
    assert.equal(infoOf(theirs.HTTPParser, text), found, fields);
  }
});

test("each code is in that table, or http-parser-js refuses its octets as well", () => {
  for (const [code, [text, type = "REQUEST"]] of Object.entries(alike)) {
    const [ours, others] = [new HTTPParser(type), new theirs.HTTPParser(type)].map((parser) => {
      const result = parser.execute(octetsOf(text));
      return typeof result === "number" ? parser.finish() : result;
    });
    assert.is((ours as ParseError).fault!.code, code);
    assert.ok(others instanceof Error, code);
  }
  const inTable = Object.values(stricter).map(([code]) => code.slice("HPE_".length));
  const known = new Set([...inTable, ...Object.keys(alike), ...never]);
  const codes = [...headFaults(), ...bodyFaults()].map(({ code }) => code as string);
  assert.equal(
    codes.filter((code) => !known.has(code)),
    [],
  );
});
