// In:    a source of random numbers, the corpus of heads.
// Out:   an endless row of connections: requests with bodies, one after another, that are right or nearly right.
// Never: gives another row for the same numbers.

import { METHODS } from "node:http";
import { parseRequestHead } from "#src/head/parse.js";
import { readCorpus } from "./corpus.js";
import { mutated } from "./mutations.js";

type Random = () => number;

const words = (text: string): string[] => text.split(" ");

const targets = words(
  "/ /x?y * http://a http://a/ http://b:81/x?y HTTP://Example.COM. http://[::1]:3?x https://a/ ws://a:80/live http://127.0.0.1 " +
    "http://%41 h+t.1://a/ http://a:/ http://a:0080/ /live //a/b /http://b/",
);

const hosts = words("a b b:81 Example.COM. [::1] [0:0::1]:3 127.0.0.1:8080 a: a:0080 %41 a,b");

/** The other lines of an opening handshake. */
const handshake =
  "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection:";

/** What makes requests differ on their way, besides the lines of the corpus. */
const furtherLines = [
  ...["Upgrade: h2c", "Upgrade: a/1, b", "Upgrade:", "upgrade:\twebsocket", "Upgrade: WebSocket ", "UPGRADE: ,"],
  ...["Connection: upgrade", "connection: Upgrade", "Connection: ,upgrade,,", "Connection: keep-alive, Upgrade"],
  ...[
    "Connection: close",
    "Connection: keep-alive",
    "Connection:\tkeep-alive ",
    "CONNECTION:x,upgrade,y",
    "Connection:",
  ],
  ...["Connection: Upgrade, HTTP2-Settings", "Connection: upgrade, close", "Connection: host, content-length"],
  ...["Forwarded: host=c;for=192.0.2.7", 'Forwarded: host="c:82"', "Forwarded: proto=https", "X-Forwarded-Host: d"],
  ...["Expect: 100-continue", "Expect: x", "TE: trailers", "Trailer: X", "Host2: b", "X-Host: b", "Origin: http://a"],
  ...[
    `${handshake} Upgrade`,
    `${handshake} keep-alive, Upgrade`,
    `${handshake} Upgrade\t`,
    `${handshake} x,upgrade \t`,
  ],
  ...["Origin: null", "Cookie: a=b", "Cookie: c", "X:", "X: \t y\tz\xff ", "Content-Type: text/plain"],
];

const lengths = ["0", "1", "5", "37", "007", "5\t", "\t 5 "];

const chunkedLines = [
  ...["Transfer-Encoding: chunked", "transfer-encoding:CHUNKED ", "Transfer-Encoding: gzip, chunked"],
  ...[
    "Transfer-Encoding:  gzip  ,  chunked",
    "Transfer-Encoding:\tchunked",
    "Connection: close,\tkeep-alive\t",
    "Connection:\tUpgrade\t,",
    "Transfer-Encoding: a,b,chunked",
  ],
];

const chunkedBodies = [
  ...["0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n", "0003\r\nabc\r\n000\r\n\r\n", "1\r\n\n\r\n0\r\n\r\n"],
  ...[
    "A\r\n0123456789\r\na;b\r\n0123456789\r\n0\r\n\r\n",
    '3;a="b;\\"\\\r\nabc\r\n0\r\n\r\n',
    "5\r\n0\r\n\r\n\r\n0\r\n\r\n",
  ],
  ...['3;a="b c;\\"\\\\\t\x80";d=e;f=""\r\nabc\r\n0;b;c=d\r\n\r\n', "0\r\nA: b\r\n\r\n", "0\r\nA:\r\nB:  c\t \r\n\r\n"],
  ...[
    "3\r\nabc\r\n0\r\nX-Host: \x80\xff\r\nHosts: a\r\n\r\n",
    "0\r\nHost: evil\r\n\r\n",
    "0\r\nContent-Length: 5\r\n\r\n",
  ],
  ...[
    "1b\r\nGET /no HTTP/1.1\r\nHost: e\r\n\r\n0\r\n\r\n",
    `0\r\n${"T: 1\r\n".repeat(40)}\r\n`,
    "0\r\nConnection: close\r\n\r\n",
  ],
];

/** What a body of so many octets holds: what looks like the beginning of a request. */
const SMUGGLED = "GET /no HTTP/1.1\r\nHost: evil\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";

const furtherPieces = [
  ...[
    "0\r\n\r\n",
    "3\r\nabc\r\n",
    "3;a=b\r\nabc\r\n",
    ";a",
    "=b",
    '="',
    "\\",
    "1\r\nx\r\n",
    "00000000000000000",
    "ffffffff",
  ],
  ...[
    "GET /no HTTP/1.1\r\nHost: evil\r\n\r\n",
    "Connection: upgrade\r\nUpgrade: h2c\r\n",
    "Connection:\tx,upgrade\r\n",
  ],
  ...[
    "Connection: keep-alive\t\r\n",
    "Upgrade:\r\nConnection: upgrade\r\n",
    "Forwarded: host=c\r\n",
    "RTSP/1.0",
    "ICE/1.0",
  ],
].map((piece) => Uint8Array.from(Buffer.from(piece, "latin1")));

/** Request lines and field lines of the corpus that are accepted; those that frame are made here. */
function linesOfCorpus(): { requestLines: string[]; fieldLines: string[] } {
  const requestLines = new Set<string>();
  const fieldLines = new Set(furtherLines);
  for (const { octets } of readCorpus()) {
    const result = parseRequestHead(octets);
    if (result.kind !== "complete" || octets.length > 2000) continue;
    const [requestLine, ...lines] = result.head
      .toString()
      .replace(/^(?:\r\n)+/, "")
      .split("\r\n");
    requestLines.add(requestLine!);
    const others = lines.filter((line) => !/^(?:|host:.*|content-length:.*|transfer-encoding:.*)$/is.test(line));
    for (const line of others) fieldLines.add(line);
  }
  return { requestLines: [...requestLines], fieldLines: [...fieldLines] };
}

/** Octets that a client sends on one connection. */
export function* requestMutations(random: Random): Generator<Buffer, never> {
  const below = (n: number): number => random() % n;
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const { requestLines, fieldLines } = linesOfCorpus();
  const methods = [...METHODS, ..."get PRI X DESCRIBE SETUP PLAY FLUSH QUERY".split(" ")];

  const request = (): string => {
    const version = below(5) === 0 ? "1.0" : "1.1";
    const method = below(3) === 0 ? pick(methods) : pick(["GET", "POST"]);
    const requestLine =
      below(4) === 0
        ? pick(requestLines)
        : `${method} ${pick(targets)} ${below(60) === 0 ? "RTSP" : "HTTP"}/${version}`;
    const lines = Array.from({ length: below(5) }, () => pick(fieldLines));
    if (version === "1.1" || below(2) === 0) lines.push(`${pick(["Host", "host", "HOST"])}: ${pick(hosts)}`);
    let body = "";
    const way = below(5);
    if (way < 2 && version === "1.1") {
      lines.push(pick(chunkedLines));
      body = pick(chunkedBodies);
    } else if (way === 2) {
      const length = pick(lengths);
      lines.push(`Content-Length: ${length}`);
      body = SMUGGLED.slice(0, Number(length));
    }
    for (let i = lines.length - 1; i > 0; i--) {
      const other = below(i + 1);
      [lines[i], lines[other]] = [lines[other]!, lines[i]!];
    }
    return `${"\r\n".repeat(below(8) === 0 ? below(3) : 0)}${requestLine}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n${body}`;
  };

  const seeds = Array.from({ length: 500 }, () => Buffer.from(request(), "latin1"));
  for (;;) {
    const text = Array.from({ length: 1 + below(3) }, request).join("");
    const count = Math.max(0, below(5) - 1);
    yield Buffer.from(mutated(Buffer.from(text, "latin1"), count, random, seeds, furtherPieces));
  }
}
