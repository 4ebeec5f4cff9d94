// In:    test/corpus/client-hello.md, mutations of it, first octets of other protocols.
// Out:   whether the reader has each case's answer at every cut, and the reference's on mutations; whether protocols are distinguished.
// Never: opens a connection; tls-clients.test.ts does.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { FirstOctets, type FirstOctetsResult, protocolOf } from "#src/arrival/first-octets.js";
import { ClientHelloReader, type HelloResult } from "#src/arrival/tls/records.js";
import { explain } from "#src/policy/explain.js";
import { referenceHello } from "./reference/client-hello.js";
import { readHelloCorpus, readProxyCorpus } from "./support/corpus.js";
import { nearly, seeded } from "./support/mutations.js";
import { suite } from "./support/suite.js";
import { octetsOf } from "./support/tcp.js";

const LIMIT = 16_384;
const corpus = readHelloCorpus();

/** Reads pieces up to the first that ends it. */
function readPieces(pieces: readonly Uint8Array[], limit = LIMIT): HelloResult {
  const reader = new ClientHelloReader(limit);
  for (const piece of pieces) {
    const result = reader.read(piece);
    if (result.kind !== "partial") return result;
  }
  return { kind: "partial" };
}

const octetByOctet = (octets: Uint8Array): Uint8Array[] => Array.from(octets, (octet) => Uint8Array.of(octet));

/** A result in the words of the corpus. */
function wordsOf(result: HelloResult): object {
  if (result.kind === "malformed") return { refused: result.fault.code, offset: result.fault.offset };
  return result.kind === "partial" ? { partial: true } : { ...result.hello };
}

const cases = suite("ClientHello corpus");

cases("has at least 60 cases", () => {
  assert.ok(corpus.length >= 60, `${corpus.length} cases`);
});

for (const { id, title, octets, expected: all } of corpus) {
  const { limit = LIMIT, ...expected } = all as { limit?: number };

  const check = (pieces: readonly Uint8Array[], how: string): void => {
    const result = readPieces(pieces, limit);
    assert.equal(wordsOf(result), expected, `${id} ${how}`);
    if (result.kind !== "complete") return;
    // All that came is there, whatever follows.
    const whole = Buffer.concat(pieces);
    assert.ok(whole.subarray(0, result.octets.length).equals(result.octets), `${id} ${how}: octets`);
    assert.ok(result.octets.length >= octets.length - 1, `${id} ${how}: octets`);
  };

  cases(`${id} ${title}`, () => {
    check([octets], "whole");
    check(octetByOctet(octets), "octet by octet");
    for (let cut = 0; cut <= octets.length; cut++) {
      check([octets.subarray(0, cut), octets.subarray(cut)], `cut at ${cut}`);
    }
    if ("partial" in expected) return;
    const behind = Buffer.concat([octets, octetsOf("\x14\x03\x03\x00\x01\x01")]);
    check([behind], "with octets after it");
    for (let cut = 0; cut <= octets.length; cut++) {
      check([behind.subarray(0, cut), behind.subarray(cut)], `cut at ${cut}, with octets after it`);
    }
  });

  cases(`${id} on the reference`, () => {
    const answer = referenceHello(Buffer.from(octets), limit);
    if (answer === "partial") assert.equal(expected, { partial: true });
    else if (answer === "refused") assert.ok("refused" in expected);
    else assert.equal(answer, expected);
  });
}

const reader = suite("ClientHello reader");

reader("keeps nothing of a caller's octets while more is needed", () => {
  const octets = Buffer.from(corpus.find(({ title }) => title === "a server name")!.octets);
  const made = new ClientHelloReader(LIMIT);
  for (const [start, end] of [
    [0, 30],
    [30, 62],
  ] as const) {
    const piece = Buffer.from(octets.subarray(start, end));
    assert.is(made.read(piece).kind, "partial");
    piece.fill(0);
  }
  const result = made.read(octets.subarray(62));
  assert.ok(result.kind === "complete" && octets.equals(result.octets));
});

reader("a fault is explained with its octet and source", () => {
  const { octets } = corpus.find(({ title }) => title === "two names")!;
  const result = readPieces([octets]);
  assert.ok(result.kind === "malformed");
  assert.is(
    explain(result.fault),
    "server_name is not a list of one host_name (HELLO_SERVER_NAME at octet 62; RFC 6066 §3)",
  );
});

const INTERESTING = [0, 1, 2, 3, 4, 16, 22, 43, 0x2e, 0x61, 0xff];

reader("agrees with the reference on 40,000 mutated ClientHellos, cut at random", () => {
  const random = seeded(20_261_125);
  let accepted = 0;
  for (let i = 0; i < 40_000; i++) {
    const octets = nearly(corpus[random() % corpus.length]!.octets, random, INTERESTING);
    const limit = random() % 8 === 0 ? 64 + (random() % 80) : LIMIT;
    const pieces: Buffer[] = [];
    for (let at = 0; at < octets.length; ) {
      const length = 1 + (random() % 24);
      pieces.push(octets.subarray(at, at + length));
      at += length;
    }
    const result = readPieces(pieces, limit);
    const answer = referenceHello(octets, limit);
    const shown = `${octets.toString("hex")} within ${limit}`;
    if (answer === "partial") assert.is(result.kind, "partial", shown);
    else if (answer === "refused") assert.is(result.kind, "malformed", shown);
    else {
      assert.ok(result.kind === "complete", `${shown}: ${JSON.stringify(result)}`);
      assert.equal(result.hello, answer, shown);
      accepted++;
    }
  }
  assert.ok(accepted > 2000, `${accepted} accepted`);
});

const telling = suite("first octets");
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

telling("each protocol is told by as few octets as decide it", () => {
  for (const [text, protocol, decisive] of [
    ["\x16\x03\x01\x00\x05", "tls", 2],
    ["\x16\x02\x01", "other", 2],
    [PREFACE, "h2", 24],
    ["PRI * HTTP/1.1\r\n", "http/1.1", 12],
    ["PRIME / HTTP/1.1\r\n", "http/1.1", 6],
    ["POST / HTTP/1.1\r\n", "http/1.1", 5],
    ["P /", "http/1.1", 2],
    ["GET / HTTP/1.1\r\n", "http/1.1", 4],
    ["X-~|`!#$%&'*+.^_09 ", "http/1.1", 19],
    ["\r\n\r\nGET / HTTP/1.1\r\n", "http/1.1", 8],
    ["\r\n\r\n\r\n\r\n\r\nGET /", "other", 9],
    ["\r\n\r\n\0\r\nQUIT\n", "other", 5],
    ["\r\r", "other", 2],
    ["\n", "other", 1],
    [" GET / HTTP/1.1", "other", 1],
    ["SSH-2.0-OpenSSH_9.2\r\n", "other", 20],
    ["\x80\x2e\x01\x00\x02", "other", 1],
    ["\x10\x0c\x00\x04MQTT", "other", 1],
    ["\x00", "other", 1],
    ["*1\r\n$4\r\nPING\r\n", "other", 3],
    [`${"A".repeat(32)} / HTTP/1.1`, "http/1.1", 33],
    ["A".repeat(40), "other", 33],
  ] as const) {
    const octets = octetsOf(text);
    for (let length = 1; length < decisive; length++) assert.is(protocolOf(octets.subarray(0, length)), null, text);
    assert.is(protocolOf(octets.subarray(0, decisive)), protocol, text);
    assert.is(protocolOf(octets), protocol, text);
  }
});

/** Reads pieces up to the first that decides. */
function tell(pieces: readonly Uint8Array[]): FirstOctetsResult {
  const made = new FirstOctets(LIMIT);
  for (const piece of pieces) {
    const result = made.read(piece);
    if (result.kind !== "partial") return result;
  }
  return { kind: "partial" };
}

telling("no octet is lost at any cut", () => {
  const hello = Buffer.from(
    corpus.find(({ title }) => title === "in records of one octet, cut within the name")!.octets,
  );
  for (const [octets, protocol] of [
    [hello, "tls"],
    [octetsOf(PREFACE), "h2"],
    [octetsOf("\r\nOPTIONS * HTTP/1.1\r\n"), "http/1.1"],
    [octetsOf("SSH-2.0-OpenSSH_9.2\r\n"), "other"],
    [Buffer.from(readProxyCorpus().find(({ title }) => title === "TCP over IPv4")!.octets), "other"],
  ] as const) {
    for (let cut = 0; cut <= octets.length; cut++) {
      const pieces = [octets.subarray(0, cut), octets.subarray(cut)].filter(({ length }) => length > 0);
      const result = tell(pieces);
      assert.ok(result.kind === "complete" && result.protocol === protocol, `${protocol} cut at ${cut}`);
      assert.ok(octets.subarray(0, result.octets.length).equals(result.octets));
      // It needed no piece after the one that decides.
      assert.ok(result.octets.length === octets.length || result.octets.length === cut);
    }
    const result = tell(octetByOctet(octets));
    assert.ok(result.kind === "complete" && octets.subarray(0, result.octets.length).equals(result.octets));
  }
});

telling("more octets never change what was told", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.uint8Array({ maxLength: 9 }), (octets, more) => {
      const told = protocolOf(octets);
      if (told !== null) assert.is(protocolOf(Buffer.concat([octets, more])), told);
    }),
    { numRuns: 2000 },
  );
});

telling("an invalid ClientHello is an error, not another protocol", () => {
  const { octets } = corpus.find(({ title }) => title === "two names")!;
  const result = tell(octetByOctet(octets));
  assert.ok(result.kind === "malformed" && result.fault.code === "HELLO_SERVER_NAME");
});
