// In:    the trials.
// Out:   the steps of the bench, by name, in the order of the flow.
// Never: measures before it is asked to.

import type { BunPath, Effort } from "./contest.js";
import { guarded, posted } from "./guard.js";
import { compareMessages, messages } from "./messages.js";
import { open } from "./open.js";
import { pending } from "./pending.js";
import { malformed, refused } from "./refusal.js";
import type { Row } from "./row.js";
import { seated } from "./seat.js";
import { compare, type Trial } from "./trial.js";
import { upgrade } from "./upgrade.js";

export interface Step {
  readonly trials: readonly Trial[];
  readonly effort: Effort;
  /** Rows of all servers; by default those of the trials. */
  readonly compare?: (bun: BunPath, effort: Effort) => Promise<Row[]>;
}

const usual: Effort = { rounds: 21, warmUp: 4, part: 1 };

/** A connection waits, is refused or upgraded, and speaks; last, requests. A step is a file and a line here. */
export const steps: Readonly<Record<string, Step>> = {
  pending: { trials: [pending], effort: { rounds: 3, warmUp: 1, part: 1 } },
  malformed: { trials: [malformed], effort: usual },
  refused: { trials: [refused], effort: usual },
  upgrade: { trials: [upgrade], effort: usual },
  open: { trials: [open], effort: { rounds: 3, warmUp: 1, part: 1 } },
  messages: { trials: [messages], effort: usual, compare: compareMessages },
  guard: { trials: [guarded, posted], effort: usual },
  seat: { trials: seated, effort: usual },
};

export async function rowsOfStep(step: Step, bun: BunPath, effort: Effort): Promise<Row[]> {
  if (step.compare !== undefined) return step.compare(bun, effort);
  const rows: Row[] = [];
  for (const trial of step.trials) rows.push(...(await compare(trial, bun, effort)));
  return rows;
}
