// In:    seeded mutations of the corpora, and the corpus of heads itself.
// Out:   whether all builds, the references and Node's parser agree on them, and what goes on to Node is what was ruled on.
// Never: takes long; `npm run fuzz` does.

import * as assert from "uvu/assert";
import { useKernel } from "#src/head/kernel/instance.js";
import { readCorpus } from "./support/corpus.js";
import { compare, fuzzSeeds, newTally } from "./support/differential.js";
import {
  compareForwarded,
  compareOrigin,
  forwardedMutations,
  newFieldTally,
  originMutations,
} from "./support/field-differential.js";
import { compareMessages, newMessageTally } from "./support/message-differential.js";
import { mutations, seeded } from "./support/mutations.js";
import { nodeParserMissing } from "./support/node-parser.js";
import { compareProxy, newProxyTally, proxyMutations } from "./support/proxy-differential.js";
import { compareRequests, newRequestTally } from "./support/request-differential.js";
import { requestMutations } from "./support/request-mutations.js";
import { skip, suite } from "./support/suite.js";
import { compareWhole, newWholeTally, wholeMutations } from "./support/whole-differential.js";

const test = suite("fuzz");

/** Why Node's parser refuses heads that headgate accepts; docs/conformance.md lists them with their reasons. */
const refusedByNode = new Set([
  "HPE_INVALID_METHOD",
  "HPE_INVALID_URL",
  "HPE_INVALID_VERSION",
  "HPE_INVALID_CONTENT_LENGTH",
  "HPE_INVALID_CONSTANT",
]);

/** Why octets are malformed that Node passes on without what is wrong with them; docs/policy.md lists it. */
const hiddenByNode = new Set([
  ...[
    "BARE_CR",
    "BARE_LF",
    "CONNECTION_INVALID",
    "EMPTY_LINES",
    "REQUEST_LINE_WHITESPACE",
    "TRANSFER_ENCODING_INVALID",
  ],
  "VERSION_INVALID",
]);

if (nodeParserMissing !== null) skip("comparison with Node's parser", nodeParserMissing);

test("all readers agree on the corpus", () => {
  const tally = newTally();
  for (const { octets } of readCorpus()) compare(octets, 7, tally);
  assert.ok(tally.accepted > 150, `${tally.accepted} accepted`);
  assertReasons(tally.refusedByNode);
});

test("all readers agree on 6,000 connections of mutated messages, and Node on what is accepted", () => {
  const random = seeded(20_261_130);
  const row = wholeMutations(random);
  const tally = newWholeTally();
  while (tally.runs < 6000) compareWhole(row.next().value, 1 + (random() % 40), tally);
  useKernel("simd");
  assert.ok(tally.accepted > 1000, `${tally.accepted} accepted`);
  assert.ok(tally.refused.size > 30, `${tally.refused.size} codes`);
  if (nodeParserMissing === null) assert.ok(tally.readByNode > 1000, `${tally.readByNode} read by Node`);
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

if (nodeParserMissing === null) {
  test("requests go on to Node, and come from it, as they are ruled on, in 6,000 connections", async () => {
    const random = seeded(20_261_128);
    const row = requestMutations(random);
    const [requests, messages] = [newRequestTally(), newMessageTally()];
    while (requests.connections < 6000) {
      const octets = row.next().value;
      const by = random();
      await compareRequests(octets, by, requests);
      compareMessages(octets, by, messages);
    }
    assert.ok(requests.readByNode > 2500, `${requests.readByNode} read by Node`);
    assert.ok(requests.rewritten > 1000, `${requests.rewritten} rewritten`);
    assert.ok(requests.content > 5000 && requests.trailers > 1000, `${requests.content}, ${requests.trailers}`);
    assert.ok(messages.accepted > 2500 && messages.givenBack > 10, `${messages.accepted}, ${messages.givenBack}`);
    assertReasons(requests.refusedByNode);
    for (const code of messages.unseen.keys()) assert.ok(hiddenByNode.has(code), `Node hides ${code}`);
  });
}

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
