// In:    seeded mutations of connections.
// Out:   whether the seat reads them as Node's parser does, complete and however they are cut, or refuses them with a code.
// Never: takes long; `npm run fuzz -- --seat N` does.

import * as assert from "uvu/assert";
import { seeded } from "./support/mutations.js";
import { requestMutations } from "./support/request-mutations.js";
import { newSeatTally, SeatDifferential } from "./support/seat-differential.js";
import { suite } from "./support/suite.js";

const test = suite("seat fuzz");

/** Why Node's parser refuses heads that headgate accepts; docs/conformance.md lists them with their reasons. */
const refusedByNode = new Set(["HPE_INVALID_URL", "HPE_INVALID_VERSION", "HPE_INVALID_CONTENT_LENGTH"]);

test("1,500 connections, complete and in pieces, directly and by 'data'", async () => {
  const random = seeded(20_261_130);
  const row = requestMutations(random);
  const differential = new SeatDifferential();
  const tally = newSeatTally();
  while (tally.connections < 1500) {
    differential.compare(row.next().value, random(), tally);
    // Streams let go of what they hold in ticks of their own.
    if (tally.connections % 100 === 0) await new Promise(setImmediate);
  }
  assert.ok(tally.requests > 500, `${tally.requests} requests`);
  for (const code of tally.refusedByNode.keys()) assert.ok(refusedByNode.has(code), `Node refuses by ${code}`);
});
