// In:    a decision, and what there is for accepted requests on a connection.
// Out:   what follows from it.
// Never: does it; HTTP/1.1, HTTP/2 and a guard each do, by the same route.

import type { Duplex } from "node:stream";
import { type FramerLike, LEAVE } from "../handover/framer.js";
import { requireListener, requireUpgrade } from "../policy/decide.js";
import type { Acceptance, Decision, Refusal } from "../policy/decision.js";

/** What there is for accepted requests. */
export interface Ways {
  /** The application has the last word on upgrades. */
  readonly authorizes: boolean;
  /** Requests that are not upgrades are served. */
  readonly serves: boolean;
  /** What is left to others may find a listener, or a framer of another gate, at this moment. `on`: the socket or stream. */
  hears(on: Duplex): boolean;
}

export type Route =
  | { readonly kind: "refuse"; readonly decision: Refusal<FramerLike> }
  /** `authorize`: ask the application, then `hand over`. `serve`: a request, or an upgrade that is left to others. */
  | { readonly kind: "authorize" | "hand over" | "serve"; readonly decision: Acceptance<FramerLike> };

/** What an accepted request needs and does not find is its refusal; the one that is reported, where report mode let it through. */
export function routeOf(decision: Decision<FramerLike>, ways: Ways, on: Duplex): Route {
  if (decision.kind === "refused") return { kind: "refuse", decision };
  if (decision.upgrade) {
    if (decision.claim === LEAVE && !ways.hears(on)) {
      return { kind: "refuse", decision: decision.reported ?? requireListener(decision) };
    }
    return { kind: ways.authorizes ? "authorize" : "hand over", decision };
  }
  if (!ways.serves) return { kind: "refuse", decision: decision.reported ?? requireUpgrade(decision) };
  return { kind: "serve", decision };
}
