// In:    octets of one connection, in order.
// Out:   what to do next: wait, note a PROXY header, answer a malformed head, or act on a decision; and in which state
//        the connection is.
// Never: performs I/O, owns a socket, or keeps time.

import type { Arrival } from "./arrival.js";
import { type Decision, decide, type Policy } from "./decision.js";
import type { HeadgateError } from "./errors.js";
import { HeadReader } from "./head-reader.js";
import type { GateLimits } from "./limits.js";
import { latin1 } from "./octets.js";
import type { ProxyError } from "./proxy-error.js";
import type { ProxyHeader } from "./proxy-header.js";
import { ProxyReader } from "./proxy-protocol.js";

/**
 * Whose the socket is. `announcing`: ours, a PROXY header is awaited. `reading`: ours, a head is coming in. `serving`:
 * ours, with the request filter in between.
 * `authorizing`: ours, while the application decides on an accepted upgrade. The others are ends; every connection comes to exactly one of them.
 */
export type ConnectionState =
  | "announcing"
  | "reading"
  | "serving"
  | "authorizing"
  | "handed over"
  | "served"
  | "refused"
  | "abandoned";

/** From each state, the states that may follow. */
export const transitions: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  announcing: ["reading", "abandoned"],
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
  /** By a PROXY header, or by what is none. `rest`: what came behind it in the same octets. */
  | { kind: "announced"; header: ProxyHeader; rest: Uint8Array }
  | { kind: "not announced"; error: ProxyError }
  | Ruled<Claim>;

/** What is done about a head. */
export type Ruled<Claim> =
  | { kind: "malformed"; error: HeadgateError }
  /** `rest`: what came behind the head in the same octets. */
  | { kind: "decided"; decision: Decision<Claim>; rest: Uint8Array };

const WAIT = Object.freeze({ kind: "wait" });
const NOTHING = new Uint8Array(0);

/** What a connection is ruled and bounded by. */
export interface Rules<Claim> {
  readonly policy: Policy<Claim>;
  readonly limits: GateLimits;
}

/** One connection, from its first octet to its end. */
export class Connection<Claim> {
  readonly #rules: Rules<Claim>;
  /**
   * What has come of a head, or of a PROXY header, that is not whole. Most heads come whole, and most others have come
   * in one piece so far: that piece is kept as text, which weighs little more than its octets, and a reader is kept from
   * the second piece on.
   */
  #begun: string | HeadReader | ProxyReader | null = null;
  #state: ConnectionState;

  constructor(rules: Rules<Claim>) {
    this.#rules = rules;
    this.#state = rules.policy.trust?.proxyProtocol ? "announcing" : "reading";
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get isOver(): boolean {
    return transitions[this.#state].length === 0;
  }

  /** True where a head, or a PROXY header, has begun and is not whole. */
  get hasPartialHead(): boolean {
    return this.#begun !== null;
  }

  /** Takes octets where a head, or a PROXY header, is awaited; `owner` says where they came in. */
  receive(octets: Uint8Array, owner: { readonly arrival: Arrival }): Step<Claim> {
    if (octets.length === 0) return WAIT;
    if (this.#state === "announcing") return this.#readProxy(octets);
    const reader = this.#begun instanceof HeadReader ? this.#begun : this.#newReader();
    const result = reader.read(octets);
    if (result.kind === "partial") {
      this.#begun = this.#begun === null ? latin1(octets).read(0, octets.length) : reader;
      return WAIT;
    }
    this.#begun = null;
    if (result.kind === "error") return { kind: "malformed", error: result.error };
    const decision = decide(this.#rules.policy, result.head, owner.arrival);
    const rest = result.consumed === octets.length ? NOTHING : octets.subarray(result.consumed);
    return { kind: "decided", decision, rest };
  }

  #readProxy(octets: Uint8Array): Step<Claim> {
    const reader = this.#begun instanceof ProxyReader ? this.#begun : new ProxyReader(this.#rules.limits.proxyBytes);
    const result = reader.read(octets);
    if (result.kind === "partial") {
      this.#begun = reader;
      return WAIT;
    }
    this.#begun = null;
    if (result.kind === "error") return { kind: "not announced", error: result.error };
    this.become("reading");
    return { kind: "announced", header: result.header, rest: octets.subarray(result.consumed) };
  }

  /** A reader that has read what has come of this head. */
  #newReader(): HeadReader {
    const reader = new HeadReader(undefined, this.#rules.limits);
    if (typeof this.#begun === "string") {
      const octets = new Uint8Array(this.#begun.length);
      latin1(octets).write(this.#begun, 0);
      reader.read(octets);
    }
    return reader;
  }

  /** Enters the next state; a state that cannot follow is a fault of ours and throws. */
  become(next: ConnectionState): void {
    if (!transitions[this.#state].includes(next)) throw new Error(`a connection that is ${this.#state} became ${next}`);
    this.#state = next;
  }
}
