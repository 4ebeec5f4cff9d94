// In:    the corpus.
// Out:   whether every case is read as it must be: at once, cut, octet by octet, displaced, and with octets after it, on
//        every build of the kernel and by the reference parser.
// Never: knows a case by its id.

import * as assert from "uvu/assert";
import { kernel, kernelVariants, useKernel } from "#src/head/kernel/instance.js";
import { type HeadOptions, type HeadResult, parseRequestHead, parseRequestHeads } from "#src/head/parse.js";
import { HeadReader } from "#src/head/reader.js";
import { referenceHead } from "./reference/request-head.js";
import { answerOf, authorityAnswer, referenceAnswer } from "./support/answer.js";
import { type CorpusCase, isPartial, isRefusal, readCorpus } from "./support/corpus.js";
import { suite } from "./support/suite.js";

const corpus = readCorpus();

function optionsOf({ options }: CorpusCase): HeadOptions {
  const { host, headBytes, fieldLines } = options;
  return { host, limits: { headBytes, fieldLines } };
}

/** Asserts what the case expects of a result, and nothing more. */
function assertExpected(test: CorpusCase, result: HeadResult, how: string): void {
  const { expected } = test;
  const name = `${test.id} ${how}`;
  if (isPartial(expected)) {
    assert.equal(answerOf(result), { kind: "partial" }, name);
  } else if (isRefusal(expected)) {
    assert.equal(answerOf(result), { kind: "malformed", code: expected.refused, offset: expected.offset }, name);
  } else {
    if (result.kind !== "complete") throw new Error(`${name}: ${JSON.stringify(answerOf(result))}`);
    const { head } = result;
    for (const [property, value] of Object.entries(expected)) {
      if (property === "fields") {
        assert.equal(head.rawHeaders, (value as string[][]).flat(), `${name} fields`);
      } else if (property === "targetForm") {
        assert.is(head.targetForm, `${value}-form`, `${name} targetForm`);
      } else if (property === "framing") {
        const { framing } = head;
        assert.is(framing.kind === "content-length" ? framing.length : framing.kind, value, `${name} framing`);
      } else if (property === "host" || property === "authority") {
        const authority = head[property];
        const shown = authority && { uriHost: authority.uriHost, kind: authority.kind, port: authority.port };
        assert.equal(shown, value, `${name} ${property}`);
      } else {
        assert.equal(head[property as keyof typeof head], value, `${name} ${property}`);
      }
    }
  }
}

/** Feeds the pieces to a reader; returns the result, in the numbers of a parse of all of them at once. */
function readPieces(test: CorpusCase, pieces: Uint8Array[]): HeadResult {
  const reader = new HeadReader(optionsOf(test));
  let before = 0;
  for (const piece of pieces) {
    const result = reader.read(piece);
    if (result.kind === "complete") {
      assert.is(reader.pending, 0);
      return { ...result, consumed: result.consumed + before };
    }
    if (result.kind === "malformed") return result;
    before += piece.length;
  }
  return { kind: "partial" };
}

const every = (octets: Uint8Array): Uint8Array[] => Array.from(octets, (octet) => Uint8Array.of(octet));

for (const variant of kernelVariants) {
  const test = suite(`corpus on the ${variant} kernel`);
  test.before(() => useKernel(variant));

  for (const each of corpus) {
    test(`${each.id} ${each.title}`, () => {
      const { octets, options } = each;
      const whole = parseRequestHead(octets, optionsOf(each));
      assertExpected(each, whole, "whole");
      const answer = answerOf(whole);
      const { host, headBytes, fieldLines } = options;
      const reference = referenceHead(octets, { hostOptional: host === "optional", headBytes, fieldLines });
      assert.equal(referenceAnswer(reference), answer, "reference");

      assert.equal(answerOf(readPieces(each, every(octets))), answer, "octet by octet");
      // A long case is cut at every place near its ends and at some in between.
      const step = (cut: number): number => (cut < 400 || cut > octets.length - 400 ? 1 : 97);
      for (let cut = 1; cut < octets.length; cut += step(cut)) {
        const pieces = [octets.subarray(0, cut), octets.subarray(cut)];
        assert.equal(answerOf(readPieces(each, pieces)), answer, `cut at ${cut}`);
      }
      for (let alignment = 1; alignment <= 16; alignment++) {
        const displaced = new Uint8Array(octets.length + alignment).fill(0x0a);
        displaced.set(octets, alignment);
        assert.equal(answerOf(parseRequestHead(displaced.subarray(alignment), optionsOf(each))), answer, "displaced");
        assert.equal(behindAnother(each, alignment), answer, `after a head, displaced by ${alignment}`);
      }
      if (answer.kind !== "partial" && octets.length < headBytes) {
        for (const behind of ["GET / HTTP/1.1\r\n\r\n", "\0\xff\x16\x03\x01", "\r\n\r\n"]) {
          const longer = Buffer.concat([octets, Buffer.from(behind, "latin1")]);
          assert.equal(answerOf(parseRequestHead(longer, optionsOf(each))), answer, "with octets after it");
        }
      }
    });
  }
}

/** Reads the case in a batch after another head, which puts it at any alignment in the kernel's memory. */
function behindAnother(test: CorpusCase, alignment: number) {
  const filler = Buffer.from(`GET /${"x".repeat(alignment)} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const { octets } = test;
  if (test.options.headBytes < filler.length || test.options.fieldLines < 1)
    return answerOf(parseRequestHead(octets, optionsOf(test)));
  const { heads, fault } = parseRequestHeads(Buffer.concat([filler, octets]), optionsOf(test));
  const head = heads[1];
  if (head !== undefined) return answerOf({ kind: "complete", head, consumed: head.size });
  return answerOf(fault === null ? { kind: "partial" } : { kind: "malformed", fault });
}

const placement = suite("placement of refusals");

placement("every prefix of every case has the reference's answer", () => {
  useKernel("simd");
  for (const each of corpus) {
    const { octets, options } = each;
    const { host, headBytes, fieldLines } = options;
    for (let length = 0; length <= Math.min(octets.length, 700); length++) {
      const prefix = octets.subarray(0, length);
      const reference = referenceHead(prefix, { hostOptional: host === "optional", headBytes, fieldLines });
      assert.equal(
        answerOf(parseRequestHead(prefix, optionsOf(each))),
        referenceAnswer(reference),
        `${each.id} ${length}`,
      );
    }
  }
});

placement("a head that is read late is read as at first", () => {
  const octets = Buffer.from("GET /a?b HTTP/1.1\r\nHost: [::1]:81\r\nA: 1\r\n\r\n");
  const first = parseRequestHead(octets);
  if (first.kind !== "complete") throw new Error("no head");
  octets.fill(0x58);
  for (const variant of kernelVariants) {
    parseRequestHead(Buffer.from("POST /other HTTP/1.0\r\n\r\n"));
    useKernel(variant);
    assert.is(first.head.requestTarget, "/a?b");
    assert.is(first.head.query, "b");
    parseRequestHead(Buffer.from("POST /other HTTP/1.0\r\n\r\n"));
    assert.equal(authorityAnswer(first.head.host), { uriHost: "0,0,0,0,0,0,0,1", kind: "IP-literal", port: 81 });
    assert.equal(first.head.rawHeaders, ["Host", "[::1]:81", "A", "1"]);
  }
});

const cost = suite("cost of pieces");

/** How often the kernel is asked while the octets come in pieces of `size`. */
function kernelCalls(octets: Uint8Array, size: number): number {
  const before = kernel().generation;
  const reader = new HeadReader();
  for (let at = 0; at < octets.length; at += size) reader.read(octets.subarray(at, at + size));
  return kernel().generation - before;
}

cost("a long run of anything that may be long does not ask the kernel again with each piece", () => {
  useKernel("simd");
  const start = "GET / HTTP/1.1\r\nHost: ";
  for (const [name, text] of [
    ["triplets in Host", start + "%41".repeat(4000)],
    ["letters and triplets in Host", start + "a%4a".repeat(3000)],
    ["triplets in absolute-form", `GET http://${"%41".repeat(4000)}`],
    ["white space before Host", `GET / HTTP/1.1\r\nHost:${" ".repeat(12_000)}`],
    ["white space after Host", `${start}a${" \t".repeat(6000)}`],
    ["zeros of a port", `${start}a:${"0".repeat(12_000)}`],
    ["white space before Content-Length", `${start}a\r\nContent-Length:${" ".repeat(12_000)}`],
    ["white space after Content-Length", `${start}a\r\nContent-Length: 1${" ".repeat(12_000)}`],
    ["zeros of Content-Length", `${start}a\r\nContent-Length: ${"0".repeat(12_000)}`],
    ["a value", `${start}a\r\nX: ${"y z\xff".repeat(3000)}`],
    ["a list", `${start}a\r\nConnection: ${"a, ".repeat(4000)}`],
    ["a name", `${start}a\r\n${"y".repeat(12_000)}`],
    ["a method", "M".repeat(12_000)],
    ["a scheme", `GET ${"s+".repeat(6000)}`],
    ["a path", `GET /${"%zz?".repeat(3000)}`],
  ] as const) {
    const octets = Buffer.from(text, "latin1");
    assert.is(parseRequestHead(octets).kind, "partial", name);
    for (const size of [1, 2, 3, 4, 5, 7, 16]) {
      const calls = kernelCalls(octets, size);
      // The held octets grow by doubling, which asks the kernel; beyond that only the beginning does.
      assert.ok(calls < 60, `${name} in pieces of ${size}: ${calls} calls`);
    }
  }
});

const misuse = suite("misuse of the parser");

misuse("options and input are checked, content never throws", () => {
  const octets = Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  for (const [call, sentence] of [
    [
      () => parseRequestHead(octets, { headBytes: 16 } as HeadOptions),
      /headBytes is not a setting of a parse; the settings are host, limits/,
    ],
    [() => new HeadReader({ limit: {} } as HeadOptions), /limit is not a setting/],
    [() => parseRequestHead(octets, { host: "maybe" as never }), /host is "maybe"/],
    [() => parseRequestHead("GET" as never), /must be a Uint8Array/],
    [() => parseRequestHeads("GET" as never), /must be a Uint8Array/],
    [() => new HeadReader().read("GET" as never), /must be a Uint8Array/],
  ] as const) {
    assert.throws(call, (error: unknown) => error instanceof TypeError && sentence.test(error.message));
  }
  for (const size of [0, 1, 131_071, 131_072, 131_073, 300_000]) {
    const limits = { headBytes: 131_072 };
    const octets = new Uint8Array(size).fill(0x41);
    const kind = size > 131_072 ? "malformed" : "partial";
    assert.is(parseRequestHead(octets, { limits }).kind, kind);
    assert.is(new HeadReader({ limits }).read(octets).kind, kind);
    assert.is(parseRequestHeads(octets, { limits }).fault?.code, kind === "malformed" ? "HEAD_TOO_LARGE" : undefined);
  }
});
