// In:    the corpus of heads, and text as people type it.
// Out:   whether the playground finds the parts of heads, of beginnings of heads and of what comes before a fault.
// Never: needs a browser.

import * as fc from "fast-check";
import { parseRequestHead } from "headgate/parser";
import * as assert from "uvu/assert";
import { latin1, octetsOf } from "../demo/playground/octets.js";
import { type Part, type PartKind, partsOf } from "../demo/playground/parts.js";
import { readCorpus } from "./support/corpus.js";
import { suite } from "./support/suite.js";

const test = suite("playground: parts");

const textsOf = (octets: Uint8Array, parts: readonly Part[], kind: PartKind): string[] =>
  parts.filter((part) => part.kind === kind).map(({ start, end }) => latin1(octets.subarray(start, end)));

/** Every octet belongs to one part. */
function checkCover(octets: Uint8Array, parts: readonly Part[], what: string): void {
  let at = 0;
  for (const { start, end } of parts) {
    assert.is(start, at, what);
    assert.ok(end > start, what);
    at = end;
  }
  assert.is(at, octets.length, what);
}

test("of a complete head, they are what the kernel read", () => {
  let heads = 0;
  for (const { id, octets, options } of readCorpus()) {
    const { host, ...limits } = options;
    const result = parseRequestHead(octets, { host, limits });
    const parts = partsOf(octets, result);
    checkCover(octets, parts, id);
    if (result.kind !== "complete") continue;
    heads++;
    const { head, consumed } = result;
    assert.equal(textsOf(octets, parts, "method"), [head.method], id);
    assert.equal(textsOf(octets, parts, "target"), [head.requestTarget], id);
    assert.equal(textsOf(octets, parts, "version"), [`HTTP/${head.httpVersion}`], id);
    const names = head.rawHeaders.filter((_, i) => i % 2 === 0);
    assert.equal(textsOf(octets, parts, "name"), names, id);
    const values = head.rawHeaders.filter((value, i) => i % 2 === 1 && value !== "");
    assert.equal(textsOf(octets, parts, "value"), values, id);
    assert.is(textsOf(octets, parts, "after").join(""), latin1(octets.subarray(consumed)), id);
    assert.is(textsOf(octets, parts, "offending").length + textsOf(octets, parts, "unread").length, 0, id);
  }
  assert.ok(heads > 100, `${heads} heads`);
});

test("of a beginning, they are those of the head, cut where it ends", () => {
  for (const { id, octets } of readCorpus()) {
    if (octets.length > 1000) continue;
    const result = parseRequestHead(octets);
    if (result.kind !== "complete") continue;
    const complete = partsOf(octets, result);
    for (let end = 1; end < result.consumed; end++) {
      const beginning = octets.subarray(0, end);
      const parts = partsOf(beginning, parseRequestHead(beginning));
      checkCover(beginning, parts, id);
      const cut = complete
        .filter(({ start }) => start < end)
        .map((part) => ({ ...part, end: Math.min(part.end, end) }));
      // White space at the end of a beginning may turn out to be within a value.
      const read = latin1(beginning).replace(/[ \t]+$/, "").length;
      assert.equal(colours(parts, read), colours(cut, read), `${id}: ${JSON.stringify(latin1(beginning))}`);
    }
  }
});

/** The kind of each of the first octets. */
function colours(parts: readonly Part[], length: number): string[] {
  return parts.flatMap(({ kind, start, end }) => new Array<string>(end - start).fill(kind)).slice(0, length);
}

test("before a fault, they are those of its beginning, and one octet is the offending one", () => {
  let faults = 0;
  for (const { id, octets, options } of readCorpus()) {
    const { host, ...limits } = options;
    const result = parseRequestHead(octets, { host, limits });
    if (result.kind !== "malformed") continue;
    faults++;
    const { offset } = result.fault;
    const parts = partsOf(octets, result);
    const offending = parts.filter(({ kind }) => kind === "offending");
    const expected = offset < octets.length ? [{ kind: "offending", start: offset, end: offset + 1 }] : [];
    assert.equal(offending, expected, id);
    const beginning = octets.subarray(0, offset);
    const before = partsOf(beginning, { kind: "partial" });
    assert.equal(
      parts.filter(({ end }) => end <= offset),
      before,
      id,
    );
    // Only what the request line begins with may have no colour at all.
    const isInMethod = !/[^\r\n]/.test(latin1(beginning));
    assert.ok(
      isInMethod || before.some(({ kind }) => kind === "method"),
      `${id}: ${JSON.stringify(latin1(beginning))}`,
    );
  }
  assert.ok(faults > 100, `${faults} faults`);
});

test("every octet has its place in the text", () => {
  const text = fc.array(
    fc.oneof(fc.constantFrom("\n", "\\r", "\\x4", "\\x41", "\\", "\\\\"), fc.string({ unit: "binary" })),
  );
  fc.assert(
    fc.property(text, (pieces) => {
      const joined = pieces.join("");
      const { octets, from, to } = octetsOf(joined);
      assert.is(from.length, octets.length);
      let at = 0;
      for (let i = 0; i < octets.length; i++) {
        // The octets of one character have the same place.
        if (i > 0 && from[i] === from[i - 1]) assert.is(to[i], to[i - 1]);
        else assert.is(from[i], at);
        at = to[i]!;
      }
      assert.is(at, joined.length);
    }),
  );
  assert.is(latin1(octetsOf("a\nb\\n\\r\\t\\0\\\\\\x80\\q\\").octets), "a\r\nb\n\r\t\0\\\x80\\q\\");
  assert.equal([...octetsOf("é").octets], [0xc3, 0xa9]);
});
