// In:    nothing.
// Out:   transcripts, each for a server with Node's parser and for one with ours.
// Never: plays them.

import type http from "node:http";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Recorded, Transcript } from "./seat-transcripts.js";

const head = "Host: a\r\n";
const get = (path: string, lines = ""): string => `GET ${path} HTTP/1.1\r\n${head}${lines}\r\n`;
const post = (path: string, lines: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\n${head}${lines}\r\n${body}`;
const chunked = (body: string, path = "/"): string => post(path, "Transfer-Encoding: chunked\r\n", body);
const upgrade = "Connection: Upgrade\r\nUpgrade: other\r\n";
const octets = (text: string): string[] => [...text];

const logClientError = (server: http.Server, log: string[]): void => {
  server.on("clientError", (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket) => {
    log.push(`clientError ${error.code} ${error.message.startsWith("Parse Error: ")} ${error.rawPacket?.length}`);
    socket.end("HTTP/1.1 400 Mine\r\nContent-Length: 0\r\n\r\n");
  });
};

/** Takes an upgrade, sends its first octets back, and ends when the client has sent "bye". */
const takeUpgrade = (server: http.Server, log: string[], event = "upgrade"): void => {
  server.on(event, (request: IncomingMessage, socket: Duplex, first: Buffer) => {
    log.push(`${event} ${request.method} ${request.url} ${first.toString("latin1")}`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n\r\n<${first.toString("latin1")}>`);
    let text = first.toString("latin1");
    const ended = (): void => void (text.includes("bye") && socket.end("<ended>"));
    socket.on("data", (more: Buffer) => {
      socket.write(`<${more.toString("latin1")}>`);
      text += more.toString("latin1");
      ended();
    });
    ended();
  });
};

/** A request that the parser refuses, before or after the application has seen its head. */
const refused = (code: string, seen: readonly string[] = [], answer = "400 Bad Request"): Recorded => ({
  received: `HTTP/1.1 ${answer}\r\nConnection: close\r\n\r\n`,
  log: [...seen, `error ${code}`, ...(seen.length > 0 ? ["aborted"] : []), "close"],
});

/** A response that shows a request without a body. */
function shown(url: string, ...rawHeaders: string[]): string {
  const headers: Record<string, string> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) headers[rawHeaders[i]!.toLowerCase()] = rawHeaders[i + 1]!;
  const lines = { headers, rawHeaders, trailers: {}, rawTrailers: [] };
  const text = `${JSON.stringify({ method: "GET", url, httpVersion: "1.1", ...lines, body: "", complete: true })}\n`;
  return `HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}

/** All of them are compared with Node's parser. `differs` has the reason where ours must differ, and what it comes to. */
export const transcripts: readonly Transcript[] = [
  // Requests.
  { name: "GET", pieces: [get("/")] },
  { name: "three pipelined requests", pieces: [get("/1") + get("/2") + get("/3")] },
  { name: "a head octet by octet", pieces: octets(get("/", "Accept: */*\r\n")) },
  {
    name: "a head in two pieces, and another request after it",
    pieces: ["GET /1 HT", `TP/1.1\r\n${head}\r\n${get("/2")}`],
  },
  { name: "HEAD", pieces: [`HEAD / HTTP/1.1\r\n${head}\r\n`] },
  { name: "OPTIONS *", pieces: [`OPTIONS * HTTP/1.1\r\n${head}\r\n`] },
  { name: "QUERY", pieces: [`QUERY /q HTTP/1.1\r\n${head}Content-Length: 2\r\n\r\nab`] },
  { name: "M-SEARCH", pieces: [`M-SEARCH /q HTTP/1.1\r\n${head}\r\n`] },
  { name: "absolute-form", pieces: [`GET http://a/b?c HTTP/1.1\r\n${head}\r\n`] },
  { name: "HTTP/1.0", pieces: [`GET / HTTP/1.0\r\n${head}\r\n`] },
  {
    name: "HTTP/1.0 with keep-alive",
    pieces: [`GET /1 HTTP/1.0\r\n${head}Connection: keep-alive\r\n\r\n${get("/2")}`],
  },
  { name: "Connection: close", pieces: [get("/", "Connection: close\r\n")] },
  { name: "a request after Connection: close", pieces: [get("/1", "Connection: close\r\n") + get("/2")] },
  { name: "line ends after Connection: close", pieces: [`${get("/1", "Connection: close\r\n")}\r\n\r\n`] },
  {
    name: "empty lines before and between requests",
    pieces: [`\r\n${get("/1")}\r\n\r\n${get("/2")}`, "\r\n", get("/3")],
  },
  { name: "empty lines alone", pieces: ["\r\n", "\r\n"] },
  { name: "nothing", pieces: [] },
  {
    name: "repeated fields",
    pieces: [
      get(
        "/",
        "A: 1\r\na: 2\r\nCookie: x\r\nCookie: y\r\nSet-Cookie: p\r\nset-cookie: q\r\nReferer: r\r\nReferer: s\r\n",
      ),
    ],
  },
  {
    name: "repeated fields, joined",
    options: { joinDuplicateHeaders: true },
    pieces: [get("/", "Referer: r\r\nReferer: s\r\n")],
  },
  { name: "names that Object has", pieces: [get("/", "__proto__: x\r\nconstructor: y\r\ntoString: z\r\n")] },
  { name: "values with spaces, tabs and obs-text", pieces: [get("/", "A:  x y\t \r\nB:\r\nC:z\r\nD: \xe9\xff\r\n")] },
  { name: "no Host", pieces: ["GET / HTTP/1.1\r\nA: b\r\n\r\n"] },
  {
    name: "no Host where it is not required",
    options: { requireHostHeader: false },
    pieces: ["GET / HTTP/1.1\r\nA: b\r\n\r\n"],
  },
  { name: "no Host in HTTP/1.0", pieces: ["GET / HTTP/1.0\r\n\r\n"] },
  {
    name: "a request that is answered later, and one after it",
    answer: (request, response) => {
      if (request.url === "/1") setImmediate(() => response.end("one"));
      else response.end("two");
    },
    pieces: [get("/1") + get("/2", "Connection: close\r\n")],
    staysOpen: true,
  },
  {
    name: "a handler that destroys the socket",
    answer: (request) => request.socket.destroy(),
    pieces: [get("/1") + get("/2")],
  },
  {
    name: "half open",
    options: { httpAllowHalfOpen: true },
    answer: (_request, response) => void setImmediate(() => response.end("late")),
    pieces: [get("/")],
  },
  // Bodies.
  { name: "Content-Length", pieces: [post("/", "Content-Length: 5\r\n", "hello")] },
  {
    name: "Content-Length, body in pieces, and a request after it",
    pieces: [post("/1", "Content-Length: 5\r\n", "he"), "l", `lo${get("/2")}`],
  },
  { name: "Content-Length: 0", pieces: [post("/1", "Content-Length: 0\r\n", get("/2"))] },
  { name: "a large body", pieces: [post("/", "Content-Length: 300000\r\n", "x".repeat(300_000))] },
  {
    name: "a body that is not read",
    answer: (_request, response) => void response.end("no"),
    pieces: [post("/1", "Content-Length: 5\r\n", "hello") + get("/2")],
  },
  { name: "chunked", pieces: [chunked("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n")] },
  {
    name: "chunked, octet by octet, and a request after it",
    pieces: octets(chunked("5\r\nhello\r\n0\r\n\r\n") + get("/2")),
  },
  { name: "chunk extensions", pieces: [chunked('5;a;b=c;d="e f\\""\r\nhello\r\n0;x\r\n\r\n')] },
  {
    name: "trailers, and a request after them",
    pieces: [chunked("1\r\nx\r\n0\r\nA: b\r\nC:  d \r\n\r\n") + get("/2")],
  },
  { name: "trailers in pieces", pieces: [chunked("1\r\nx\r\n0\r\nA"), ": ", "b\r", "\n\r", "\n"] },
  { name: "large chunk sizes in small letters", pieces: [chunked(`0000fa\r\n${"y".repeat(250)}\r\n0\r\n\r\n`)] },
  { name: "Expect: 100-continue", pieces: [post("/", "Expect: 100-continue\r\nContent-Length: 2\r\n", ""), "hi"] },
  {
    name: "checkContinue",
    listen: (server, log) =>
      void server.on("checkContinue", (request, response) => {
        log.push("checkContinue");
        response.writeContinue();
        server.emit("request", request, response);
      }),
    pieces: [post("/", "Expect: 100-continue\r\nContent-Length: 2\r\n", ""), "hi"],
  },
  { name: "an unknown expectation", pieces: [get("/", "Expect: more\r\n")] },
  {
    name: "checkExpectation",
    listen: (server, log) =>
      void server.on("checkExpectation", (_request, response) => {
        log.push("checkExpectation");
        response.end("as you like");
      }),
    pieces: [get("/", "Expect: more\r\n")],
  },
  // Faults of heads.
  { name: "an unknown method", pieces: ["FROB / HTTP/1.1\r\n\r\n"] },
  { name: "an unknown method in its first octets", pieces: ["GEX"], staysOpen: true },
  { name: "a method in small letters", pieces: ["get / HTTP/1.1\r\n\r\n"] },
  { name: "the method alone", pieces: ["G"] },
  {
    name: "the preface of HTTP/2",
    pieces: ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    differs: {
      why: "its code is that of any other unknown method; Node's is HPE_PAUSED_H2_UPGRADE",
      ours: refused("HPE_INVALID_METHOD"),
    },
  },
  { name: "a TLS record", pieces: [Buffer.from("16030100a5010000a10303", "hex")] },
  { name: "a space in the target", pieces: ["GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "a control octet in the target", pieces: ["GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"] },
  { name: "HTTP/1.2", pieces: ["GET / HTTP/1.2\r\nHost: a\r\n\r\n"] },
  {
    name: "HTTP/0.9",
    pieces: ["GET /\r\n\r\n"],
    differs: { why: "stricter by RFC 9112 §3: REQUEST_LINE_SHORT", ours: refused("HPE_INVALID_CONSTANT") },
  },
  {
    name: "RTSP",
    pieces: ["GET / RTSP/1.0\r\nHost: a\r\n\r\n"],
    differs: { why: "stricter by RFC 9112 §2.3: VERSION_INVALID", ours: refused("HPE_INVALID_CONSTANT") },
  },
  { name: "a folded line", pieces: [get("/", "A: b\r\n c\r\n")] },
  { name: "no colon", pieces: [get("/", "Abc\r\n")] },
  { name: "a space before the colon", pieces: [get("/", "A : b\r\n")] },
  { name: "an empty name", pieces: [get("/", ": b\r\n")] },
  { name: "NUL in a value", pieces: [get("/", "A: b\0c\r\n")] },
  { name: "a bare CR in a value", pieces: [get("/", "A: b\rc\r\n")] },
  { name: "a bare LF", pieces: ["GET / HTTP/1.1\nHost: a\n\n"] },
  { name: "Content-Length: x", pieces: [post("/", "Content-Length: x\r\n", "")] },
  { name: "Content-Length: -1", pieces: [post("/", "Content-Length: -1\r\n", "")] },
  { name: "two Content-Length", pieces: [post("/", "Content-Length: 1\r\nContent-Length: 1\r\n", "a")] },
  {
    name: "Content-Length and Transfer-Encoding",
    pieces: [post("/", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")],
  },
  {
    name: "Transfer-Encoding: gzip",
    pieces: [post("/", "Transfer-Encoding: gzip\r\n", "")],
    differs: {
      why: "stricter by RFC 9112 §6.3: TRANSFER_ENCODING_NOT_CHUNKED, before the application has seen the request",
      ours: refused("HPE_INVALID_TRANSFER_ENCODING"),
    },
  },
  {
    name: "Transfer-Encoding: gzip, chunked",
    pieces: [post("/", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")],
  },
  { name: "a fault after a good request", pieces: [`${get("/1")}BAD`] },
  { name: "a fault, and more octets after it", pieces: ["GET / HTTX", "more", "more"] },
  { name: "clientError", listen: logClientError, pieces: ["GET / HTTP/1.1\r\nA\x00: b\r\n\r\n"] },
  { name: "clientError after a good request", listen: logClientError, pieces: [`${get("/1")}NO / HTTP/1.1\r\n\r\n`] },
  {
    name: "clientError, and more octets",
    listen: (server, log) =>
      void server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
        log.push(`clientError ${error.code}`);
        if (log.length > 1) socket.destroy();
      }),
    pieces: ["NO / HTTP/1.1\r\n\r\n", "more"],
    staysOpen: true,
  },
  { name: "the client ends within a head", listen: logClientError, pieces: ["GET / HT"] },
  { name: "the client ends within a body", pieces: [post("/", "Content-Length: 5\r\n", "he")] },
  { name: "the client ends within a chunk", pieces: [chunked("5\r\nhe")] },
  // Faults of bodies.
  { name: "a chunk size that is not one", pieces: [chunked("x\r\n")] },
  { name: "a chunk size beyond measure", pieces: [chunked(`${"f".repeat(17)}\r\n`)] },
  { name: "a chunk without an end", pieces: [chunked("1\r\nxyz")] },
  { name: "a space after the chunk size", pieces: [chunked("1 \r\nx\r\n0\r\n\r\n")] },
  { name: "chunk extensions beyond measure", pieces: [chunked(`1;${"a".repeat(17_000)}\r\n`)] },
  {
    name: "chunk extensions that are long together",
    pieces: [chunked(`1;${"a".repeat(10_000)}\r\nx\r\n1;${"a".repeat(10_000)}\r\ny\r\n0\r\n\r\n`)],
  },
  { name: "a trailer that is not one", pieces: [chunked("0\r\nA b\r\n\r\n")] },
  { name: "trailers beyond measure", pieces: [chunked(`0\r\nA: ${"b".repeat(20_000)}\r\n\r\n`)] },
  // Limits.
  { name: "a head that is too large", pieces: [get("/", `A: ${"b".repeat(20_000)}\r\n`)] },
  {
    name: "a head that is too large, and has no end",
    pieces: [`GET / HTTP/1.1\r\n${head}A: ${"b".repeat(16_400)}`],
    staysOpen: true,
  },
  { name: "a request-target that is too large", pieces: [get(`/${"b".repeat(20_000)}`)] },
  {
    name: "maxHeaderSize",
    options: { maxHeaderSize: 100 },
    pieces: [get("/", `A: ${"b".repeat(80)}\r\n`) + get("/", `A: ${"b".repeat(200)}\r\n`)],
  },
  { name: "a large head that fits", pieces: [get("/", `A: ${"b".repeat(16_000)}\r\n`)] },
  {
    name: "a large maxHeaderSize",
    options: { maxHeaderSize: 60_000 },
    pieces: [get("/", `A: ${"b".repeat(50_000)}\r\n`)],
  },
  { name: "maxHeadersCount", options: { maxHeadersCount: 2 }, pieces: [get("/", "A: b\r\nC: d\r\nE: f\r\n")] },
  {
    name: "maxHeadersCount and more lines than Node hands over at once",
    options: { maxHeadersCount: 2 },
    pieces: [get("/", "A: b\r\n".repeat(100))],
  },
  { name: "more lines than Node hands over at once", pieces: [get("/", "A: b\r\n".repeat(100))] },
  {
    name: "maxRequestsPerSocket",
    options: { maxRequestsPerSocket: 2 },
    listen: (server, log) => void server.on("dropRequest", (request) => log.push(`dropped ${request.url}`)),
    pieces: [get("/1") + get("/2") + get("/3")],
  },
  {
    name: "headersTimeout",
    options: { headersTimeout: 60, connectionsCheckingInterval: 20 },
    pieces: ["GET / HTTP/1.1\r\n"],
    staysOpen: true,
  },
  {
    name: "headersTimeout of a silent connection",
    options: { headersTimeout: 60, connectionsCheckingInterval: 20 },
    pieces: [],
    staysOpen: true,
  },
  {
    name: "requestTimeout",
    options: { headersTimeout: 50, requestTimeout: 90, connectionsCheckingInterval: 20 },
    pieces: [post("/", "Content-Length: 5\r\n", "he")],
    staysOpen: true,
  },
  {
    name: "requestTimeout after a good request",
    options: { headersTimeout: 50, requestTimeout: 90, connectionsCheckingInterval: 20 },
    pieces: [get("/1"), chunked("5\r\nhe", "/2")],
    staysOpen: true,
  },
  { name: "keepAliveTimeout", options: { keepAliveTimeout: 50 }, pieces: [get("/")], staysOpen: true },
  // Upgrades.
  { name: "an upgrade", listen: takeUpgrade, pieces: [get("/", upgrade), "one", "bye"], staysOpen: true },
  {
    name: "an upgrade with octets after its head",
    listen: takeUpgrade,
    pieces: [`${get("/", upgrade)}first`, "bye"],
    staysOpen: true,
  },
  {
    name: "an upgrade after a request",
    listen: takeUpgrade,
    pieces: [`${get("/1")}${get("/2", upgrade)}bye`],
    staysOpen: true,
  },
  {
    name: "an upgrade whose head comes in pieces",
    listen: takeUpgrade,
    pieces: ["GET / HTTP/1.1\r\nHost", `: a\r\n${upgrade}\r\nbye`],
    staysOpen: true,
  },
  {
    name: "an upgrade with a body",
    listen: takeUpgrade,
    pieces: [post("/", `${upgrade}Content-Length: 3\r\n`, "abc"), "bye"],
    staysOpen: true,
  },
  { name: "an upgrade that nothing listens for", pieces: [get("/", upgrade)] },
  {
    name: "an upgrade that nothing listens for, and a request after it",
    pieces: [get("/1", upgrade) + get("/2")],
    differs: {
      why: "Node's parser loses the request after it, which is served",
      ours: {
        received: shown("/1", "Host", "a", "Connection", "Upgrade", "Upgrade", "other") + shown("/2", "Host", "a"),
        log: ["request GET /1", "request GET /2", "close"],
      },
    },
  },
  { name: "Upgrade without Connection", listen: takeUpgrade, pieces: [get("/", "Upgrade: other\r\n")] },
  {
    name: "CONNECT",
    listen: (server, log) => takeUpgrade(server, log, "connect"),
    pieces: ["CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nfirst", "bye"],
    staysOpen: true,
  },
  { name: "CONNECT that nothing listens for", pieces: ["CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"] },
  // Stricter.
  {
    name: "two Host lines",
    pieces: [get("/", "Host: b\r\n")],
    differs: { why: "stricter by RFC 9112 §3.2: HOST_REPEATED", ours: refused("HPE_INVALID_HEADER_TOKEN") },
  },
  {
    name: "a Host with a space",
    pieces: ["GET / HTTP/1.1\r\nHost: a b\r\n\r\n"],
    differs: { why: "stricter by RFC 3986 §3.2.2: AUTHORITY_INVALID", ours: refused("HPE_INVALID_HEADER_TOKEN") },
  },
  {
    name: "an empty Host",
    pieces: ["GET / HTTP/1.1\r\nHost:\r\n\r\n"],
    differs: { why: "stricter by RFC 9110 §4.2.1: AUTHORITY_EMPTY", ours: refused("HPE_INVALID_HEADER_TOKEN") },
  },
  {
    name: "Host with a port out of range",
    pieces: ["GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n"],
    differs: { why: "stricter by RFC 3986 §3.2.3: AUTHORITY_PORT", ours: refused("HPE_INVALID_HEADER_TOKEN") },
  },
  {
    name: "CONNECT of a path",
    listen: (server, log) => takeUpgrade(server, log, "connect"),
    pieces: ["CONNECT / HTTP/1.1\r\nHost: a\r\n\r\nbye"],
    staysOpen: true,
    differs: { why: "stricter by RFC 9112 §3.2.3: TARGET_FORM", ours: refused("HPE_INVALID_URL") },
  },
  { name: "Connection with close and keep-alive", pieces: [get("/", "Connection: close, keep-alive\r\n")] },
  {
    name: "Content-Length in trailers",
    pieces: [chunked("0\r\nContent-Length: 3\r\n\r\n")],
    differs: {
      why: "its code is that of any other field that must not be a trailer; Node's is HPE_INVALID_CONTENT_LENGTH",
      ours: refused("HPE_INVALID_HEADER_TOKEN", ["request POST /"]),
    },
  },
  {
    name: "Host in trailers",
    pieces: [chunked("0\r\nHost: b\r\n\r\n")],
    differs: {
      why: "stricter by RFC 9110 §6.5.1: TRAILER_FIELD",
      ours: refused("HPE_INVALID_HEADER_TOKEN", ["request POST /"]),
    },
  },
  {
    name: "Transfer-Encoding in HTTP/1.0",
    pieces: [`POST / HTTP/1.0\r\n${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    differs: {
      why: "stricter by RFC 9112 §6.1: TRANSFER_ENCODING_VERSION",
      ours: refused("HPE_INVALID_TRANSFER_ENCODING"),
    },
  },
  {
    name: "a chunk size of more than 16 digits",
    pieces: [chunked(`${"0".repeat(16)}1\r\nx\r\n0\r\n\r\n`)],
    differs: {
      why: "stricter by RFC 9112 §7.1, which asks recipients to expect large numbers: CHUNK_SIZE_TOO_LARGE",
      ours: refused("HPE_INVALID_CHUNK_SIZE", ["request POST /"]),
    },
  },
  {
    name: "a chunk size that ends with LF alone",
    pieces: [chunked("1\nx\r\n0\r\n\r\n")],
    differs: {
      why: "its code is that of any other wrong octet in that line; Node's is HPE_CR_EXPECTED",
      ours: refused("HPE_INVALID_CHUNK_SIZE", ["request POST /"]),
    },
  },
  {
    name: "Proxy-Connection: close",
    pieces: [get("/", "Proxy-Connection: close\r\n")],
    differs: {
      why: "stricter by RFC 9110 §7.6.1: PROXY_CONNECTION; Node serves the request, and then closes",
      ours: refused("HPE_INVALID_HEADER_TOKEN"),
    },
  },
  {
    name: "more than 4096 field lines, however many are allowed",
    options: { maxHeadersCount: 0 },
    pieces: [get("/", "a:b\r\n".repeat(4096))],
    differs: {
      why: "a limit of headgate: FIELD_LINES_TOO_MANY",
      ours: refused("HPE_HEADER_OVERFLOW", [], "431 Request Header Fields Too Large"),
    },
  },
];
