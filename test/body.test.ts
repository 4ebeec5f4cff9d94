// In:    bodies, well formed, malformed and mutated, at every cut.
// Out:   whether BodyReader finds the end that a plain reference finds, and that Node's own parser finds.
// Never: uses a socket.

import * as assert from "uvu/assert";
import type { Framing } from "#src/head/request-head.js";
import { BodyReader } from "#src/message/body.js";
import { type ReferenceBody, referenceBody } from "./reference/chunked-body.js";
import { seeded } from "./support/mutations.js";
import { NodeReader, nodeParserMissing } from "./support/node-parser.js";
import { skip, suite } from "./support/suite.js";
import { cutUp, octetsOf } from "./support/tcp.js";

/** Whether a body ended, goes on, or is malformed, and after which octet that shows. */
type Reading = { kind: "done" | "partial" | "malformed"; at: number };

const CHUNKED: Framing = { kind: "chunked" };
const ROOM = 16_384;

/** What BodyReader reports for octets that come in these pieces. */
function read(pieces: readonly Uint8Array[], framing: Framing = CHUNKED, overhead = ROOM): Reading {
  const reader = new BodyReader(framing, overhead);
  let before = 0;
  for (const piece of pieces) {
    if (reader.done) break;
    const end = reader.read(piece, 0);
    if (end < 0) return { kind: "malformed", at: before + piece.length };
    if (reader.done) return { kind: "done", at: before + end };
    assert.is(end, piece.length, "a body that goes on takes all octets");
    before += piece.length;
  }
  return { kind: reader.done ? "done" : "partial", at: before };
}

const POST = octetsOf("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
const GET = octetsOf("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");

if (nodeParserMissing !== null) skip("comparison with Node's parser", nodeParserMissing);

/** What Node's parser reports for the same body: the octet that ended it, and whether it reads the next request after it. */
function readByNode(octets: Uint8Array): ReferenceBody & { next: boolean } {
  const reader = new NodeReader();
  try {
    assert.is(reader.read(POST), POST.length);
    const [request] = reader.requests;
    for (let at = 0; at < octets.length; at++) {
      reader.read(octets.subarray(at, at + 1));
      const { body: content, trailers } = request!;
      if (reader.refused !== null) return { kind: "malformed", at: at + 1, next: false, content, trailers };
      if (reader.complete > 0) {
        const next = reader.read(GET) === GET.length && reader.complete === 2;
        return { kind: "done", at: at + 1, next, content, trailers };
      }
    }
    const { body: content, trailers } = request!;
    return { kind: "partial", at: octets.length, next: false, content, trailers };
  } finally {
    reader.close();
  }
}

/** All that must hold of any octets. */
function compare(octets: Buffer, overhead = ROOM, withNode = true): Reading {
  const body = referenceBody(octets, overhead);
  const wanted: Reading = { kind: body.kind, at: body.at };
  const shown = JSON.stringify(octets.toString("latin1"));
  assert.equal(read(cutUp(octets, "octets"), CHUNKED, overhead), wanted, `${shown} octet by octet`);
  const whole = read([octets], CHUNKED, overhead);
  assert.is(whole.kind, wanted.kind, `${shown} whole`);
  if (wanted.kind === "done") assert.is(whole.at, wanted.at, `${shown} whole`);
  if (nodeParserMissing !== null || !withNode || wanted.kind === "malformed") return wanted;
  const { next, ...node } = readByNode(octets);
  // Node reports trailers when it has them all.
  assert.equal(node, node.kind === "done" ? body : { ...body, trailers: [] }, `${shown} by Node`);
  if (node.kind === "done") assert.ok(next, `${shown}: Node reads no request after it`);
  return wanted;
}

const accepted = [
  "0\r\n\r\n",
  "3\r\nabc\r\n0\r\n\r\n",
  "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
  "0000000000000003\r\nabc\r\n0000000000000000\r\n\r\n",
  "3;a\r\nabc\r\n0;b;c=d\r\n\r\n",
  '3;a="b c;\\"\\\\\t\x80";d=e;f=""\r\nabc\r\n0\r\n\r\n',
  '1;!#$%&\'*+-.^_`|~=1;x=";"\r\n\n\r\n0\r\n\r\n',
  "0\r\nA: b\r\n\r\n",
  "0\r\nA:\r\nB:  c\t \r\nX-Host: \x80\xff\r\n\r\n",
  "0\r\nHosts: b\r\nConnectio: c\r\nTransfer-Encoding2: d\r\nT: e\r\n\r\n",
  "5\r\n0\r\n\r\n\r\n0\r\n\r\n",
];

const refused = [
  // size
  "\r\n",
  ";a\r\n",
  "g\r\n",
  " 3\r\nabc\r\n",
  "3 \r\nabc\r\n",
  "+3\r\nabc\r\n",
  "-3\r\nabc\r\n",
  "0x3\r\nabc\r\n",
  "3_\r\nabc\r\n",
  "3\nabc\r\n",
  "3\rabc\r\n",
  "3\r\rabc\r\n",
  "00000000000000003\r\nabc\r\n",
  "20000000000000\r\n",
  "FFFFFFFFFFFFFFFF\r\n",
  "10000000000000003\r\nabc\r\n",
  // extensions
  "3;\r\nabc\r\n",
  "3;;a\r\nabc\r\n",
  "3; a\r\nabc\r\n",
  "3 ;a\r\nabc\r\n",
  "3;a =b\r\nabc\r\n",
  "3;a= b\r\nabc\r\n",
  "3;a=\r\nabc\r\n",
  "3;=b\r\nabc\r\n",
  "3;a=b=c\r\nabc\r\n",
  '3;a="b\r\nabc\r\n',
  '3;a="b"c\r\nabc\r\n',
  '3;a=b"c"\r\nabc\r\n',
  '3;a="\x7f"\r\nabc\r\n',
  '3;a="\\\n"\r\nabc\r\n',
  "3;a\nabc\r\n",
  "3;a\0\r\nabc\r\n",
  // data
  "3\r\nabcd\r\n",
  "3\r\nabc\n0\r\n\r\n",
  "3\r\nabc\r0\r\n\r\n",
  "3\r\nabc0\r\n\r\n",
  "3\r\nab\r\n0\r\n\r\n",
  // trailers
  "0\n\n",
  "0\r\n\n",
  "0\r\n\r\r\n",
  "0\r\nA\r\n\r\n",
  "0\r\nA : b\r\n\r\n",
  "0\r\n: b\r\n\r\n",
  "0\r\n A: b\r\n\r\n",
  "0\r\nA: b\r\n c\r\n\r\n",
  "0\r\nA: b\n\r\n",
  "0\r\nA: b\r\r\n",
  "0\r\nA: b\0\r\n\r\n",
  "0\r\nA: b\x7f\r\n\r\n",
  "0\r\nA\x80: b\r\n\r\n",
  "0\r\nContent-Length: 5\r\n\r\n",
  "0\r\ntransfer-encoding: chunked\r\n\r\n",
  "0\r\nA: b\r\nHOST: c\r\n\r\n",
  "0\r\nConnection: close\r\n\r\n",
  "0\r\nProxy-Connection: close\r\n\r\n",
  "0\r\nUpgrade: websocket\r\n\r\n",
];

const chunked = suite("chunked bodies");

for (const text of accepted) {
  chunked(`ends where it ends: ${JSON.stringify(text)}`, () => {
    const body = octetsOf(text);
    assert.equal(compare(body), { kind: "done", at: body.length });
    for (const behind of ["GET", "0", "\r\n", "\0"]) {
      assert.equal(compare(Buffer.concat([body, octetsOf(behind)])), { kind: "done", at: body.length });
    }
    for (let cut = 0; cut < body.length; cut++) {
      assert.equal(compare(body.subarray(0, cut)), { kind: "partial", at: cut });
      assert.equal(read([body.subarray(0, cut), body.subarray(cut)]), { kind: "done", at: body.length }, `cut ${cut}`);
    }
  });
}

for (const text of refused) {
  chunked(`is refused: ${JSON.stringify(text)}`, () => {
    const { kind, at } = compare(octetsOf(text));
    assert.is(kind, "malformed");
    const body = octetsOf(text);
    for (let cut = 0; cut < body.length; cut++) {
      assert.is(read([body.subarray(0, cut), body.subarray(cut)]).kind, "malformed", `cut ${cut}`);
      // Nothing before the bad octet is refused, and nothing mends it.
      assert.is(compare(body.subarray(0, cut)).kind, cut < at ? "partial" : "malformed", `prefix ${cut}`);
    }
  });
}

chunked("the size goes up to 2^53 - 1", () => {
  const reader = new BodyReader(CHUNKED, 0);
  const line = octetsOf("001FffffFFFFffff\r\n");
  assert.is(reader.read(line, 0), line.length);
  assert.is(reader.read(Buffer.alloc(65_536), 0), 65_536);
  assert.not(reader.done);
  assert.is(read([octetsOf("0020000000000000\r\n")]).kind, "malformed");
});

chunked("extensions and trailers share one allowance, to the octet", () => {
  const body = octetsOf('1;abc=de\r\nx\r\n2;f="gh"\r\nyz\r\n0;i\r\nJ: k\r\nLmn:\r\n\r\n');
  const overhead = ';abc=de;f="gh";iJ: k\r\nLmn:\r\n'.length;
  assert.is(compare(body, overhead).kind, "done");
  for (let less = 0; less < overhead; less++) assert.is(compare(body, less, false).kind, "malformed", `${less}`);
  assert.is(read([octetsOf("3\r\nabc\r\n0\r\n\r\n")], CHUNKED, 0).kind, "done");
});

chunked("the extensions of each chunk may have a limit of their own", () => {
  const body = octetsOf("1;ab\r\nx\r\n2;cd\r\nyz\r\n0;ef\r\nG: h\r\n\r\n");
  for (const [extensionBytes, overhead, code] of [
    [3, 6, null],
    [2, 6, "CHUNK_EXTENSIONS_TOO_LARGE"],
    [3, 5, "TRAILERS_TOO_LARGE"],
  ] as const) {
    for (const pieces of [[body], cutUp(body, "octets")]) {
      const reader = new BodyReader(CHUNKED, overhead, { extensionBytes });
      for (const piece of pieces) if (reader.fault === null && !reader.done) reader.read(piece, 0);
      assert.is(reader.fault?.code ?? null, code);
      assert.is(reader.done, code === null);
    }
  }
});

chunked("every octet at every place is taken as the reference and Node take it", () => {
  const bodies = ['2;a=b;c="d"\r\nxy\r\n0\r\nE: f\r\n\r\n', '1;a="\\b"\r\nz\r\n00\r\n\r\n'].map(octetsOf);
  let count = 0;
  for (const body of bodies) {
    for (let at = 0; at < body.length; at++) {
      for (let octet = 0; octet < 256; octet++, count++) {
        const changed = Buffer.from(body);
        changed[at] = octet;
        compare(changed);
      }
    }
  }
  assert.is(count, 256 * (bodies[0]!.length + bodies[1]!.length));
});

chunked("20,000 mutated bodies, at random cuts", () => {
  const random = seeded(20_261_124);
  const below = (n: number): number => random() % n;
  const pieces = [
    "\r\n",
    "\r",
    "\n",
    "0",
    "1",
    "f",
    ";a",
    "=b",
    '="',
    '"',
    "\\",
    ":",
    " ",
    "\t",
    "X: y\r\n",
    "Host:",
    "\x80",
  ];
  const tally = { done: 0, partial: 0, malformed: 0 };
  for (let n = 0; n < 20_000; n++) {
    let text = accepted[below(accepted.length)]!;
    for (let changes = 1 + below(3); changes > 0; changes--) {
      const at = below(text.length + 1);
      const piece = below(3) === 0 ? String.fromCharCode(below(256)) : pieces[below(pieces.length)]!;
      text = text.slice(0, at) + piece + text.slice(at + below(3));
    }
    if (below(4) === 0) text = text.slice(0, below(text.length));
    const octets = octetsOf(text);
    const overhead = below(4) === 0 ? below(40) : ROOM;
    const wanted = compare(octets, overhead);
    const cut = read(cutUp(octets, random()), CHUNKED, overhead);
    assert.is(cut.kind, wanted.kind, JSON.stringify(text));
    if (wanted.kind === "done") assert.is(cut.at, wanted.at, JSON.stringify(text));
    tally[wanted.kind]++;
  }
  for (const count of Object.values(tally)) assert.ok(count > 500, JSON.stringify(tally));
});

const counted = suite("other bodies");

counted("Content-Length, at every cut and with octets after the body", () => {
  for (const length of [1, 2, 13]) {
    const octets = Buffer.alloc(length + 4, "\r\n0");
    for (let cut = 0; cut <= octets.length; cut++) {
      const pieces = [octets.subarray(0, cut), octets.subarray(cut)];
      assert.equal(read(pieces, { kind: "content-length", length }), { kind: "done", at: length });
    }
    const pieces = cutUp(octets, "octets");
    assert.equal(read(pieces, { kind: "content-length", length }), { kind: "done", at: length });
    assert.is(read(pieces.slice(0, length - 1), { kind: "content-length", length }).kind, "partial");
  }
});

counted("no body is over before it begins", () => {
  for (const framing of [{ kind: "none" }, { kind: "content-length", length: 0 }] as const) {
    const reader = new BodyReader(framing, ROOM);
    assert.ok(reader.done);
    assert.is(reader.read(octetsOf("GET"), 0), 0);
  }
});

counted("reading begins where it is told to", () => {
  const reader = new BodyReader(CHUNKED, ROOM);
  const octets = octetsOf("POST x3\r\nabc\r\n0\r\n\r\nGET");
  assert.is(reader.read(octets, 6), octets.length - 3);
  assert.ok(reader.done);
});
