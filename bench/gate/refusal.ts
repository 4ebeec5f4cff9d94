// In:    servers that are sent heads which are none, and opening handshakes for a host that is not theirs.
// Out:   rows: microseconds of processor time of the whole server process for each connection, from its accept to its close.
// Never: counts a refusal whose response did not arrive whole.

import { type BunPath, contest, type Effort, processorTime } from "./contest.js";
import { MALFORMED, MISDIRECTED } from "./octets.js";
import { type Row, rowsOf } from "./row.js";

const CONNECTIONS = 2000;

async function compare(
  step: string,
  octets: string,
  statusOf: (name: string) => number,
  bun: BunPath,
  effort: Effort,
): Promise<Row[]> {
  const order = (port: number, name: string) =>
    ({
      act: "refusal",
      port,
      octets,
      count: Math.ceil(CONNECTIONS / effort.part),
      concurrency: 64,
      status: statusOf(name),
    }) as const;
  const measured = await contest(["node:http + ws", "headgate + ws"], bun, effort, processorTime(order));
  return rowsOf(step, "µs of processor time a connection", "node:http + ws", measured);
}

/** A head that is none: node:http's own 400 and headgate's. */
export function compareMalformed(bun: BunPath, effort: Effort): Promise<Row[]> {
  return compare("malformed", MALFORMED, () => 400, bun, effort);
}

/** Another host: 421 of headgate, 403 by `end` in an 'upgrade' listener that compares Host. */
export function compareRefusals(bun: BunPath, effort: Effort): Promise<Row[]> {
  return compare("refused", MISDIRECTED, (name) => (name.startsWith("headgate") ? 421 : 403), bun, effort);
}
