// In:    the results of a run under several Nodes.
// Out:   their table, in Markdown.
// Never: measures.

import type { Machine } from "./machine.js";
import { markdown } from "./markdown.js";
import type { Spread } from "./spread.js";

/** A line of the table: a ratio under one Node. */
export interface NodeRow {
  readonly what: string;
  readonly ratio: Spread | null;
}

export interface NodesResults {
  readonly environment: Machine;
  readonly nodes: readonly { readonly node: string; readonly rows: readonly NodeRow[] }[];
}

const shown = ({ ratio }: NodeRow): string => (ratio === null ? "" : ratio.median.toFixed(2));

/** A line for each thing measured, a column for each Node. */
export function nodesTable({ nodes }: NodesResults): string {
  const titles = nodes.map(({ node }) => node);
  return markdown(
    titles,
    nodes[0]!.rows.map(({ what }, i) => [what, ...nodes.map(({ rows }) => shown(rows[i]!))]),
  );
}
