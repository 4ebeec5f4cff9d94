// In:    servers that are sent heads which are none, and opening handshakes for a host that is not theirs.
// Out:   rows: microseconds of processor time of the whole server process for each connection, from its accept to its close.
// Never: counts a refusal whose response did not arrive whole.

import { type BunPath, contest, type Effort, FLOOR, OURS, processorTime, THEIRS } from "./contest.js";
import { MALFORMED, MISDIRECTED } from "./octets.js";
import { type Row, rowsOf } from "./row.js";

const CONNECTIONS = 2000;

async function compare(
  step: string,
  names: readonly string[],
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
  const measured = await contest(names, bun, effort, processorTime(order));
  return rowsOf(step, "µs of processor time a connection", THEIRS, measured);
}

/** A head that is none: node:http's own 400 and headgate's. */
export function compareMalformed(bun: BunPath, effort: Effort): Promise<Row[]> {
  return compare("malformed", [THEIRS, OURS], MALFORMED, () => 400, bun, effort);
}

/** Another host: 421 of headgate, 403 by `end` in an 'upgrade' listener that compares Host. */
export function compareRefusals(bun: BunPath, effort: Effort): Promise<Row[]> {
  return compare(
    "refused",
    [THEIRS, OURS, FLOOR.refusing],
    MISDIRECTED,
    (name) => (name === OURS ? 421 : 403),
    bun,
    effort,
  );
}
