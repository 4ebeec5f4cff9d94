// In:    --heads N (default 1000000), --seed N (default 1).
// Out:   exit code 0 where all readers agree on all of them; else the first head they differ on.
// Never: runs in the tests; test/fuzz.test.ts has a short run.

import { parseArgs } from "node:util";
import { compare, fuzzSeeds, newTally } from "./differential.js";
import { mutations, seeded } from "./mutations.js";
import { nodeParserMissing } from "./node-parser.js";

const { values } = parseArgs({
  options: { heads: { type: "string", default: "1000000" }, seed: { type: "string", default: "1" } },
});
const heads = Number(values.heads);
const seed = Number(values.seed);
const seeds = fuzzSeeds();
const row = mutations(seeds, seed);
const random = seeded(~seed);
const tally = newTally();
if (nodeParserMissing !== null) console.error(`not compared with Node: ${nodeParserMissing}`);
while (tally.heads < heads) {
  compare(row.next().value, 1 + (random() % 40), tally);
  if (tally.heads % 50_000 === 0) process.stderr.write(`${tally.heads} heads, ${tally.accepted} accepted\n`);
}
console.log(`${tally.heads} heads, seed ${seed}: all readers agree`);
console.log(`${tally.accepted} accepted, of which Node's parser reads ${tally.readByNode} identically and refuses:`);
for (const [reason, count] of [...tally.refusedByNode].sort((a, b) => b[1] - a[1]))
  console.log(`  ${reason}: ${count}`);
