// In:    the rows of all steps.
// Out:   tables for people, and the rows that headgate loses.
// Never: measures.

import { type Row, rowName } from "./row.js";

const NAME_WIDTH = 32;
const CELL_WIDTH = 12;

/** Peers that took less time than headgate at the same level. */
export function losingRows(rows: readonly Row[]): Row[] {
  return rows.filter(({ ratio }) => ratio !== null && ratio.median < 1);
}

function duration(ns: number): string {
  return ns < 100 ? ns.toFixed(1) : ns.toFixed(0);
}

function factor(value: number): string {
  return value < 9.95 ? value.toFixed(1) : value.toFixed(0);
}

/** "5.1 4.9-5.3"; "0.9!0.8-1.0" where headgate loses. */
function ratioCell({ ratio }: Row): string {
  if (ratio === null) return "";
  return `${factor(ratio.median)}${ratio.median < 1 ? "!" : " "}${factor(ratio.lower)}-${factor(ratio.upper)}`;
}

/** One line a contender and level, one column an input. */
function table(title: string, rows: readonly Row[], cell: (row: Row) => string): string {
  const columns = [...new Set(rows.map(({ input }) => input))];
  const names = [...new Set(rows.map(nameOf))];
  const line = (name: string, cells: string[]) =>
    (name.padEnd(NAME_WIDTH) + cells.map((text) => text.padStart(CELL_WIDTH)).join("")).trimEnd();
  const lines = [title, line("", columns)];
  for (const name of names) {
    const cells = columns.map((column) => {
      const row = rows.find((one) => one.input === column && nameOf(one) === name);
      return row === undefined ? "-" : cell(row);
    });
    lines.push(line(`  ${name}`, cells));
  }
  return `${lines.join("\n")}\n`;
}

function nameOf({ contender, level }: Row): string {
  return rowName(contender, level);
}

/** What each step's tables are called. */
const titles: Record<string, string> = {
  head: "whole heads",
  "octet-by-octet": "one octet at a time",
  malformed: "malformed heads refused",
  cold: "cold caches, one head",
};

export function report(rows: readonly Row[]): string {
  const parts: string[] = [];
  for (const kernel of new Set(rows.map((row) => row.kernel))) {
    for (const step of new Set(rows.map((row) => row.step))) {
      const some = rows.filter((row) => row.kernel === kernel && row.step === step);
      if (some.length === 0) continue;
      const heading = `${titles[step] ?? step}, ${kernel} kernel`;
      parts.push(table(`${heading}: ns per request, median`, some, ({ ns }) => duration(ns.median)));
      const peers = some.filter(({ ratio }) => ratio !== null);
      if (peers.length === 0) continue;
      const title = `${heading}: time divided by that of ${peers[0]!.ratio!.to}, median and quartiles`;
      parts.push(table(title, peers, ratioCell));
    }
  }
  const losing = losingRows(rows);
  const losses = losing.map(({ step, kernel, input, contender, ratio }) => {
    return `  ${step}, ${kernel} kernel, ${input}: ${contender} takes ${ratio!.median.toFixed(2)} of ${ratio!.to}'s time`;
  });
  parts.push([losing.length === 0 ? "headgate loses no row" : "headgate loses (!):", ...losses].join("\n"));
  return parts.join("\n");
}
