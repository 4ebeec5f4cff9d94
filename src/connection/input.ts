// In:    octets of one connection, in order.
// Out:   what to do next: wait, note a PROXY header, go on by the protocol, answer a malformed head, or act on a decision; and
//        in which state the connection is.
// Never: performs I/O, owns a socket, or keeps time.

import type { Arrival } from "../arrival/arrival.js";
import { FirstOctets, type FirstOctetsResult } from "../arrival/first-octets.js";
import type { ProxyError } from "../arrival/proxy/fault.js";
import type { ProxyHeader } from "../arrival/proxy/header.js";
import { ProxyReader } from "../arrival/proxy/reader.js";
import type { HelloError } from "../arrival/tls/fault.js";
import type { HeadgateError } from "../head/fault.js";
import { latin1 } from "../head/kernel/latin1.js";
import type { GateLimits } from "../head/limits.js";
import { HeadReader } from "../head/reader.js";
import { type Decision, decide, type Policy } from "../policy/decide.js";

/**
 * Whose the socket is. `announcing`: ours, a PROXY header is awaited. `recognizing`: ours, the octets are awaited that tell the
 * protocol, and of TLS the ClientHello. `securing`: ours, in a TLS handshake. `reading`: ours, a head is coming in. `serving`:
 * ours, with the request filter in between.
 * `authorizing`: ours, while the application decides on an accepted upgrade. The others are ends; every connection comes to exactly one of them.
 */
export type ConnectionState =
  | "announcing"
  | "recognizing"
  | "securing"
  | "reading"
  | "serving"
  | "authorizing"
  | "handed over"
  | "served"
  | "refused"
  | "abandoned";

/** From each state, the states that may follow. */
export const transitions: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  announcing: ["recognizing", "reading", "abandoned"],
  recognizing: ["securing", "reading", "handed over", "abandoned"],
  securing: ["reading", "abandoned"],
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
  /** By a PROXY header of `size` octets, or by what is none. `rest`: what came behind it in the same octets. */
  | { kind: "announced"; header: ProxyHeader; size: number; rest: Uint8Array }
  | { kind: "not announced"; error: ProxyError }
  /** By the first octets: `octets` are all that came behind a PROXY header. */
  | { kind: "recognized"; first: Recognized }
  | { kind: "no hello"; error: HelloError }
  | Ruled<Claim>;

export type Recognized = Extract<FirstOctetsResult, { kind: "complete" }>;

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
  /** Not null where somebody is there for TLS. */
  readonly tls: object | null;
}

/** Whose connection it is. */
export interface ConnectionOwner {
  /** Where it came in. */
  readonly arrival: Arrival;
  /** There is a choice between protocols; otherwise all is HTTP/1.1. */
  readonly recognizes: boolean;
}

/** One connection, from its first octet to its end. */
export class Connection<Claim> {
  readonly #rules: Rules<Claim>;
  /**
   * What has come of a head, or of what stands in front of one, that is not whole. Most heads come whole, and most others have come
   * in one piece so far: that piece is kept as text, which weighs little more than its octets, and a reader is kept from
   * the second piece on.
   */
  #begun: string | HeadReader | ProxyReader | FirstOctets | null = null;
  #state: ConnectionState;

  constructor(rules: Rules<Claim>, { recognizes }: Pick<ConnectionOwner, "recognizes">) {
    this.#rules = rules;
    this.#state = rules.policy.trust?.proxyProtocol ? "announcing" : recognizes ? "recognizing" : "reading";
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get isOver(): boolean {
    return transitions[this.#state].length === 0;
  }

  /** HTTP is spoken on it, so that a response will be understood; not known before its first octets where there is a choice. */
  get speaksHttp(): boolean {
    return this.#state !== "announcing" && this.#state !== "recognizing" && this.#state !== "securing";
  }

  /** What has begun and is not whole: a PROXY header, a ClientHello or the handshake behind it, a head. */
  get begun(): "proxy" | "tls" | "head" | null {
    if (this.#state === "securing") return "tls";
    if (this.#begun === null) return null;
    if (this.#begun instanceof FirstOctets) return this.#begun.isTls ? "tls" : "head";
    return this.#begun instanceof ProxyReader ? "proxy" : "head";
  }

  /** Takes octets where a head, or what stands in front of one, is awaited. */
  receive(octets: Uint8Array, owner: ConnectionOwner): Step<Claim> {
    if (octets.length === 0) return WAIT;
    if (this.#state === "announcing") return this.#readProxy(octets, owner);
    if (this.#state === "recognizing") return this.#readFirst(octets);
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

  #readProxy(octets: Uint8Array, { recognizes }: ConnectionOwner): Step<Claim> {
    const reader = this.#begun instanceof ProxyReader ? this.#begun : new ProxyReader(this.#rules.limits.proxyBytes);
    const result = reader.read(octets);
    if (result.kind === "partial") {
      this.#begun = reader;
      return WAIT;
    }
    this.#begun = null;
    if (result.kind === "error") return { kind: "not announced", error: result.error };
    this.become(recognizes ? "recognizing" : "reading");
    const { header, size, consumed } = result;
    return { kind: "announced", header, size, rest: octets.subarray(consumed) };
  }

  #readFirst(octets: Uint8Array): Step<Claim> {
    const { tls, limits } = this.#rules;
    const reader =
      this.#begun instanceof FirstOctets ? this.#begun : new FirstOctets(tls === null ? null : limits.helloBytes);
    const result = reader.read(octets);
    if (result.kind === "partial") {
      this.#begun = reader;
      return WAIT;
    }
    this.#begun = null;
    if (result.kind === "error") return { kind: "no hello", error: result.error };
    return { kind: "recognized", first: result };
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
