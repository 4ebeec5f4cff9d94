// In:    a trial, a server of ours in it, and another revision's program of servers.
// Out:   a row: what that server costs now and at that revision, their ratio round by round, a control, a verdict.
// Never: calls a difference dearer that two processes of one program show as well.

import { spawnSync } from "node:child_process";
import { type Spread, spread } from "../spread.js";
import { contests, type Effort, type Entrant, PROCESSES, SERVERS } from "./contest.js";
import type { Trial } from "./trial.js";

/** What the ratio may be without a reason. */
const TOLERANCE = 1.03;

const NO_BUN = { reason: "it has no revision" };

export interface Comparison {
  readonly now: Spread;
  readonly before: Spread;
  /** `now` divided by `before`, in the same round. */
  readonly ratio: Spread;
  /** `now` divided by what a second process of it costs, in the same round. */
  readonly control: Spread;
  readonly verdict: "no dearer" | "dearer";
}

export interface AgainstRow {
  readonly step: string;
  readonly contender: string;
  readonly unit: string;
  /** Null if the revision has no such server; `reason` has the output of its program. */
  readonly comparison: Comparison | null;
  readonly reason?: string;
}

/** The servers of a trial that headgate is part of. */
export const serversOfOurs = ({ servers }: Trial): string[] => servers.filter((name) => name.startsWith("headgate"));

/** `revision` is its name; `servers` is the path of its program. */
export async function compareAgainst(
  trial: Trial,
  name: string,
  { revision, servers }: { readonly revision: string; readonly servers: string },
  effort: Effort,
): Promise<AgainstRow> {
  const { step, unit, act } = trial;
  const reason = whyAbsent(servers, name);
  if (reason !== null) return { step, contender: name, unit, comparison: null, reason };
  const entrants: Entrant[] = [
    { name, label: name, servers: SERVERS },
    { name, label: `${name} at ${revision}`, servers },
    { name, label: `${name}, control`, servers: SERVERS },
  ];
  const measured = await contests(PROCESSES, entrants, NO_BUN, effort, act(effort.part));
  const [now, before, again] = measured.map(({ samples }) => samples);
  return { step, contender: name, unit, comparison: comparisonOf(now!, before!, again!) };
}

/** Of the figures of each, round by round. */
export function comparisonOf(now: readonly number[], before: readonly number[], again: readonly number[]): Comparison {
  const over = (others: readonly number[]): Spread => spread(now.map((figure, round) => figure / others[round]!));
  const ratio = over(before);
  const control = over(again);
  const most = Math.max(TOLERANCE, control.upper);
  const verdict = ratio.median <= most ? "no dearer" : "dearer";
  return { now: spread(now), before: spread(before), ratio, control, verdict };
}

/** Null where that program has such a server: then it ends in order, since its stdin does. */
function whyAbsent(servers: string, name: string): string | null {
  const options = { input: "", encoding: "utf8", timeout: 60_000 } as const;
  const { status, stderr } = spawnSync(process.execPath, ["--expose-gc", servers, name], options);
  if (status === 0) return null;
  return /^\w*Error: .*/m.exec(stderr)?.[0] ?? (stderr.trim().split("\n")[0] || "it does not start");
}
