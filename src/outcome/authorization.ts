// In:    an accepted upgrade, the application's authorize, octets that come before it has answered.
// Out:   its verdict, and those octets in order.
// Never: keeps more of them than the limit, or takes anything but a clear yes for a yes.

import type { Arrival } from "../arrival/arrival.js";
import type { FramerLike } from "../handover/framer.js";
import type { RequestHead } from "../head/request-head.js";
import { type Acceptance, type Refusal, refuseUnauthorized } from "../policy/decide.js";
import { HeldOctets } from "./held-octets.js";

/** Yes; no, answered 403; or no with another status code and more fields, as `WWW-Authenticate`. */
export type Authorization =
  | boolean
  | { readonly statusCode: number; readonly fields?: Readonly<Record<string, string>> };

export interface AuthorizeContext {
  /** Aborted when the client vanishes, or the time is over; nobody waits for the answer then. */
  readonly signal: AbortSignal;
  readonly arrival: Arrival;
  readonly decision: Acceptance<FramerLike>;
}

/** Says whether an upgrade that the policy accepts may go on. What it throws is answered 500. */
export type Authorize = (head: RequestHead, context: AuthorizeContext) => Authorization | Promise<Authorization>;

export type Verdict =
  | { readonly kind: "authorized" }
  | { readonly kind: "refused"; readonly decision: Refusal<FramerLike> }
  | { readonly kind: "failed"; readonly cause: unknown };

/** One upgrade that waits for the application's word. */
export class Authorizing implements AuthorizeContext {
  readonly decision: Acceptance<FramerLike>;
  readonly arrival: Arrival;
  readonly #most: number;
  readonly #early = new HeldOctets();
  readonly #controller = new AbortController();

  /** `most`: octets that may come behind the head before the answer. */
  constructor(decision: Acceptance<FramerLike>, most: number) {
    this.decision = decision;
    this.arrival = decision.arrival;
    this.#most = most;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Calls `answered` once: at once, where the application answers at once. */
  ask(authorize: Authorize, answered: (verdict: Verdict) => void): void {
    const failed = (cause: unknown): void => answered({ kind: "failed", cause });
    let answer: unknown;
    try {
      answer = authorize(this.decision.head, this);
    } catch (cause) {
      failed(cause);
      return;
    }
    const isPromise = typeof (answer as PromiseLike<unknown> | null | undefined)?.then === "function";
    if (!isPromise) answered(verdictOf(this.decision, answer));
    else Promise.resolve(answer).then((late) => answered(verdictOf(this.decision, late)), failed);
  }

  /** Keeps octets that come before the answer; false where they are too many. */
  receive(octets: Uint8Array): boolean {
    this.#early.add(octets);
    return this.#early.length <= this.#most;
  }

  /** All that was kept; to be asked once. */
  takeRest(): Uint8Array {
    return this.#early.take();
  }

  /** Nobody waits any more. */
  abort(): void {
    this.#controller.abort();
  }
}

/** Fields that the gate writes itself, or that would change where its response ends. */
const own = new Set(
  "connection content-length content-type date keep-alive trailer transfer-encoding upgrade".split(" "),
);

function verdictOf(decision: Acceptance<FramerLike>, answer: unknown): Verdict {
  if (answer === true) return { kind: "authorized" };
  if (answer === false) return { kind: "refused", decision: refuseUnauthorized(decision, 403, {}) };
  const { statusCode, fields = {} } = (answer ?? {}) as { statusCode?: unknown; fields?: unknown };
  const isRefusal = Number.isInteger(statusCode) && (statusCode as number) >= 400 && (statusCode as number) <= 599;
  if (!isRefusal || typeof fields !== "object" || fields === null) {
    const cause = new TypeError(
      "authorize must answer true, false, or { statusCode: 401, fields: { ... } } with a status code from 400 to 599",
    );
    return { kind: "failed", cause };
  }
  for (const [name, value] of Object.entries(fields as object)) {
    const isField = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && !own.has(name.toLowerCase());
    if (!isField || typeof value !== "string" || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      return { kind: "failed", cause: new TypeError(`authorize answered a field ${name} that no response can have`) };
    }
  }
  const refusal = refuseUnauthorized(decision, statusCode as number, fields as Record<string, string>);
  return { kind: "refused", decision: refusal };
}
