// In:    servers with many connections, of which each has sent half a head.
// Out:   octets of heap and array buffers that a connection holds, after a collection, less what it has sent.
// Never: counts what the system holds for a socket.

import { BUN, FLOOR, OURS, THEIRS } from "./contest.js";
import { HALF_A_HEAD } from "./octets.js";
import type { Trial } from "./trial.js";

const CONNECTIONS = 10_000;

export const pending: Trial = {
  step: "pending",
  unit: "octets a connection besides those it sent",
  servers: [FLOOR.waiting, OURS, THEIRS, BUN],
  base: FLOOR.waiting,
  withoutBun: "its sockets live outside of the heap that it can tell of",
  act: (part) => async (client, contender) => {
    const count = Math.ceil(CONNECTIONS / part);
    const order = { port: contender.port, octets: HALF_A_HEAD, concurrency: 64, status: 0 } as const;
    const before = await contender.memoryWith(0);
    await client.obey({ ...order, act: "hold", count }, contender.label);
    const held = (await contender.memoryWith(count)) - before;
    await client.obey({ ...order, act: "release", count: 0 }, contender.label);
    // The floor keeps no octets, and no real server could do without them.
    return held / count - (contender.name === FLOOR.waiting ? 0 : HALF_A_HEAD.length);
  },
};
