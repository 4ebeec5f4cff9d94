// In:    --heads N, --proxy N, --forwarded N, --origins N (each 1000000 by default, 0 for none), --seed N (default 1).
// Out:   exit code 0 where the readers of each agree on all of them; else the first that they differ on.
// Never: runs in the tests; test/fuzz.test.ts has a short run.

import { parseArgs } from "node:util";
import { compare, fuzzSeeds, newTally } from "./differential.js";
import {
  compareForwarded,
  compareOrigin,
  forwardedMutations,
  newFieldTally,
  originMutations,
} from "./field-differential.js";
import { mutations, seeded } from "./mutations.js";
import { nodeParserMissing } from "./node-parser.js";
import { compareProxy, newProxyTally, proxyMutations } from "./proxy-differential.js";

const number = { type: "string", default: "1000000" } as const;
const { values } = parseArgs({
  options: { heads: number, proxy: number, forwarded: number, origins: number, seed: { ...number, default: "1" } },
});
const seed = Number(values.seed);

/** Calls `step` as often as it is asked to, and says now and then how far it is. */
function repeat(name: keyof typeof values, step: () => void): void {
  const count = Number(values[name]);
  for (let i = 1; i <= count; i++) {
    step();
    if (i % 50_000 === 0) process.stderr.write(`${i} of ${count}: ${name}\n`);
  }
  if (count > 0) console.log(`${count} ${name}, seed ${seed}: all readers agree`);
}

const heads = newTally();
const headRow = mutations(fuzzSeeds(), seed);
const random = seeded(~seed);
if (nodeParserMissing !== null) console.error(`not compared with Node: ${nodeParserMissing}`);
repeat("heads", () => compare(headRow.next().value, 1 + (random() % 40), heads));
if (heads.heads > 0) {
  console.log(`${heads.accepted} accepted, of which Node's parser reads ${heads.readByNode} identically and refuses:`);
  const refused = [...heads.refusedByNode].sort((a, b) => b[1] - a[1]);
  for (const [reason, count] of refused) console.log(`  ${reason}: ${count}`);
}

const proxy = newProxyTally();
const proxyRow = proxyMutations(random);
repeat("proxy", () => compareProxy(proxyRow.next().value, random(), proxy));
if (proxy.headers > 0) console.log(`${proxy.accepted} accepted, ${proxy.partial} partial`);

const forwarded = newFieldTally();
const forwardedRow = forwardedMutations(random);
repeat("forwarded", () => {
  const lines = Array.from({ length: 1 + (random() % 8 === 0 ? 1 : 0) }, () => forwardedRow.next().value);
  compareForwarded(lines, forwarded);
});
if (forwarded.values > 0) console.log(`${forwarded.read} read`);

const origins = newFieldTally();
const originRow = originMutations(random);
repeat("origins", () => compareOrigin(originRow.next().value, origins));
if (origins.values > 0) console.log(`${origins.read} read`);
