// In:    messages, and handlers as users of http-parser-js set them.
// Out:   whether headgate/http-parser calls them as http-parser-js does; what it does where that one is wrong.
// Never: runs a package that uses the parser; test/frameworks/http-parser-users.ts does.

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
  [
    "a request without the content that it declares",
    `POST / HTTP/1.1\r\nContent-Length: ${GET.length}\r\n\r\n${GET}`,
    { returns: 1 },
  ],
  [
    "a request without the chunks that it declares",
    `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${GET}`,
    { returns: true },
  ],
  ["a line end after content, and the end", "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi\r\n", { finish: true }],
  [
    "a line end after the last message",
    "POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi\r\n",
    { finish: true },
  ],
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

test("execute with null takes everything", () => {
  for (const Class of [HTTPParser, theirs.HTTPParser]) {
    assert.is(new Class("REQUEST").execute(octetsOf(GET), null, null), GET.length);
  }
});

test("a handler may make the parser ready for something else, which begins with the next octet", () => {
  const POST = "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi";
  for (const Class of [HTTPParser, theirs.HTTPParser]) {
    const seen: string[] = [];
    const parser = new Class("REQUEST");
    parser[HTTPParser.kOnHeadersComplete] = ({ url, statusCode }: Parser) => void seen.push(`${url} ${statusCode}`);
    parser[HTTPParser.kOnMessageComplete] = () => parser.reinitialize("REQUEST");
    const text = POST + GET + POST;
    assert.is(parser.execute(octetsOf(text)), text.length);
    assert.equal(seen, ["/ undefined", "/a?b=c undefined", "/ undefined"]);
  }
  const kinds: number[] = [];
  const parser = new HTTPParser("REQUEST");
  parser[HTTPParser.kOnHeadersComplete] = ({ statusCode }) => {
    if (kinds.push(statusCode ?? 0) === 1) parser.initialize("RESPONSE");
  };
  const text = `${GET}HTTP/1.1 204 No\r\n\r\n`;
  assert.is(parser.execute(octetsOf(text)), text.length);
  assert.equal(kinds, [0, 204]);
});

test("a parser can be made without a type, and made ready again", () => {
  const parser = new HTTPParser();
  assert.throws(() => parser.execute(octetsOf("G")), /initialize must be called/);
  assert.throws(() => parser.initialize("request" as "REQUEST"), /type must be REQUEST or RESPONSE/);
  let heads = 0;
  parser.onHeadersComplete = () => void heads++;
  parser.initialize("REQUEST");
  const error = parser.execute(octetsOf("nonsense\r\n")) as ParseError;
  assert.is(error.code, "HPE_REQUEST_LINE_SHORT");
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

test("after a handler has thrown, no octets go on as others", () => {
  for (const name of ["kOnHeadersComplete", "kOnBody"] as const) {
    const parser: Parser = new HTTPParser("REQUEST");
    const contents: string[] = [];
    parser[HTTPParser.kOnBody] = (octets: Buffer) => void contents.push(String(octets));
    parser[HTTPParser[name]] = () => {
      throw new Error("mine");
    };
    const POST = octetsOf("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
    assert.throws(() => parser.execute(POST), /mine/);
    const error = parser.execute(octetsOf("XXXXXXXXXXXXXXXXX")) as ParseError;
    assert.equal([error.code, error.fault, parser.hadError, contents], ["HPE_USER", null, true, []]);
    assert.is(parser.finish(), undefined);
    parser[HTTPParser.kOnHeadersComplete] = () => {};
    parser[HTTPParser.kOnBody] = (octets: Buffer) => void contents.push(String(octets));
    parser.reinitialize("REQUEST");
    assert.is(parser.execute(POST), POST.length);
    assert.equal(contents, ["hello"]);
  }
});

test("a handler cannot read other octets before those that are being read", () => {
  const parser: Parser = new HTTPParser("REQUEST");
  parser[HTTPParser.kOnHeadersComplete] = () => parser.execute(octetsOf("XXXXX"));
  const octets = octetsOf("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
  assert.throws(() => parser.execute(octets), /called by a handler/);
  assert.is((parser.execute(octets) as ParseError).code, "HPE_USER");

  const urls: string[] = [];
  parser[HTTPParser.kOnHeadersComplete] = ({ url }: Parser) => {
    if (urls.push(url) > 1) return;
    parser.reinitialize("REQUEST");
    assert.is(parser.execute(octetsOf(GET)), GET.length);
  };
  parser.reinitialize("REQUEST");
  const first = "GET /first HTTP/1.1\r\n\r\n";
  assert.is(parser.execute(octetsOf(first + GET)), first.length + GET.length);
  assert.equal(urls, ["/first", "/a?b=c", "/a?b=c"]);
});

test("a handler cannot end the connection before what is being read", () => {
  const content = "GET /content HTTP/1.1\r\n\r\n";
  const octets = octetsOf(`POST / HTTP/1.1\r\nContent-Length: ${content.length}\r\n\r\n${content}${GET}`);
  for (const name of ["kOnHeadersComplete", "kOnBody", "kOnMessageComplete"] as const) {
    const urls: string[] = [];
    const contents: string[] = [];
    const parser: Parser = new HTTPParser("REQUEST");
    parser[HTTPParser.kOnHeadersComplete] = ({ url }: Parser) => void urls.push(url);
    parser[HTTPParser.kOnBody] = (slice: Buffer) => void contents.push(String(slice));
    const before = parser[HTTPParser[name]];
    parser[HTTPParser[name]] = (given: Parser) => {
      before.call(parser, given);
      assert.throws(() => parser.finish(), /finish was called by a handler/);
    };
    assert.is(parser.execute(octets), octets.length);
    assert.equal([urls, contents], [["/", "/a?b=c"], [content]], name);
    assert.is(parser.finish(), undefined);
  }
});

test("nothing is called back after a fault in octets that a handler has given", () => {
  for (const [code, inner] of [
    ["HPE_INVALID_METHOD", "BREW / HTTP/1.1\r\n\r\n"],
    ["HPE_CLOSED_CONNECTION", `GET / HTTP/1.0\r\n\r\n${GET}`],
    ["HPE_REQUEST_LINE_SHORT", "nonsense\r\n"],
    ["HPE_USER", "GET /throws HTTP/1.1\r\n\r\n"],
  ] as const) {
    const urls: string[] = [];
    let error: unknown;
    const parser: Parser = new HTTPParser("REQUEST");
    parser[HTTPParser.kOnHeadersComplete] = ({ url }: Parser) => {
      urls.push(url);
      if (url === "/throws") throw new Error("mine");
      if (url !== "/first") return;
      parser.reinitialize("REQUEST");
      try {
        error = parser.execute(octetsOf(inner));
      } catch {
        error = parser.execute(octetsOf(GET));
      }
    };
    const result = parser.execute(octetsOf(`GET /first HTTP/1.1\r\n\r\n${GET}`)) as ParseError;
    assert.is(result.code, code);
    assert.is(result, error, code);
    assert.is(parser.execute(octetsOf(GET)), result);
    assert.not(urls.includes("/a?b=c"), code);
  }
});

test("nothing is called back after a fault", () => {
  let calls = 0;
  for (const [type, text] of [
    ["REQUEST", `GET / HTTP/1.1\nHost: a\n\n${GET}`],
    ["REQUEST", `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n${GET}`],
    ["REQUEST", `GET / HTTP/1.0\r\n\r\n${GET}`],
    ["RESPONSE", "HTTP/1.1 101 No\r\n\r\nHTTP/1.1 204 No\r\n\r\n"],
  ] as const) {
    const parser: Parser = new HTTPParser(type);
    const octets = octetsOf(text);
    let error: ParseError | number = 0;
    for (let at = 0; at < octets.length; at++) {
      if (typeof error === "number") error = parser.execute(octets.subarray(at, at + 1)) as ParseError | number;
      else {
        for (const name of ["kOnHeaders", "kOnHeadersComplete", "kOnBody", "kOnMessageComplete"] as const) {
          parser[HTTPParser[name]] = () => calls++;
        }
        assert.is(parser.execute(octets.subarray(at, at + 1)), error);
      }
    }
    assert.ok(error instanceof Error, text);
    assert.is(parser.finish(), undefined);
  }
  assert.is(calls, 0);
});

test("execute goes on after finish with another connection", () => {
  for (const Class of [HTTPParser, theirs.HTTPParser]) {
    const parser = new Class("REQUEST");
    parser.execute(octetsOf(GET));
    assert.is(parser.finish(), undefined);
    assert.is(parser.execute(octetsOf(GET)), GET.length);
  }
});

test("maxHeaderSize is what it can be, and otherwise that of the class", () => {
  const large = octetsOf(`GET /${"x".repeat(70_000)} HTTP/1.1\r\n\r\n`);
  const shared = HTTPParser.maxHeaderSize;
  const isTaken = (size: unknown): boolean => {
    const parser: Parser = new HTTPParser("REQUEST");
    parser.maxHeaderSize = size;
    return typeof parser.execute(large) === "number";
  };
  try {
    for (const size of [undefined, 0, null, 70_100.5, 1e9, Number.POSITIVE_INFINITY])
      assert.ok(isTaken(size), `${size}`);
    for (const size of [1000.5, -1]) assert.not(isTaken(size), `${size}`);
    HTTPParser.maxHeaderSize = 1000;
    for (const size of [undefined, 0]) assert.not(isTaken(size), `${size}`);
    assert.is(new HTTPParser("REQUEST").maxHeaderSize, 1000);
  } finally {
    HTTPParser.maxHeaderSize = shared;
  }
});

test("a head that is too large has the code that Node answers with 431", () => {
  const parser = new HTTPParser("REQUEST");
  parser.maxHeaderSize = 100;
  const error = parser.execute(octetsOf(`GET /${"x".repeat(200)} HTTP/1.1\r\n\r\n`)) as ParseError;
  assert.is(error.code, "HPE_HEADER_OVERFLOW");
});
