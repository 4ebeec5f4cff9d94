// In:    the results of a run.
// Out:   tables for people, the goals, and the rows that headgate loses.
// Never: measures.

import { natives } from "./contenders/native.js";
import type { Goal } from "./goals.js";
import type { Results } from "./results.js";
import { factor, type Row, rowName } from "./row.js";
import type { Size } from "./sizes.js";

const NAME_WIDTH = 32;
const CELL_WIDTH = 15;

/** Peers that took less time than headgate at the same level. */
export function losingRows(rows: readonly Row[]): Row[] {
  return rows.filter(({ ratio }) => ratio !== null && ratio.median < 1);
}

function durationCell({ ns }: Row): string {
  if (ns === null) return "-";
  if (ns.median >= 1e6) return `${(ns.median / 1e6).toFixed(2)} ms`;
  return ns.median < 100 ? ns.median.toFixed(1) : ns.median.toFixed(0);
}

/** "5.1 4.9-5.3"; "0.91!0.87-1.0" where headgate loses. */
function ratioCell({ ratio }: Row): string {
  if (ratio === null) return "-";
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

/** Why cells are empty, once for each contender and reason: "  Milo on M: ...". */
function absences(rows: readonly Row[]): string {
  const inputs = new Map<string, string[]>();
  for (const row of rows) {
    if (row.absent === null) continue;
    const key = JSON.stringify([nameOf(row), row.absent]);
    inputs.set(key, [...(inputs.get(key) ?? []), row.input]);
  }
  const columns = new Set(rows.map(({ input }) => input)).size;
  const lines = [...inputs].map(([key, some]) => {
    const [name, reason] = JSON.parse(key) as [string, string];
    return `  ${name}${some.length === columns ? "" : ` on ${some.join(", ")}`}: ${reason}\n`;
  });
  return lines.join("");
}

/** What each step's tables are called. */
const titles: Record<string, string> = {
  head: "whole heads",
  "octet-by-octet": "one octet at a time",
  malformed: "malformed heads refused",
  message: "complete messages",
  proxy: "read and ruled on behind a proxy",
  cold: "cold caches, one head",
  "first-parse": "import and first parse in a new process",
};

function stepTables(some: readonly Row[]): string[] {
  const { step, kernel } = some[0]!;
  const heading = `${titles[step] ?? step}, ${kernel} kernel`;
  const tables = [table(`${heading}: ns per request, median`, some, durationCell) + absences(some)];
  for (const base of new Set(some.flatMap(({ ratio }) => (ratio === null ? [] : [ratio.to])))) {
    const peers = some.filter(({ ratio }) => ratio?.to === base);
    tables.push(table(`${heading}: time divided by that of ${base}, median and quartiles`, peers, ratioCell));
  }
  return tables;
}

function sizesTable(sizes: readonly Size[]): string {
  const lines = sizes.map(
    ({ name, octets, gzipped }) =>
      `  ${name}`.padEnd(NAME_WIDTH) + `${octets}`.padStart(CELL_WIDTH) + `${gzipped}`.padStart(CELL_WIDTH),
  );
  return ["octets, and after gzip", ...lines, ""].join("\n");
}

function goalsTable(goals: readonly Goal[]): string {
  const lines = goals.flatMap(({ what, bound, wanted, unit, measured, met }) => {
    if (measured === null) return [];
    const [asked, found] = [`${bound} ${wanted}`, measured.toFixed(2)].map((text) => `${text} ${unit}`.trimEnd());
    return [
      `  ${(met === true ? "met" : "missed").padEnd(8)}${what.padEnd(50)}${asked!.padStart(12)}${found!.padStart(14)}`,
    ];
  });
  const count = goals.filter(({ met }) => met === true).length;
  const others = goals.filter(({ met }) => met === null).map(({ what }) => what);
  if (others.length > 0) lines.push(`  not measured: ${others.join("; ")}`);
  return [`goals: ${count} of ${goals.length} met`, ...lines, ""].join("\n");
}

function losses(rows: readonly Row[]): string {
  const losing = losingRows(rows);
  const lines = losing.map(({ step, kernel, input, contender, ratio }) => {
    return `  ${step}, ${kernel} kernel, ${input}: ${contender} takes ${ratio!.median.toFixed(2)} of ${ratio!.to}'s time`;
  });
  return [losing.length === 0 ? "headgate loses no row" : "headgate loses (!):", ...lines, ""].join("\n");
}

export function report({ inputs, rows, sizes, goals }: Pick<Results, "inputs" | "rows" | "sizes" | "goals">): string {
  const parts = [`${inputs.map(({ id, title }) => `${id}  ${title}`).join("\n")}\n`];
  const work = natives.filter(({ name }) => rows.some(({ contender, ns }) => contender === name && ns !== null));
  if (work.length > 0) parts.push(`${work.map(({ name, does }) => `${name}: ${does}`).join("\n")}\n`);
  for (const kernel of new Set(rows.map((row) => row.kernel))) {
    for (const step of new Set(rows.map((row) => row.step))) {
      const some = rows.filter((row) => row.kernel === kernel && row.step === step);
      if (some.length > 0) parts.push(...stepTables(some));
    }
  }
  if (sizes.length > 0) parts.push(sizesTable(sizes));
  parts.push(goalsTable(goals), losses(rows));
  return parts.join("\n");
}
