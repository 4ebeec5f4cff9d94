// In:    decisions, with the objects that an application gets by them.
// Out:   the decision that an object was given away by.
// Never: keeps an object alive.

import type { Decision } from "./decision.js";

/** A connection whose requests are ruled on one after another. */
interface Following<Claim> {
  /** On its newest request. */
  readonly decision: Decision<Claim> | null;
}

/** What a gate has learned of the objects that it let pass: requests, sockets, WebSockets. */
export class Known<Claim> {
  readonly #found = new WeakMap<object, Decision<Claim> | Following<Claim>>();

  /** The object came about by this decision. */
  add(object: object, decision: Decision<Claim>): void {
    this.#found.set(object, decision);
  }

  /** The object is a socket whose decision is that on its newest request. */
  follow(socket: object, connection: Following<Claim>): void {
    this.#found.set(socket, connection);
  }

  has(object: object): boolean {
    return this.#found.has(object);
  }

  decisionOf(object: object): Decision<Claim> | undefined {
    const found = this.#found.get(object);
    if (found === undefined) return undefined;
    return "decision" in found ? (found.decision ?? undefined) : found;
  }
}
