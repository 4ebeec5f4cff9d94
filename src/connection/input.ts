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
import { latin1 } from "../head/kernel/latin1.js";
import type { GateLimits } from "../head/limits.js";
import { HeadReader } from "../head/reader.js";
import { decide } from "../policy/decide.js";
import type { Decision } from "../policy/decision.js";
import type { Policy } from "../policy/policy-rules.js";
import { Lifecycle } from "./lifecycle.js";

export type Step<Claim> =
  | { kind: "wait" }
  /** By a PROXY header of `size` octets, or by what is none. `rest`: what came behind it in the same octets. */
  | { kind: "announced"; header: ProxyHeader; size: number; rest: Uint8Array }
  | { kind: "not announced"; fault: ProxyFault }
  /** By the first octets: `octets` are all that came behind a PROXY header. */
  | { kind: "recognized"; first: Recognized }
  | { kind: "no hello"; fault: HelloFault }
  | Ruled<Claim>;

export type Recognized = Extract<FirstOctetsResult, { kind: "complete" }>;

/** What is done about a head. */
export type Ruled<Claim> =
  | { kind: "malformed"; fault: HeadFault }
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

/** Whose input it is. */
export interface InputOwner {
  /** Where it came in. */
  readonly arrival: Arrival;
  /** There is a choice between protocols; otherwise all is HTTP/1.1. */
  readonly recognizes: boolean;
}

/** What comes in on one connection while a head, or what precedes one, is awaited; and the connection's state. */
export class Input<Claim, Context extends Rules<Claim>> extends Lifecycle {
  readonly rules: Context;
  /**
   * What has come of a head, or of what precedes one, that is not whole: a ProxyReader while announcing, FirstOctets while recognizing. Most heads come whole, and most others have come
   * in one piece so far: that piece is kept as text, which weighs little more than its octets, and a reader is kept from
   * the second piece on.
   */
  #begun: string | HeadReader | ProxyReader | FirstOctets | null = null;

  /** `recognizes`: there is a choice between protocols. */
  constructor(rules: Context, recognizes: boolean) {
    super(rules.policy.trust?.proxyProtocol ? "announcing" : recognizes ? "recognizing" : "reading");
    this.rules = rules;
  }

  /** What has begun and is not whole: a PROXY header, a ClientHello or the handshake behind it, a head. */
  get begun(): "proxy" | "tls" | "head" | null {
    if (this.state === "securing") return "tls";
    if (this.#begun === null) return null;
    if (this.state === "announcing") return "proxy";
    return this.state === "recognizing" && (this.#begun as FirstOctets).isTls ? "tls" : "head";
  }

  /** Takes octets where a head, or what stands in front of one, is awaited. */
  receive(octets: Uint8Array, owner: InputOwner): Step<Claim> {
    if (octets.length === 0) return WAIT;
    if (this.state === "announcing") return this.#readProxy(octets, owner);
    if (this.state === "recognizing") return this.#readFirst(octets);
    const reader = this.#headReader();
    const result = reader.read(octets);
    if (result.kind === "partial") {
      this.#begun = this.#begun === null ? latin1(octets).read(0, octets.length) : reader;
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

  /** A reader that has read what has come of this head. */
  #headReader(): HeadReader {
    const begun = this.#begun as string | HeadReader | null;
    if (begun !== null && typeof begun !== "string") return begun;
    const reader = new HeadReader(undefined, this.rules.limits);
    if (begun === null) return reader;
    const octets = new Uint8Array(begun.length);
    latin1(octets).write(begun, 0);
    reader.read(octets);
    return reader;
  }
}
