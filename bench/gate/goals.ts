// In:    the rows of all steps.
// Out:   what the gate is meant to cost, and whether it does.
// Never: measures.

import { FLOOR, OURS, THEIRS } from "./contest.js";
import type { Row } from "./row.js";

export interface Goal {
  readonly what: string;
  readonly most: number;
  /** Null where its step did not run. */
  readonly measured: number | null;
}

const seatGoals = [
  ["a browser's GET to a guarded server, of an unguarded one", 0.88, "headgate guard"],
  ["a GET of 40 octets", 1, "headgate guard, tiny"],
  ["a POST of 1 KiB", 0.97, "headgate guard, POST"],
  ["a chunked POST of 16 KiB", 1, "headgate guard, chunked"],
  ["a GET, 20 pipelined", 1.05, "headgate guard, pipelined"],
  ["a GET over TLS", 0.92, "headgate guard, https"],
  ["a GET with a connection of its own", 1, "headgate guard, closing"],
  ["memory of an idle connection", 1, "headgate guard, idle"],
] as const;

/** The gate's goals, on Node 20, with a real parse and policy, through public members of Node and ws alone. */
export function goals(rows: readonly Row[]): Goal[] {
  const row = (step: string, contender: string) =>
    rows.find((each) => each.step === step && each.contender === contender);
  const ratio = (step: string, contender = OURS) => row(step, contender)?.ratio?.median ?? null;
  const pending = row("pending", OURS)?.value?.median;
  const floor = row("pending", FLOOR.waiting)?.value?.median;
  const above = pending === undefined || floor === undefined ? null : pending - floor;
  const open = row("open", OURS)?.value?.median;
  const theirs = row("open", THEIRS)?.value?.median;
  const openAbove = open === undefined || theirs === undefined ? null : open - theirs;
  return [
    { what: "an upgrade, of node:http + ws", most: 0.88, measured: ratio("upgrade") },
    { what: "a refusal by the policy, of node:http's 'upgrade' and end", most: 0.93, measured: ratio("refused") },
    { what: "a malformed head, of node:http's 400", most: 0.95, measured: ratio("malformed") },
    ...seatGoals.map(([what, most, contender]) => ({ what, most, measured: ratio("seat", contender) })),
    {
      what: "a request on an adopted socket, of an unguarded one",
      most: 1,
      measured: ratio("guard", "headgate adopt"),
    },
    { what: "octets of an open WebSocket, above node:http + ws", most: 400, measured: openAbove },
    { what: "octets of a pending connection, above net and what it sent", most: 240, measured: above },
  ];
}
