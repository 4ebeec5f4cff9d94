// In:    the results of a run under several Nodes.
// Out:   their table, in Markdown.
// Never: measures.

import type { Spread } from "./spread.js";

/** A line of the table: a ratio under one Node. */
export interface NodeRow {
  readonly what: string;
  readonly ratio: Spread | null;
}

export interface NodesResults {
  readonly environment: { readonly platform: string; readonly cpu: string; readonly cores: number };
  readonly nodes: readonly { readonly node: string; readonly rows: readonly NodeRow[] }[];
}

const factor = ({ ratio }: NodeRow): string => (ratio === null ? "" : ratio.median.toFixed(2));

/** A line for each thing measured, a column for each Node. */
export function nodesTable({ nodes }: NodesResults): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const titles = ["", ...nodes.map(({ node }) => node)];
  const rule = `|---|${nodes.map(() => "--:|").join("")}`;
  const lines = nodes[0]!.rows.map(({ what }, i) => line([what, ...nodes.map(({ rows }) => factor(rows[i]!))]));
  return [line(titles), rule, ...lines].join("\n");
}
