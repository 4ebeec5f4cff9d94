// In:    an accepted upgrade, the application's authorize.
// Out:   its verdict.
// Never: treats anything but `true` as permission.

import type { Arrival } from "../arrival/arrival.js";
import type { FramerLike } from "../handover/framer.js";
import { describe, isRecord } from "../head/options.js";
import type { RequestHead } from "../head/request-head.js";
import { isFieldValue, isToken } from "../head/scan.js";
import { refuseUnauthorized } from "../policy/decide.js";
import type { Acceptance, Refusal } from "../policy/decision.js";

/** Yes; no, answered 403; or no with another status code and more headers, as `WWW-Authenticate`. */
export type Authorization =
  | boolean
  | { readonly statusCode: number; readonly headers?: Readonly<Record<string, string>> };

export interface AuthorizeContext {
  /** Aborted when the client vanishes or the time is up; the answer is then ignored. */
  readonly signal: AbortSignal;
  readonly arrival: Arrival;
  readonly decision: Acceptance<FramerLike>;
}

/** Decides whether an upgrade that the policy accepts may proceed. If it throws, the client gets 500. */
export type Authorize = (head: RequestHead, context: AuthorizeContext) => Authorization | Promise<Authorization>;

export type Verdict =
  | { readonly kind: "authorized" }
  | { readonly kind: "refused"; readonly decision: Refusal<FramerLike> }
  | { readonly kind: "failed"; readonly cause: unknown };

/** One upgrade that waits for the application's answer. */
export class Question implements AuthorizeContext {
  readonly decision: Acceptance<FramerLike>;
  #controller: AbortController | undefined;

  constructor(decision: Acceptance<FramerLike>) {
    this.decision = decision;
  }

  get arrival(): Arrival {
    return this.decision.arrival;
  }

  /** Made on demand: few applications use it. */
  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  /** Calls `answered` once; synchronously, if the application answers synchronously. */
  ask(authorize: Authorize, answered: (verdict: Verdict) => void): void {
    const failed = (cause: unknown): void => answered({ kind: "failed", cause });
    let verdict: Verdict;
    try {
      const answer: unknown = authorize(this.decision.head, this);
      if (typeof (answer as PromiseLike<unknown> | null | undefined)?.then === "function") {
        const late = Promise.resolve(answer).then((value) => verdictOf(this.decision, value));
        late.then(answered, failed);
        return;
      }
      verdict = verdictOf(this.decision, answer);
    } catch (cause) {
      verdict = { kind: "failed", cause };
    }
    answered(verdict);
  }

  /** The answer is no longer needed: the client has vanished, or the time is up. */
  abort(): void {
    if (this.#controller !== undefined) this.#controller.abort();
    // For a later access.
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

/** For a log, which should not have what may be a session. */
function withoutText(answer: unknown): string {
  if (typeof answer === "string") return "a string";
  return Array.isArray(answer) ? "a list" : describe(answer);
}

function verdictOf(decision: Acceptance<FramerLike>, answer: unknown): Verdict {
  if (answer === true) return { kind: "authorized" };
  if (answer === false) return { kind: "refused", decision: refuseUnauthorized(decision, 403, {}) };
  const { statusCode, headers = {} } = (answer ?? {}) as { statusCode?: unknown; headers?: unknown };
  const isRefusal = Number.isInteger(statusCode) && (statusCode as number) >= 400 && (statusCode as number) <= 599;
  if (!isRefusal || !isRecord(headers)) {
    const found = isRefusal
      ? `its headers are ${withoutText(headers)}`
      : statusCode === undefined
        ? `it answered ${withoutText(answer)}`
        : `its statusCode is ${withoutText(statusCode)}`;
    const cause = new TypeError(
      `authorize must answer true, false, or { statusCode: 401, headers: { ... } } with a status code from 400 to 599 and the headers in a plain object; ${found}`,
    );
    return { kind: "failed", cause };
  }
  // Read once: what is checked is what is sent.
  const fields: [string, string][] = Object.entries(headers as Record<string, string>);
  for (const [name, value] of fields) {
    const isField = isToken(name) && !own.has(name.toLowerCase());
    if (!isField || typeof value !== "string" || !isFieldValue(value)) {
      return {
        kind: "failed",
        cause: new TypeError(`authorize answered with a header ${name} that a response cannot have`),
      };
    }
  }
  const refusal = refuseUnauthorized(decision, statusCode as number, Object.fromEntries(fields));
  return { kind: "refused", decision: refusal };
}
