// In:    rows and goals.
// Out:   tables for people, and the rows in which headgate is dearer.
// Never: measures.

import { OURS } from "./contest.js";
import type { Goal } from "./goals.js";
import type { Row } from "./row.js";

const NAME_WIDTH = 26;

function number(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 1000 ? value.toFixed(1) : value.toFixed(0);
}

function line(row: Row): string {
  const name = `  ${row.contender}`.padEnd(NAME_WIDTH);
  if (row.value === null) return `${name}not measured: ${row.reason}`;
  const { value, ratio } = row;
  const cell = `${number(value.median)} (${number(value.lower)}-${number(value.upper)})`.padEnd(28);
  if (ratio === null) return `${name}${cell.trimEnd()}`;
  return `${name}${cell}${ratio.median.toFixed(3)} (${ratio.lower.toFixed(3)}-${ratio.upper.toFixed(3)}) of ${ratio.to}`;
}

/** Rows of servers that cost less than headgate, or did more, in the same table. */
export function losingRows(rows: readonly Row[]): Row[] {
  return rows.filter((row) => {
    if (row.value === null || row.contender === OURS || row.contender.startsWith("control")) return false;
    const ours = rows.find(({ step, unit, contender }) => {
      return step === row.step && unit === row.unit && contender === OURS;
    });
    if (ours?.value == null) return false;
    const isMoreBetter = row.unit.includes("a second");
    return isMoreBetter ? row.value.median > ours.value.median : row.value.median < ours.value.median;
  });
}

export function report(rows: readonly Row[], goals: readonly Goal[]): string {
  const parts: string[] = [];
  for (const title of new Set(rows.map(({ step, unit }) => `${step}: ${unit}, median and quartiles`))) {
    const some = rows.filter(({ step, unit }) => title === `${step}: ${unit}, median and quartiles`);
    parts.push([title, ...some.map(line), ""].join("\n"));
  }
  const losses = losingRows(rows).map(({ step, unit, contender, value }) => {
    return `  ${step}: ${contender} has ${number(value!.median)} ${unit}`;
  });
  parts.push([losses.length === 0 ? "headgate loses no row" : "headgate loses to:", ...losses, ""].join("\n"));
  const verdicts = goals.map(({ what, most, measured }) => {
    if (measured === null) return `  not measured  ${what}: at most ${most}`;
    return `  ${measured <= most ? "met   " : "missed"}  ${what}: ${number(measured)}, at most ${most}`;
  });
  parts.push(["goals", ...verdicts].join("\n"));
  return parts.join("\n");
}
