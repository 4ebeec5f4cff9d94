// In:    octets of one connection, in order.
// Out:   what to do next: wait, answer a malformed head, or act on a decision; and in which state the connection is.
// Never: performs I/O, owns a socket, or keeps time.

import type { Arrival } from "./arrival.js";
import { type Decision, decide, type Policy } from "./decision.js";
import type { HeadgateError } from "./errors.js";
import { HeadReader } from "./head.js";
import type { HeadLimits } from "./limits.js";

/**
 * Whose the socket is. `reading`: ours, a head is coming in. `serving`: ours, with the request filter in between.
 * `authorizing`: ours, while the application decides on an accepted upgrade. The others are ends; every connection comes to exactly one of them.
 */
export type ConnectionState =
  | "reading"
  | "serving"
  | "authorizing"
  | "handed over"
  | "served"
  | "refused"
  | "abandoned";

/** From each state, the states that may follow. */
export const transitions: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  reading: ["serving", "authorizing", "handed over", "refused", "abandoned"],
  serving: ["authorizing", "handed over", "served", "refused", "abandoned"],
  authorizing: ["handed over", "refused", "abandoned"],
  served: [],
  "handed over": [],
  refused: [],
  abandoned: [],
};

export type Step<Claim> =
  | { kind: "wait" }
  | { kind: "malformed"; error: HeadgateError }
  /** `rest`: what came behind the head in the same octets. */
  | { kind: "decided"; decision: Decision<Claim>; rest: Uint8Array };

const WAIT = Object.freeze({ kind: "wait" });

/** One connection, from its first head to its end. */
export class Connection<Claim> {
  readonly arrival: Arrival;
  readonly #policy: Policy<Claim>;
  readonly #reader: HeadReader;
  #state: ConnectionState = "reading";

  constructor(policy: Policy<Claim>, arrival: Arrival, limits: HeadLimits) {
    this.#policy = policy;
    this.arrival = arrival;
    this.#reader = new HeadReader(undefined, limits);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get isOver(): boolean {
    return transitions[this.#state].length === 0;
  }

  /** True where a head has begun and is not whole. */
  get hasPartialHead(): boolean {
    return this.#reader.pending > 0;
  }

  /** Takes octets where a head is awaited. */
  receive(octets: Uint8Array): Step<Claim> {
    const result = this.#reader.read(octets);
    if (result.kind === "partial") return WAIT;
    if (result.kind === "error") return { kind: "malformed", error: result.error };
    const decision = decide(this.#policy, result.head, this.arrival);
    return { kind: "decided", decision, rest: octets.subarray(result.consumed) };
  }

  /** Enters the next state; a state that cannot follow is a fault of ours and throws. */
  become(next: ConnectionState): void {
    if (!transitions[this.#state].includes(next)) throw new Error(`a connection that is ${this.#state} became ${next}`);
    this.#state = next;
  }
}
