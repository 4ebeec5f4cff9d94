// In:    a decision, and the ways for accepted requests on a connection.
// Out:   what follows from it.
// Never: does it; HTTP/1.1, HTTP/2 and a guard each follow the same route.

import type { Duplex } from "node:stream";
import type { FramerLike } from "../handover/framer.js";
import { refuseDraining, requireListener, requireUpgrade } from "../policy/decide.js";
import type { Acceptance, Decision, Refusal } from "../policy/decision.js";
import { LEAVE } from "../policy/vhost.js";

/** The ways for accepted requests. */
export interface Ways {
  /** The application has the last word on upgrades. */
  readonly authorizes: boolean;
  /** The gate takes no more upgrades. */
  drains(): boolean;
  /** Requests that are not upgrades are served. */
  readonly serves: boolean;
  /** They are handed over, with their connection. */
  readonly sends: boolean;
  /** Whether an upgrade that is left has a listener, or a framer of another gate, at this moment. `on`: the socket or stream. */
  hears(on: Duplex): boolean;
}

type Route =
  | { readonly kind: "refuse"; readonly decision: Refusal<FramerLike> }
  /** `authorize`: ask the application, then `hand over`. `serve`: a request, or an upgrade that is left to other listeners. A request is handed over where `ways.sends`. */
  | { readonly kind: "authorize" | "hand over" | "serve"; readonly decision: Acceptance<FramerLike> };

/** An accepted request whose way is missing is refused; if report mode let it through, with the refusal that is reported. */
export function routeOf(decision: Decision<FramerLike>, ways: Ways, on: Duplex): Route {
  if (decision.kind === "refused") return { kind: "refuse", decision };
  if (decision.upgrade) {
    if (decision.claim === LEAVE && !ways.hears(on)) {
      return { kind: "refuse", decision: decision.reported ?? requireListener(decision) };
    }
    if (ways.drains()) return { kind: "refuse", decision: refuseDraining(decision) };
    return { kind: ways.authorizes ? "authorize" : "hand over", decision };
  }
  if (!ways.serves) return { kind: "refuse", decision: decision.reported ?? requireUpgrade(decision) };
  if (ways.sends) {
    return ways.drains() ? { kind: "refuse", decision: refuseDraining(decision) } : { kind: "hand over", decision };
  }
  return { kind: "serve", decision };
}
