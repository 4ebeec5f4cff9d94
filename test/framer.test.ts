// In:    every road to a gate, adopting and guarding.
// Out:   the contract of framers, run on each.
// Never: asks of one road what it does not ask of the others.

import { framerContract } from "./contract/framer.js";
import { roads } from "./support/roads.js";
import { suite } from "./support/suite.js";

for (const road of roads) {
  for (const way of ["adopted", "guarded"] as const) {
    framerContract(suite(`framer: ${road.name}, ${way}`), road, way);
  }
}
