// In:    servers with many open WebSockets, on which nothing is sent.
// Out:   octets of heap and array buffers that a WebSocket holds, after a collection.
// Never: counts what the system holds for a socket.

import { BUN, heldByEach, OURS, THEIRS } from "./contest.js";
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
    const { port } = contender;
    const order = { act: "hold", port, octets: HANDSHAKE, count, concurrency: 64, status: 101 } as const;
    return (await heldByEach(client, contender, order)).octets;
  },
};
