// In:    servers that answer a browser's opening handshake.
// Out:   rows: microseconds of processor time of the whole server process for each connection, from its accept to its close.
// Never: compresses, or sends a message.

import { BUN, type BunPath, contest, type Effort, FLOOR, OURS, processorTime, THEIRS } from "./contest.js";
import { HANDSHAKE } from "./octets.js";
import { type Row, rowsOf } from "./row.js";

const CONNECTIONS = 2000;

export async function compareUpgrades(bun: BunPath, effort: Effort): Promise<Row[]> {
  const order = (port: number) =>
    ({
      act: "upgrade",
      port,
      octets: HANDSHAKE,
      count: Math.ceil(CONNECTIONS / effort.part),
      concurrency: 64,
      status: 101,
    }) as const;
  const names = [THEIRS, OURS, FLOOR.withWs, FLOOR.upgrading, BUN];
  const measured = await contest(names, bun, effort, processorTime(order));
  return rowsOf("upgrade", "µs of processor time a connection", THEIRS, measured);
}
