// In:    the rows of a run with many connections.
// Out:   their table, in Markdown: what node:http + ws takes, what headgate takes, and the ratio.
// Never: leaves out a row that headgate loses, or one that was not measured.

import { OURS, THEIRS } from "./gate/contest.js";
import type { Row } from "./gate/row.js";
import { markdown } from "./markdown.js";

function number(value: number): string {
  const digits = value < 100 ? 1 : 0;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

export function growthTable(rows: readonly Row[]): string {
  const bases = rows.filter(({ contender }) => contender === THEIRS);
  const lines = bases.map(({ step, unit, value, reason }) => {
    const what = `${step}: ${unit}`;
    const ours = rows.find((row) => row.step === step && row.unit === unit && row.contender === OURS)!;
    if (value === null || ours.value === null) return [what, reason ?? "", "", ""];
    return [what, number(value.median), number(ours.value.median), ours.ratio!.median.toFixed(2)];
  });
  return markdown([THEIRS, OURS, "×"], lines);
}
