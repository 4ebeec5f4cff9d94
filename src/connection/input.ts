// In:    octets of one connection, in order.
// Out:   what to do next: wait, note a PROXY header, go on by the protocol, answer a malformed head, or act on a decision.
// Never: performs I/O, owns a socket, or keeps time.

import type { Arrival } from "../arrival/arrival.js";
import { FirstOctets, type FirstOctetsResult } from "../arrival/first-octets.js";
import type { ProxyFault } from "../arrival/proxy/fault.js";
import type { ProxyHeader } from "../arrival/proxy/header.js";
import { ProxyReader } from "../arrival/proxy/reader.js";
import type { HelloFault } from "../arrival/tls/fault.js";
import type { HeadFault } from "../head/fault.js";
import { latin1, NOTHING } from "../head/kernel/latin1.js";
import { parseWithin } from "../head/parse.js";
import { HeadReader } from "../head/reader.js";
import type { GateLimits } from "../outcome/limits.js";
import { decide } from "../policy/decide.js";
import type { Decision } from "../policy/decision.js";
import type { Policy } from "../policy/policy-rules.js";
import { Lifecycle } from "./lifecycle.js";

export type Step<Claim> =
  | { kind: "wait" }
  /** A PROXY header of `size` octets has arrived. `rest`: the octets after it in the same chunk. */
  | { kind: "announced"; header: ProxyHeader; size: number; rest: Uint8Array }
  | { kind: "not announced"; fault: ProxyFault }
  /** The first octets show the protocol: `first.octets` is everything after a PROXY header. */
  | { kind: "recognized"; first: Recognized }
  | { kind: "no hello"; fault: HelloFault }
  | Ruled<Claim>;

export type Recognized = Extract<FirstOctetsResult, { kind: "complete" }>;

/** What follows from a head. */
export type Ruled<Claim> =
  | { kind: "malformed"; fault: HeadFault }
  /** `rest`: the octets after the head in the same chunk. */
  | { kind: "decided"; decision: Decision<Claim>; rest: Uint8Array };

const WAIT = Object.freeze({ kind: "wait" });

/** The policy and the limits of a connection. */
export interface Rules<Claim> {
  readonly policy: Policy<Claim>;
  readonly limits: GateLimits;
  /** Not null if the gate handles TLS. */
  readonly tls: object | null;
}

/** The connection that the input belongs to. */
interface InputOwner {
  /** Where it came in. */
  readonly arrival: Arrival;
  /** There is a choice between protocols; otherwise all is HTTP/1.1. */
  readonly recognizes: boolean;
}

/** The input of one connection while a head, or what precedes one, is awaited; and the connection's state. */
export class Input<Claim, Context extends Rules<Claim>> extends Lifecycle {
  readonly rules: Context;
  /**
   * The incomplete head so far, or what precedes one: a ProxyReader while announcing, FirstOctets while recognizing. Most heads
   * arrive complete, and of most others only one piece has arrived: that piece is kept as text, which weighs little more than its
   * octets, and a reader is kept from the second piece on.
   */
  #begun: string | HeadReader | ProxyReader | FirstOctets | null = null;

  /** `recognizes`: there is a choice between protocols. */
  constructor(rules: Context, recognizes: boolean) {
    super(rules.policy.trust?.proxyProtocol ? "announcing" : recognizes ? "recognizing" : "reading");
    this.rules = rules;
  }

  /** What has begun and is incomplete: a PROXY header, a ClientHello or the handshake after it, a head. */
  get begun(): "proxy" | "tls" | "head" | null {
    if (this.state === "securing") return "tls";
    if (this.#begun === null) return null;
    if (this.state === "announcing") return "proxy";
    return this.state === "recognizing" && (this.#begun as FirstOctets).isTls ? "tls" : "head";
  }

  /** Takes octets while a head, or what precedes one, is awaited. */
  receive(octets: Uint8Array, owner: InputOwner): Step<Claim> {
    if (octets.length === 0) return WAIT;
    if (this.state === "announcing") return this.#readProxy(octets, owner);
    if (this.state === "recognizing") return this.#readFirst(octets);
    const reader = this.#begun === null ? null : this.#headReader();
    const result = reader === null ? parseWithin(octets, this.rules.limits) : reader.read(octets);
    if (result.kind === "partial") {
      this.#begun = reader ?? latin1(octets).read(0, octets.length);
      return WAIT;
    }
    this.#begun = null;
    if (result.kind === "malformed") return { kind: "malformed", fault: result.fault };
    const decision = decide(this.rules.policy, result.head, owner.arrival);
    const rest = result.consumed === octets.length ? NOTHING : octets.subarray(result.consumed);
    return { kind: "decided", decision, rest };
  }

  #readProxy(octets: Uint8Array, { recognizes }: InputOwner): Step<Claim> {
    const reader = (this.#begun as ProxyReader | null) ?? new ProxyReader(this.rules.limits.proxyBytes);
    const result = reader.read(octets);
    if (result.kind === "partial") {
      this.#begun = reader;
      return WAIT;
    }
    this.#begun = null;
    if (result.kind === "malformed") return { kind: "not announced", fault: result.fault };
    this.become(recognizes ? "recognizing" : "reading");
    const { header, size, consumed } = result;
    return { kind: "announced", header, size, rest: octets.subarray(consumed) };
  }

  #readFirst(octets: Uint8Array): Step<Claim> {
    const { tls, limits } = this.rules;
    const reader = (this.#begun as FirstOctets | null) ?? new FirstOctets(tls === null ? null : limits.helloBytes);
    const result = reader.read(octets);
    if (result.kind === "partial") {
      this.#begun = reader;
      return WAIT;
    }
    this.#begun = null;
    if (result.kind === "malformed") return { kind: "no hello", fault: result.fault };
    return { kind: "recognized", first: result };
  }

  /** A reader that has read this head so far. */
  #headReader(): HeadReader {
    const begun = this.#begun as string | HeadReader;
    if (typeof begun !== "string") return begun;
    const reader = new HeadReader(undefined, this.rules.limits);
    const octets = new Uint8Array(begun.length);
    latin1(octets).write(begun, 0);
    reader.read(octets);
    return reader;
  }
}
