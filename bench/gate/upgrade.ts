// In:    servers that answer a browser's opening handshake.
// Out:   microseconds of processor time of the whole server process for each connection, from its accept to its close.
// Never: compresses, or sends a message.

import { BUN, FLOOR, OURS, processorTime, THEIRS } from "./contest.js";
import { HANDSHAKE } from "./octets.js";
import type { Trial } from "./trial.js";

const CONNECTIONS = 2000;

export const upgrade: Trial = {
  step: "upgrade",
  unit: "µs of processor time a connection",
  servers: [THEIRS, OURS, FLOOR.withWs, FLOOR.upgrading, BUN],
  base: THEIRS,
  act: (part) => {
    const count = Math.ceil(CONNECTIONS / part);
    return processorTime((port) => ({ act: "upgrade", port, octets: HANDSHAKE, count, concurrency: 64, status: 101 }));
  },
};
