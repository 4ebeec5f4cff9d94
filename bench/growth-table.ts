// In:    the rows of a run with many connections.
// Out:   their table, in Markdown: what node:http + ws takes, what headgate takes, and the ratio.
// Never: leaves out a row that headgate loses, or one that was not measured.

import type { Row } from "./gate/row.js";

function number(value: number): string {
  const digits = value < 100 ? 1 : 0;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

export function growthTable(rows: readonly Row[]): string {
  const lines: string[] = [];
  for (const base of rows.filter(({ ratio, contender }) => ratio === null && !contender.startsWith("headgate + ws"))) {
    const { step, unit, value, reason } = base;
    const ours = rows.find((row) => row.step === step && row.unit === unit && row !== base)!;
    const figures =
      value === null || ours.value === null || ours.ratio === null
        ? [reason ?? "", "", ""]
        : [number(value.median), number(ours.value.median), ours.ratio.median.toFixed(2)];
    lines.push(`| ${[step, unit, ...figures].join(" | ")} |`.replaceAll(" | |", " | |"));
  }
  return ["| | | node:http + ws | headgate + ws | × |", "|---|---|--:|--:|--:|", ...lines].join("\n");
}
