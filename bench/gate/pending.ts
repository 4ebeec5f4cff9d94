// In:    servers with many connections, of which each has sent half a head.
// Out:   octets of heap and array buffers that a connection holds, after a collection, less what it has sent.
// Never: counts what the system holds for a socket.

import { BUN, FLOOR, heldByEach, OURS, THEIRS } from "./contest.js";
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
    const { port } = contender;
    const order = { act: "hold", port, octets: HALF_A_HEAD, count, concurrency: 64, status: 0 } as const;
    const { octets } = await heldByEach(client, contender, order);
    // The floor keeps no octets, and no real server could do without them.
    return octets - (contender.name === FLOOR.waiting ? 0 : HALF_A_HEAD.length);
  },
};
