// In:    an engine.
// Out:   whether node:http takes its parsers and reads requests from them as it should; the reason if not.
// Never: touches a socket, or a parser of Node's own.

import type { IncomingMessage } from "node:http";
import type { Engine } from "./engine.js";
import type { ParserPool } from "./node-parts.js";
import type { SeatParser } from "./seat-parser.js";

const MESSAGES =
  "POST /a?b HTTP/1.1\r\nHost: c\r\nX-D: e\r\nX-D: f\r\nContent-Length: 3\r\n\r\nghi" +
  "SOURCE /j HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nlm\r\n0\r\nN: o\r\n\r\n" +
  "GET /p HTTP/1.0\r\nHost: q\r\nConnection: keep-alive\r\n\r\n";
/** Header lines as sent: another function may be in the place of the one of Node's that makes `headers` of them. */
const EXPECTED = [
  'POST /a?b 1.1 ["Host","c","X-D","e","X-D","f","Content-Length","3"] ghi [] true',
  'SOURCE /j 1.1 ["Host","k","Transfer-Encoding","chunked"] lm ["N","o"] true',
  'GET /p 1.0 ["Host","q","Connection","keep-alive"]  [] true',
].join("\n");
/** `headers` of the last one, which the parser makes if Node's functions are in their place. */
const HEADERS = '{"host":"q","connection":"keep-alive"}';

/** Null if all is well. */
export function selfTest(engine: Engine<SeatParser>): string | null {
  const { common } = engine.parts;
  const pool: ParserPool = common.parsers;
  const before = pool.list.length;
  const parser = engine.take();
  try {
    pool.list.push(parser);
    if (pool.alloc() !== parser) return "a connection does not take the parser that was put on the pool last";
    const read = readBy(parser, engine);
    if (read !== EXPECTED) return `requests are read as ${read}`;
    common.freeParser(parser, null, null);
    if (pool.list.length !== before) return "a parser does not leave the pool when its connection has ended";
    return null;
  } catch (error) {
    return `a request cannot be read: ${(error as Error).message}`;
  } finally {
    const at = pool.list.lastIndexOf(parser);
    if (at >= 0) pool.list.splice(at, 1);
  }
}

function readBy(parser: SeatParser, { parts }: Engine<SeatParser>): string {
  const requests: IncomingMessage[] = [];
  const socket = { readable: false, _handle: null, push: () => false };
  parser.initialize(parts.common.HTTPParser.REQUEST, { socket }, 0, 0);
  parser.socket = socket;
  parser.onIncoming = (request) => {
    requests.push(request);
    return 0;
  };
  const octets = Buffer.from(MESSAGES, "latin1");
  // In two pieces, so that a head comes in two as well.
  for (const piece of [octets.subarray(0, 20), octets.subarray(20)]) {
    const taken = parser.execute(piece);
    if (taken !== piece.length) return String(taken);
  }
  const headers = JSON.stringify(requests.at(-1)?.headers);
  if (parts.headerLines !== null && headers !== HEADERS) return headers;
  return requests
    .map((request) => {
      const { method, url, httpVersion, rawHeaders, rawTrailers, complete } = request;
      const body = String(request.read() ?? "");
      const [lines, trailers] = [rawHeaders, rawTrailers].map((each) => JSON.stringify(each));
      return [method, url, httpVersion, lines, body, trailers, complete].join(" ");
    })
    .join("\n");
}
