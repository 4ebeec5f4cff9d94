// In:    servers, and what is measured of each.
// Out:   rows: what each server costs, and its ratio to one of them.
// Never: knows how a server is started.

import { type Act, type BunPath, contests, type Effort } from "./contest.js";
import { type Row, rowsOf } from "./row.js";

/** One table of a step. */
export interface Trial {
  readonly step: string;
  /** Of a cost: less is better. */
  readonly unit: string;
  readonly servers: readonly string[];
  /** The server that the others are divided by. */
  readonly base: string;
  /** Processes that each server has, one after another; 1 by default. */
  readonly processes?: number;
  /** Why Bun cannot take part. */
  readonly withoutBun?: string;
  /** `part` divides the work of a round. */
  readonly act: (part: number) => Act;
}

export async function compare(trial: Trial, bun: BunPath, effort: Effort): Promise<Row[]> {
  const { step, unit, servers, base, processes = 1, withoutBun, act } = trial;
  const orNone = withoutBun === undefined ? bun : { reason: withoutBun };
  return rowsOf(step, unit, base, await contests(processes, servers, orNone, effort, act(effort.part)));
}
