// In:    PROXY headers, and octets that are nearly one.
// Out:   nothing where the reader and the reference agree on them, however they are cut; else an error that shows both.
// Never: decides which one is right.

import { deepStrictEqual } from "node:assert";
import { ProxyReader, type ProxyResult } from "#src/arrival/proxy/reader.js";
import { referenceProxy } from "../reference/proxy-protocol.js";
import { readProxyCorpus } from "./corpus.js";
import { nearly } from "./mutations.js";
import { cutUp } from "./tcp.js";

/** Octets of a header of version 2 that are read. */
export const PROXY_OCTETS = 4096;

/** What became of the headers that were compared. */
interface ProxyTally {
  headers: number;
  accepted: number;
  partial: number;
}

export const newProxyTally = (): ProxyTally => ({ headers: 0, accepted: 0, partial: 0 });

/** Reads pieces up to the first that ends the header; `consumed` counts from the first octet. */
export function readPieces(pieces: readonly Uint8Array[], most = PROXY_OCTETS): ProxyResult {
  const reader = new ProxyReader(most);
  let before = 0;
  for (const piece of pieces) {
    const result = reader.read(piece);
    if (result.kind === "complete") return { ...result, consumed: before + result.consumed };
    if (result.kind === "malformed") return result;
    before += piece.length;
  }
  return { kind: "partial" };
}

const INTERESTING = [0, 1, 3, 4, 0x20, 0x0d, 0x0a, 0x30, 0x3a, 0x7f, 0xff];

/** Octets that are nearly a header of the corpus. */
export function* proxyMutations(random: () => number): Generator<Buffer, never> {
  const corpus = readProxyCorpus();
  for (;;) yield nearly(corpus[random() % corpus.length]!.octets, random, INTERESTING);
}

/** Compares the reader, at once and in pieces that `seed` chooses, with the reference. */
export function compareProxy(octets: Buffer, seed: number, tally: ProxyTally): void {
  const whole = readPieces([octets]);
  same(octets, `in pieces by ${seed}`, readPieces(cutUp(octets, seed)), whole);
  const answer = referenceProxy(octets, PROXY_OCTETS);
  tally.headers++;
  if (whole.kind === "complete") {
    tally.accepted++;
    same(octets, "reference", answer, { header: whole.header, length: whole.consumed });
  } else if (whole.kind === "malformed") same(octets, "reference", answer, { refused: whole.fault.code });
  else {
    tally.partial++;
    same(octets, "reference", answer, "partial");
  }
}

function same(octets: Buffer, who: string, got: unknown, wanted: unknown): void {
  try {
    deepStrictEqual(got, wanted);
  } catch {
    const texts = [got, wanted].map((each) => JSON.stringify(each));
    throw new Error(`${who} differs on ${octets.toString("hex")}\ngot    ${texts[0]}\nwanted ${texts[1]}`);
  }
}
