// In:    seeded mutations of the corpora, and the corpus of heads itself.
// Out:   whether all builds, the references and Node's parser agree on them.
// Never: takes long; `npm run fuzz` does.

import * as assert from "uvu/assert";
import { readCorpus } from "./support/corpus.js";
import { compare, fuzzSeeds, newTally } from "./support/differential.js";
import {
  compareForwarded,
  compareOrigin,
  forwardedMutations,
  newFieldTally,
  originMutations,
} from "./support/field-differential.js";
import { mutations, seeded } from "./support/mutations.js";
import { nodeParserMissing } from "./support/node-parser.js";
import { compareProxy, newProxyTally, proxyMutations } from "./support/proxy-differential.js";
import { skip, suite } from "./support/suite.js";

const test = suite("fuzz");

/** Why Node's parser refuses heads that headgate accepts; docs/conformance.md lists them with their reasons. */
const refusedByNode = new Set([
  "HPE_INVALID_METHOD",
  "HPE_INVALID_URL",
  "HPE_INVALID_VERSION",
  "HPE_INVALID_CONTENT_LENGTH",
]);

if (nodeParserMissing !== null) skip("comparison with Node's parser", nodeParserMissing);

test("all readers agree on the corpus", () => {
  const tally = newTally();
  for (const { octets } of readCorpus()) compare(octets, 7, tally);
  assert.ok(tally.accepted > 150, `${tally.accepted} accepted`);
  assertReasons(tally.refusedByNode);
});

test("all readers agree on 40,000 mutated heads", () => {
  const row = mutations(fuzzSeeds(), 20_261_123);
  const random = seeded(7);
  const tally = newTally();
  while (tally.heads < 40_000) compare(row.next().value, 1 + (random() % 40), tally);
  assert.ok(tally.accepted > 4000, `${tally.accepted} accepted`);
  if (nodeParserMissing === null) assert.ok(tally.readByNode > 3000, `${tally.readByNode} read by Node`);
  assertReasons(tally.refusedByNode);
});

test("the PROXY reader agrees with the reference on 30,000 mutated headers, cut at random", () => {
  const random = seeded(20_261_125);
  const row = proxyMutations(random);
  const tally = newProxyTally();
  while (tally.headers < 30_000) compareProxy(row.next().value, random(), tally);
  assert.ok(tally.accepted > 2000, `${tally.accepted} accepted`);
  assert.ok(tally.partial > 1000, `${tally.partial} partial`);
});

test("the reader of Forwarded agrees with the reference on 30,000 mutated values, in one line and in two", () => {
  const row = forwardedMutations(seeded(20_261_126));
  const tally = newFieldTally();
  while (tally.values < 30_000) {
    const [one, other] = [row.next().value, row.next().value];
    compareForwarded(tally.values % 8 === 0 ? [one, other] : [one], tally);
  }
  assert.ok(tally.read > 5000 && tally.read < 25_000, `${tally.read} read`);
});

test("the reader of Origin agrees with the reference on 30,000 mutated values", () => {
  const row = originMutations(seeded(20_261_127));
  const tally = newFieldTally();
  while (tally.values < 30_000) compareOrigin(row.next().value, tally);
  assert.ok(tally.read > 5000 && tally.read < 25_000, `${tally.read} read`);
});

function assertReasons(reasons: Map<string, number>): void {
  for (const reason of reasons.keys()) assert.ok(refusedByNode.has(reason), `Node refuses by ${reason}`);
}
