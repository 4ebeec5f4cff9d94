// In:    the results of a run.
// Out:   the tables of docs/performance.md about the parser and the message readers, in Markdown.
// Never: leaves out a contender that headgate loses to.

import { markdown } from "./markdown.js";
import type { Results } from "./results.js";
import { factor, type Row } from "./row.js";

interface Column {
  readonly title: string;
  readonly step: string;
  readonly input: string;
}

const HEADS: readonly Column[] = ["A", "B", "C", "D", "M"].map((input) => ({ title: input, step: "head", input }));
const STRINGS: readonly Column[] = [...HEADS, { title: "B, cold", step: "cold", input: "B" }];
const PIECES: readonly Column[] = [
  { title: "B, octet by octet", step: "octet-by-octet", input: "B" },
  { title: "64 KiB, octet by octet", step: "octet-by-octet", input: "G" },
  { title: "malformed", step: "malformed", input: "whole" },
  { title: "malformed, octet by octet", step: "malformed", input: "octet by octet" },
];

const MESSAGES: readonly Column[] = [
  ...["B", "C", "M"].map((input) => ({ title: input, step: "message", input })),
  { title: "a response", step: "message", input: "R" },
];

/** Times divided by headgate's, one line a contender of those rows. */
function ratios(columns: readonly Column[], rows: readonly Row[]): string {
  const peers = rows.filter(({ contender }) => !/^(?:headgate|control)/.test(contender));
  const names = [...new Set(peers.map(({ contender }) => contender))];
  const lines = names.map((name) => [
    name,
    ...columns.map(({ step, input }) => {
      const row = peers.find((each) => each.contender === name && each.step === step && each.input === input);
      return row?.ratio == null ? "" : factor(row.ratio.median);
    }),
  ]);
  const titles = columns.map(({ title }) => title);
  return markdown(titles, lines);
}

/** The table of complete messages. */
export function messageTable(results: Results): string {
  return ratios(
    MESSAGES,
    results.rows.filter(({ kernel, step }) => kernel === "simd" && step === "message"),
  );
}

/** Four tables: strings, natives, pieces and malformed heads, first parse. */
export function speedTables(results: Results): string[] {
  const simd = results.rows.filter(({ kernel }) => kernel === "simd");
  const stepsOf = (columns: readonly Column[]) => new Set(columns.map(({ step }) => step));
  const of = (columns: readonly Column[], level: (row: Row) => boolean): string =>
    ratios(
      columns,
      simd.filter((row) => stepsOf(columns).has(row.step) && level(row)),
    );
  const first = simd.filter(({ step }) => step === "first-parse");
  const milliseconds = first.map(({ ns }) => (ns === null ? "" : `${(ns.median / 1e6).toFixed(1)} ms`));
  return [
    of(STRINGS, ({ level }) => level === "L3"),
    of(HEADS, ({ level }) => level === "L0"),
    of(PIECES, () => true),
    markdown(
      first.map(({ contender }) => contender),
      [["import and first parse", ...milliseconds]],
    ),
  ];
}
