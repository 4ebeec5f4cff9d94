// In:    limits of a gate, and arrivals.
// Out:   such a gate, and connections in memory that it adopts; enough of them to make it crowded.
// Never: looks into the gate, but to see that none waits any more.

import type { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import type { ArrivalHints } from "#src/arrival/arrival.js";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import type { ConnectionEnd } from "#src/outcome/end.js";
import type { GateLimits } from "#src/outcome/limits.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { Client, octetsOf, streamPair } from "./tcp.js";
import { turn } from "./until.js";
import { handshakeFields } from "./world.js";

export const handshake = `GET /live HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`;

/** A gate that takes every upgrade for the host a. */
export function gateOf(limits: Partial<GateLimits>, more: Partial<GateOptions> = {}): Gate {
  return createGate({
    vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": ({ socket }) => void socket.end("taken") } }],
    limits,
    ...more,
  });
}

export interface Adopted {
  readonly client: Client;
  readonly far: Duplex;
  readonly end: Promise<ConnectionEnd>;
}

export function adopt(gate: Gate, arrival: ArrivalHints, rest?: string): Adopted {
  const [near, far] = streamPair();
  const end = gate.adopt(far, { arrival, ...(rest !== undefined && { rest: octetsOf(rest) }) }).ended;
  return { client: new Client(near), far, end };
}

/** Of a gate that is crowded once ten wait. */
export const TEN: Partial<GateLimits> = { pendingHeads: 20 };

/** Makes a gate with the limits `TEN` crowded: ten wait that are each of another address, or of `arrival`. */
export function fill(gate: Gate, rest?: string, arrival?: ArrivalHints): Adopted[] {
  return Array.from({ length: 10 }, (_, i) => adopt(gate, arrival ?? { remoteAddress: `203.0.113.${i}` }, rest));
}

/** All that wait for their heads go. */
export async function leave(gate: Gate, adopted: readonly Adopted[]): Promise<void> {
  for (const { client } of adopted) client.stream.destroy();
  await Promise.all(adopted.map(({ end }) => end));
  assert.is(gate.pendingHeads, 0);
}

/** Why it was abandoned, or how else it ended. */
export async function codeOf({ end }: Adopted): Promise<string> {
  const how = await end;
  return how.kind === "abandoned" ? how.code : how.kind;
}

/** Lets streams in memory pass on what they hold, and destroy each other: each takes a turn of the event loop. */
export async function passedOn(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await turn();
}
