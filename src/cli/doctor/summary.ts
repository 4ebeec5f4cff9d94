// In:    a report.
// Out:   what follows from it: counts, groups that got through, the exit code.
// Never: prints.

import type { Report, Row } from "./examine.js";
import { type Group, groups } from "./probes.js";

type Outcome = "red" | "green" | "yellow" | "not-asked";

export function outcomeOf({ verdict }: Row): Outcome {
  return verdict?.colour ?? "not-asked";
}

export const allRows = ({ addresses }: Report): Row[] => addresses.flatMap(({ rows }) => rows);

export function countsOf(report: Report): Readonly<Record<Outcome, number>> {
  const counts = { red: 0, green: 0, yellow: 0, "not-asked": 0 };
  for (const row of allRows(report)) counts[outcomeOf(row)]++;
  return counts;
}

/** True where an address could be asked: those where nothing listens then do not count. */
export function isAsked({ addresses }: Report): boolean {
  return addresses.some(({ rows }) => rows.length > 0);
}

/** Groups of which a probe got through, in the order of the table. */
export function redGroups(report: Report): Group[] {
  const red = new Set(
    allRows(report)
      .filter((row) => outcomeOf(row) === "red")
      .map(({ probe }) => probe.group),
  );
  return (Object.keys(groups) as Group[]).filter((group) => red.has(group));
}

/** True where a probe got through at one address and not at another: one of them is guarded, and the other one is not. */
export function differs({ addresses }: Report): boolean {
  const asked = addresses.filter(({ rows }) => rows.length > 0);
  const [first, ...others] = asked.map(({ rows }) => rows.map((row) => outcomeOf(row) === "red").join());
  return others.some((other) => other !== first);
}

/** 1 if something got through; 2 if no address could be asked, or one that listens has no answers that count; else 0. */
export function exitCodeOf(report: Report): number {
  const { addresses } = report;
  if (countsOf(report).red > 0) return 1;
  const isVoid = addresses.some(({ problem, isAbsent }) => problem !== null && !isAbsent);
  return isVoid || !isAsked(report) ? 2 : 0;
}
