// In:    servers with many open WebSockets, on which nothing is sent.
// Out:   octets of heap and array buffers that a WebSocket holds, after a collection.
// Never: counts what the system holds for a socket.

import { BUN, OURS, THEIRS } from "./contest.js";
import { HANDSHAKE } from "./octets.js";
import type { Trial } from "./trial.js";

const CONNECTIONS = 10_000;

export const open: Trial = {
  step: "open",
  unit: "octets an open WebSocket",
  servers: [THEIRS, OURS, BUN],
  base: THEIRS,
  withoutBun: "its sockets live outside of the heap that it can tell of",
  act: (part) => async (client, contender) => {
    const count = Math.ceil(CONNECTIONS / part);
    const order = { port: contender.port, octets: HANDSHAKE, concurrency: 64, status: 101 } as const;
    const before = await contender.memoryWith(0);
    await client.obey({ ...order, act: "hold", count }, contender.label);
    const held = (await contender.memoryWith(count)) - before;
    await client.obey({ ...order, act: "release", count: 0 }, contender.label);
    return held / count;
  },
};
