// In:    servers that are sent malformed heads, and opening handshakes for a host that is not theirs.
// Out:   microseconds of processor time of the whole server process for each connection, from its accept to its close.
// Never: counts a refusal whose response did not arrive whole.

import { type Act, FLOOR, OURS, processorTime, THEIRS } from "./contest.js";
import { MALFORMED, MISDIRECTED } from "./octets.js";
import type { Trial } from "./trial.js";

const CONNECTIONS = 2000;

const refusal =
  (octets: string, statusOf: (name: string) => number) =>
  (part: number): Act => {
    const order = { act: "refusal", octets, count: Math.ceil(CONNECTIONS / part), concurrency: 64 } as const;
    return processorTime((port, name) => ({ ...order, port, status: statusOf(name) }));
  };

const shared = { unit: "µs of processor time a connection", base: THEIRS };

/** A malformed head: node:http's own 400 and headgate's. */
export const malformed: Trial = {
  ...shared,
  step: "malformed",
  servers: [THEIRS, OURS],
  act: refusal(MALFORMED, () => 400),
};

/** Another host: 421 of headgate, 403 by `end` in an 'upgrade' listener that compares Host. */
export const refused: Trial = {
  ...shared,
  step: "refused",
  servers: [THEIRS, OURS, FLOOR.refusing],
  act: refusal(MISDIRECTED, (name) => (name === OURS ? 421 : 403)),
};
