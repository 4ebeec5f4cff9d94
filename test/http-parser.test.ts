// In:    messages, and handlers as users of http-parser-js set them.
// Out:   whether headgate/http-parser calls them as http-parser-js does; where it is stricter, whether docs/drop-in.md says so.
// Never: runs a package that uses the parser; test/frameworks/http-parser-users.ts does.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as assert from "uvu/assert";
import { HTTPParser, methods, type ParseError } from "#src/http-parser.js";
import { suite } from "./support/suite.js";
import { octetsOf } from "./support/tcp.js";

const require = createRequire(import.meta.url);
// biome-ignore lint/suspicious/noExplicitAny: both classes, by the members that they share
type Parser = any;
const theirs = require("http-parser-js") as { HTTPParser: Parser; methods: string[] };

interface Manner {
  type?: "REQUEST" | "RESPONSE";
  /** Handlers are assigned by name. */
  byName?: boolean;
  /** What onHeadersComplete returns. */
  returns?: unknown;
  /** Octets in one call of execute. */
  size?: number;
  finish?: boolean;
  /** Only with handlers that are assigned by name: http-parser-js then recognizes CONNECT by another value, in all parsers. */
  onlyByName?: boolean;
}

/** What a parser calls and returns, in words. */
function events(Class: Parser, text: string, manner: Manner): string[] {
  const { type = "REQUEST", byName = false, returns, size = 1 << 20, finish = false } = manner;
  const seen: string[] = [];
  const parser = new Class(Class[type]);
  let content = "";
  let isOver = false;
  const flush = (): void => {
    if (content !== "") seen.push(`content ${JSON.stringify(content)}`);
    content = "";
  };
  const handlers: Record<string, (...given: Parser[]) => unknown> = {
    Headers(headers: string[], url: string) {
      flush();
      seen.push(`headers ${headers} ${url}`);
    },
    HeadersComplete(info: Parser, ...others: unknown[]) {
      flush();
      assert.is(others.length, 0, "one object of information");
      const { method, url, statusCode, statusMessage, versionMajor, versionMinor, headers, upgrade, shouldKeepAlive } =
        info;
      seen.push(
        `head ${[method, url, statusCode, statusMessage, versionMajor, versionMinor]} ${headers} ${upgrade} ${shouldKeepAlive}`,
      );
      isOver = upgrade;
      return returns;
    },
    Body(octets: Buffer, start: number, length: number) {
      assert.ok(Buffer.isBuffer(octets));
      content += octets.toString("latin1", start, start + length);
    },
    MessageComplete() {
      flush();
      seen.push("complete");
    },
  };
  for (const [name, handler] of Object.entries(handlers)) {
    if (byName) parser[`on${name}`] = handler;
    else parser[Class[`kOn${name}`]] = handler;
  }
  const octets = octetsOf(text);
  for (let at = 0; at < octets.length; at += size) {
    const piece = octets.subarray(at, at + size);
    const result = parser.execute(piece);
    if (typeof result !== "number") {
      flush();
      seen.push(`error ${result instanceof Error}`);
      return seen;
    }
    if (result < piece.length || isOver) {
      flush();
      seen.push(`took ${at + result}`);
      return seen;
    }
  }
  flush();
  if (finish) {
    const error = parser.finish();
    flush();
    seen.push(`finish ${error instanceof Error}`);
  }
  return seen;
}

const test = suite("headgate/http-parser");

test("has the members and constants of http-parser-js", () => {
  const Theirs = theirs.HTTPParser;
  for (const name of [
    "REQUEST",
    "RESPONSE",
    "kOnHeaders",
    "kOnHeadersComplete",
    "kOnBody",
    "kOnMessageComplete",
    "maxHeaderSize",
  ]) {
    assert.is((HTTPParser as Parser)[name], Theirs[name], name);
  }
  // Reading this constant of theirs makes all of their parsers give several arguments instead of an object.
  assert.is(HTTPParser.kOnExecute, 99);
  assert.equal([...methods], [...theirs.methods]);
  assert.equal([...HTTPParser.methods], [...Theirs.methods]);
  const states =
    /^(?:[A-Z_]+|_compatMode0_11|userCall|nextRequest|consumeLine|parseHeader|shouldKeepAlive|constructor)$/;
  const members = Object.getOwnPropertyNames(Theirs.prototype).filter((name) => !states.test(name));
  const ours = Object.getOwnPropertyNames(HTTPParser.prototype);
  assert.equal(
    members.filter((name) => !ours.includes(name)),
    [],
  );
  assert.ok(members.length > 15, `${members}`);
});

const GET = "GET /a?b=c HTTP/1.1\r\nHost: a\r\nX-Y:  z \r\n\r\n";
const same: [string, string, Manner?][] = [
  ["a request", GET],
  ["pipelined requests", GET + GET],
  ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"],
  ["HTTP/1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"],
  [
    "no Host, an empty one, two",
    "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost:\r\n\r\nGET / HTTP/1.1\r\nHost: a b\r\nHost: c\r\n\r\n",
  ],
  ["Content-Length", `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello${GET}`],
  [
    "chunked with trailers",
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nA: b\r\n\r\n${GET}`,
  ],
  ["an upgrade", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00"],
  ["CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\nrest", { onlyByName: true }],
  ["a response", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", { type: "RESPONSE" }],
  ["a response without a reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", { type: "RESPONSE" }],
  [
    "responses",
    "HTTP/1.1 204 No\r\n\r\nHTTP/1.1 304 No\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    { type: "RESPONSE" },
  ],
  [
    "an interim response",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    { type: "RESPONSE" },
  ],
  [
    "101",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00",
    { type: "RESPONSE" },
  ],
  ["a response until the end", "HTTP/1.1 200 OK\r\n\r\nall", { type: "RESPONSE", finish: true }],
  [
    "a response to HEAD",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    { type: "RESPONSE", returns: 1 },
  ],
  [
    "a response to HEAD without a length",
    "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    { type: "RESPONSE", returns: true },
  ],
  ["handlers that end with the head", GET + GET, { returns: 2 }],
  ["the end between messages", GET, { finish: true }],
  ["the end within a message", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe", { finish: true }],
  ["no HTTP", "hello there\r\n\r\n"],
  ["an unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n"],
];

for (const [name, text, manner = {}] of same) {
  test(`as http-parser-js: ${name}`, () => {
    for (const byName of manner.onlyByName ? [true] : [false, true]) {
      for (const size of [undefined, 1, 7]) {
        const how: Manner = { ...manner, byName, ...(size === undefined ? {} : { size }) };
        assert.equal(events(HTTPParser, text, how), events(theirs.HTTPParser, text, how), JSON.stringify(how));
      }
    }
  });
}

test("execute takes a part of an array, as it did before Node 0.11", () => {
  const parser = new HTTPParser(HTTPParser.REQUEST);
  const octets = octetsOf(`xx${GET}yy`);
  assert.is(parser.execute(octets, 2, GET.length), GET.length);
});

test("a parser can be made without a type, and made ready again", () => {
  const parser = new HTTPParser();
  assert.throws(() => parser.execute(octetsOf("G")), /initialize must be called/);
  assert.throws(() => parser.initialize("request" as "REQUEST"), /type must be REQUEST or RESPONSE/);
  let heads = 0;
  parser.onHeadersComplete = () => void heads++;
  parser.initialize("REQUEST");
  const error = parser.execute(octetsOf("nonsense\r\n")) as ParseError;
  assert.is(error.code, "HPE_METHOD_INVALID".replace("METHOD_INVALID", "REQUEST_LINE_SHORT"));
  assert.is(error.fault!.offset, 8);
  assert.ok(parser.hadError);
  assert.is(parser.execute(octetsOf(GET)), error);
  assert.is(parser.finish(), undefined);
  parser.reinitialize("REQUEST");
  assert.is(parser.execute(octetsOf(GET)), GET.length);
  assert.is(heads, 1);
});

test("what a handler throws is thrown", () => {
  const parser = new HTTPParser("REQUEST");
  parser[HTTPParser.kOnHeadersComplete] = () => {
    throw new RangeError("mine");
  };
  assert.throws(
    () => parser.execute(octetsOf(GET)),
    (error: Error) => error instanceof RangeError && error.message === "mine",
  );
});

test("a head that is too large has the code that Node answers with 431", () => {
  const parser = new HTTPParser("REQUEST");
  parser.maxHeaderSize = 100;
  const error = parser.execute(octetsOf(`GET /${"x".repeat(200)} HTTP/1.1\r\n\r\n`)) as ParseError;
  assert.is(error.code, "HPE_HEADER_OVERFLOW");
});

const drop = readFileSync("docs/drop-in.md", "utf8");

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
  "any digit is a version": ["HPE_VERSION_UNSUPPORTED", "GET / HTTP/3.7\r\n\r\n"],
  "a request-target is anything without a space": ["HPE_TARGET_FORM", "GET ? HTTP/1.1\r\n\r\n"],
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
  "messages follow one that closes the connection": ["HPE_CLOSED_CONNECTION", `GET / HTTP/1.0\r\n\r\n${GET}`],
};

test("docs/drop-in.md has what is stricter, with its code; http-parser-js accepts each", () => {
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
    const parser = new HTTPParser(type);
    assert.is((parser.execute(octetsOf(text)) as ParseError).code, code, what);
    assert.is(typeof new theirs.HTTPParser(type).execute(octetsOf(text)), "number", what);
  }
});
