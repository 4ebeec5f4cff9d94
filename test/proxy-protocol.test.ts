// In:    test/corpus/proxy-protocol.md, and headers that are made from what they should state.
// Out:   whether the reader and the reference have each case's answer, the reader at every cut.
// Never: adopts a socket, proxy-adoption.test.ts does; or mutates a case, fuzz.test.ts does.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { crc32c } from "#src/arrival/proxy/crc32c.js";
import type { ProxyHeader } from "#src/arrival/proxy/header.js";
import { ProxyReader, type ProxyResult } from "#src/arrival/proxy/reader.js";
import { checksum, referenceProxy } from "./reference/proxy-protocol.js";
import { readProxyCorpus } from "./support/corpus.js";
import { PROXY_OCTETS, readPieces } from "./support/proxy-differential.js";
import { suite } from "./support/suite.js";

const corpus = readProxyCorpus();

const octetByOctet = (octets: Uint8Array): Uint8Array[] => Array.from(octets, (octet) => Uint8Array.of(octet));

/** A result in the words of the corpus. */
function wordsOf(result: ProxyResult): object {
  if (result.kind === "malformed") return { refused: result.fault.code, offset: result.fault.offset };
  return result.kind === "partial" ? { partial: true } : { ...result.header, consumed: result.consumed };
}

const cases = suite("PROXY corpus");

cases("has at least 60 cases", () => {
  assert.ok(corpus.length >= 60, `${corpus.length} cases`);
});

for (const { id, title, octets, expected: all } of corpus) {
  const { limit = PROXY_OCTETS, ...expected } = all as { limit?: number };
  const isHeader = !("refused" in expected || "partial" in expected);

  const check = (pieces: readonly Uint8Array[], how: string): void => {
    const words = wordsOf(readPieces(pieces, limit)) as Record<string, unknown>;
    const wanted: Record<string, unknown> = isHeader ? { ...expected, consumed: octets.length } : { ...expected };
    for (const name of Object.keys(wanted)) assert.equal(words[name], wanted[name], `${id} ${how}: ${name}`);
    assert.is("refused" in words, "refused" in wanted, `${id} ${how}`);
    assert.is("partial" in words, "partial" in wanted, `${id} ${how}`);
  };

  cases(`${id} ${title}`, () => {
    check([octets], "whole");
    check(octetByOctet(octets), "octet by octet");
    for (let cut = 0; cut <= octets.length; cut++) {
      check([octets.subarray(0, cut), octets.subarray(cut)], `cut at ${cut}`);
    }
    if ("partial" in expected) return;
    const behind = Buffer.concat([octets, Buffer.from("GET / HTTP/1.1\r\n\r\n")]);
    check([behind], "with octets after it");
    for (let cut = 0; cut <= octets.length; cut++) {
      check([behind.subarray(0, cut), behind.subarray(cut)], `cut at ${cut}, with octets after it`);
    }
  });

  cases(`${id} on the reference`, () => {
    const answer = referenceProxy(octets, limit);
    if (answer === "partial") assert.ok("partial" in expected);
    else if ("refused" in answer) assert.is((expected as { refused?: string }).refused, answer.refused);
    else {
      assert.ok(isHeader);
      assert.is(answer.length, octets.length);
      for (const [name, value] of Object.entries(expected)) assert.equal(answer.header[name], value, name);
    }
  });
}

const reader = suite("PROXY reader");

reader("keeps nothing of a caller's octets", () => {
  const octets = Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n");
  const parts = [octets.subarray(0, 20), octets.subarray(20)];
  const made = new ProxyReader(PROXY_OCTETS);
  made.read(parts[0]!);
  octets.fill(0, 0, 20);
  assert.is(made.read(parts[1]!).kind, "complete");
});

reader("takes what it needs of a chunk, and no more", () => {
  const many = Buffer.alloc(1 << 20, "a");
  const header = corpus.find(({ title }) => title === "TCP over IPv6")!.octets;
  const result = readPieces([Buffer.concat([header, many])]);
  assert.ok(result.kind === "complete" && result.consumed === header.length);
});

reader("CRC32C has the value of its test string, and the reference's", () => {
  assert.is(crc32c(Buffer.from("123456789"), 9), 0xe306_9283);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      (octets) => crc32c(octets, octets.length) === checksum(Buffer.from(octets)),
    ),
  );
});

/** A TLV, or one of SSL. */
const tlv = (type: number, value: string | Uint8Array, encoding: BufferEncoding = "latin1"): Buffer => {
  const octets = typeof value === "string" ? Buffer.from(value, encoding) : value;
  return Buffer.concat([Uint8Array.of(type, octets.length >> 8, octets.length & 255), octets]);
};

const address = fc.oneof(
  fc.tuple(fc.ipV4(), fc.ipV4()).map((ends) => ({ family: "TCP4", ends })),
  fc.tuple(fc.ipV6(), fc.ipV6()).map((ends) => ({ family: "TCP6", ends })),
);
const port = fc.integer({ min: 0, max: 65_535 });
const cutAt = fc.nat(400);

reader("every address and port that a line can say comes back by value, at any cut", () => {
  fc.assert(
    fc.property(address, port, port, cutAt, ({ family, ends: [from, to] }, fromPort, toPort, cut) => {
      const line = Buffer.from(`PROXY ${family} ${from} ${to} ${fromPort} ${toPort}\r\n`);
      const result = readPieces([line.subarray(0, cut), line.subarray(cut)]);
      if (result.kind !== "complete") throw new Error(JSON.stringify(result));
      const { source, destination } = result.header as {
        source: { address: string; port: number };
        destination: object;
      };
      assert.equal(referenceProxy(line, PROXY_OCTETS), { header: result.header, length: line.length });
      // What was read, written and read again, is the same.
      const again = Buffer.from(
        `PROXY ${family} ${source.address} ${(destination as { address: string }).address} ${fromPort} ${toPort}\r\n`,
      );
      assert.equal(readPieces([again]), { ...result, consumed: again.length, size: again.length });
    }),
    { numRuns: 500 },
  );
});

const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value);
const octetText = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 128,
});
const asciiText = fc.string({ unit: "grapheme-ascii", maxLength: 40 });
const unicodeText = fc.string({ unit: "grapheme", maxLength: 40 });

const tlvOfApplication = fc
  .tuple(fc.integer({ min: 0xe0, max: 0xff }), octetText)
  .map(([type, value]) => ({ type, value }));

reader("every TLV that a header can say comes back, with its checksum, at any cut", () => {
  const said = fc.record({
    alpn: optional(octetText),
    // An empty one is absent.
    authority: optional(unicodeText).map((text) => text || null),
    uniqueId: optional(octetText),
    namespace: optional(asciiText),
    version: optional(asciiText),
    commonName: optional(unicodeText),
    tlvs: fc.array(tlvOfApplication, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(said, cutAt, ({ alpn, authority, uniqueId, namespace, version, commonName, tlvs }, cut) => {
      const tls = [
        ...(version === null ? [] : [tlv(0x21, version)]),
        ...(commonName === null ? [] : [tlv(0x22, commonName, "utf8")]),
      ];
      const body = Buffer.concat([
        Buffer.from("c0000201c633640701bbc822", "hex"),
        ...(alpn === null ? [] : [tlv(1, alpn)]),
        ...(authority === null ? [] : [tlv(2, authority, "utf8")]),
        tlv(3, Buffer.alloc(4)),
        ...(uniqueId === null ? [] : [tlv(5, uniqueId)]),
        ...(namespace === null ? [] : [tlv(0x30, namespace)]),
        tlv(0x20, Buffer.concat([Uint8Array.of(1, 0, 0, 0, 0), ...tls])),
        ...tlvs.map(({ type, value }) => tlv(type, value)),
      ]);
      const header = Buffer.concat([Buffer.from("0d0a0d0a000d0a515549540a2111", "hex"), Buffer.alloc(2), body]);
      header.writeUInt16BE(body.length, 14);
      const sumAt = header.indexOf(tlv(3, Buffer.alloc(4)), 28 + (alpn === null ? 0 : 3 + alpn.length)) + 3;
      header.writeUInt32BE(checksum(header), sumAt);
      const result = readPieces([header.subarray(0, cut), header.subarray(cut)]);
      if (result.kind !== "complete") throw new Error(JSON.stringify(result));
      const wanted: Partial<ProxyHeader> = { alpn, authority, uniqueId, namespace, tlvs };
      for (const [name, value] of Object.entries(wanted)) assert.equal(result.header[name as "alpn"], value, name);
      assert.ok(result.header.tls);
      assert.equal([result.header.tls.version, result.header.tls.commonName], [version, commonName]);
    }),
    { numRuns: 500 },
  );
});
