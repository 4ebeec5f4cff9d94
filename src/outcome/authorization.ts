// In:    an accepted upgrade, the application's authorize.
// Out:   its verdict.
// Never: takes anything but a clear yes for a yes.

import type { Arrival } from "../arrival/arrival.js";
import type { FramerLike } from "../handover/framer.js";
import type { RequestHead } from "../head/request-head.js";
import { refuseUnauthorized } from "../policy/decide.js";
import type { Acceptance, Refusal } from "../policy/decision.js";

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
export class Question implements AuthorizeContext {
  readonly decision: Acceptance<FramerLike>;
  #controller: AbortController | undefined;

  constructor(decision: Acceptance<FramerLike>) {
    this.decision = decision;
  }

  get arrival(): Arrival {
    return this.decision.arrival;
  }

  /** Made when it is asked for: few applications do. */
  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
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

  /** Nobody waits any more: the client has vanished, or the time is over. */
  abort(): void {
    if (this.#controller !== undefined) this.#controller.abort();
    // For whoever asks later.
    else this.#controller = abortedController();
  }
}

function abortedController(): AbortController {
  const controller = new AbortController();
  controller.abort();
  return controller;
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
