// In:    nothing.
// Out:   the shape of bench/results/head.json.
// Never: computes.

import type { Environment } from "./environment.js";
import type { Goal } from "./goals.js";
import type { Timing } from "./measure.js";
import type { Row } from "./row.js";
import type { Size } from "./sizes.js";

export interface Results {
  readonly environment: Environment;
  /** Figures of a quick run say nothing. */
  readonly quick: boolean;
  readonly timing: Timing;
  readonly inputs: readonly { readonly id: string; readonly title: string }[];
  readonly rows: readonly Row[];
  readonly sizes: readonly Size[];
  readonly goals: readonly Goal[];
  readonly losing: readonly Pick<Row, "step" | "kernel" | "input" | "contender">[];
}
