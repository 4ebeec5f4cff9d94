// In:    servers with many connections, of which each has sent half a head.
// Out:   rows: octets of heap and array buffers that a connection holds, after a collection, less what it has sent.
// Never: counts what the system holds for a socket.

import { BUN, type BunPath, contest, type Effort, FLOOR, OURS, THEIRS } from "./contest.js";
import { HALF_A_HEAD } from "./octets.js";
import { type Row, rowsOf } from "./row.js";

const CONNECTIONS = 10_000;
export async function comparePending(bun: BunPath, effort: Effort): Promise<Row[]> {
  const count = Math.ceil(CONNECTIONS / effort.part);
  const names = [FLOOR.waiting, OURS, THEIRS];
  const measured = await contest(names, bun, effort, async (client, contender) => {
    const order = { port: contender.port, octets: HALF_A_HEAD, concurrency: 64, status: 0 } as const;
    const before = await contender.memoryWith(0);
    await client.obey({ ...order, act: "hold", count }, contender.name);
    const held = (await contender.memoryWith(count)) - before;
    await client.obey({ ...order, act: "release", count: 0 }, contender.name);
    // The floor keeps no octets, and nobody else could do without them.
    return held / count - (contender.name === FLOOR.waiting ? 0 : HALF_A_HEAD.length);
  });
  const reason = "its sockets live outside of the heap that it can tell of";
  return rowsOf("pending", "octets a connection besides those it sent", FLOOR.waiting, [
    ...measured,
    { name: BUN, samples: [], reason },
  ]);
}
