// In:    nothing.
// Out:   the ways in which an adopted connection can end.
// Never: ends one.

import type { Arrival } from "../arrival.js";
import type { Acceptance, Refusal } from "../decision.js";
import type { HeadgateError } from "../errors.js";
import type { FramerLike } from "../framer/framer.js";

/** Why a connection ended that was neither handed over nor refused. */
export type AbandonedCode =
  | "HEAD_TIMEOUT"
  | "OVERLOADED"
  | "PEER_ENDED"
  | "SOCKET_ERROR"
  | "SOCKET_DESTROYED"
  | "BODY_MALFORMED"
  | "AUTHORIZE_FAILED"
  | "EARLY_OCTETS"
  | "FRAMER_FAILED";

export interface Abandoned {
  readonly kind: "abandoned";
  readonly code: AbandonedCode;
  /** `silent`: no octet came; `head`: within a head; `requests`: between or within served requests. */
  readonly stage: "silent" | "head" | "requests" | "authorize" | "handover";
  readonly arrival: Arrival;
  /** What the socket, `authorize` or the framer threw. */
  readonly cause?: unknown;
}

/** How an adopted connection ended. */
export type End =
  | { readonly kind: "handed over"; readonly decision: Acceptance<FramerLike> }
  | { readonly kind: "refused"; readonly decision: Refusal<FramerLike> }
  | { readonly kind: "malformed"; readonly error: HeadgateError; readonly arrival: Arrival }
  /** The http.Server, or the client behind its last response, ended the connection. */
  | { readonly kind: "served"; readonly arrival: Arrival }
  | Abandoned;
