// In:    the rows of all steps.
// Out:   what the gate is meant to cost, and whether it does.
// Never: measures.

import { FLOOR, OURS } from "./contest.js";
import type { Row } from "./row.js";

export interface Goal {
  readonly what: string;
  readonly most: number;
  /** Null where its step did not run. */
  readonly measured: number | null;
}

/** The gate's goals, on Node 20, with a real parse and policy, through public members of Node and ws alone. */
export function goals(rows: readonly Row[]): Goal[] {
  const row = (step: string, contender: string) =>
    rows.find((each) => each.step === step && each.contender === contender);
  const ratio = (step: string, contender = OURS) => row(step, contender)?.ratio?.median ?? null;
  const pending = row("pending", OURS)?.value?.median;
  const floor = row("pending", FLOOR.waiting)?.value?.median;
  const above = pending === undefined || floor === undefined ? null : pending - floor;
  return [
    { what: "an upgrade, of node:http + ws", most: 0.8, measured: ratio("upgrade") },
    { what: "a refusal by the policy, of node:http's 'upgrade' and end", most: 0.6, measured: ratio("refused") },
    { what: "a guarded request, of an unguarded one", most: 1.03, measured: ratio("guard", "headgate guard") },
    {
      what: "a strictly guarded one, of an unguarded one",
      most: 1.15,
      measured: ratio("guard", "headgate guard, strict"),
    },
    { what: "octets of a pending connection, above net and what it sent", most: 256, measured: above },
  ];
}
