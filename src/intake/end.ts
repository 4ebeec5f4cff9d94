// In:    nothing.
// Out:   the ways in which an adopted connection can end.
// Never: ends one.

import type { Arrival } from "../arrival.js";
import type { Acceptance, Refusal } from "../decision.js";
import type { HeadgateError } from "../errors.js";
import type { FramerLike } from "../framer/framer.js";

/** Why a connection ended that was neither handed over nor refused. */
export type AbandonedCode =
  | "PROXY_UNTRUSTED"
  | "PROXY_MISSING"
  | "PROXY_MALFORMED"
  | "HEAD_TIMEOUT"
  | "OVERLOADED"
  | "PEER_ENDED"
  | "SOCKET_ERROR"
  | "SOCKET_DESTROYED"
  | "HTTP2_FAULT"
  | "BODY_MALFORMED"
  | "AUTHORIZE_FAILED"
  | "EARLY_OCTETS"
  | "FRAMER_FAILED";

export interface Abandoned {
  readonly kind: "abandoned";
  readonly code: AbandonedCode;
  /**
   * `proxy`: at or within a PROXY header; `silent`: no octet came, or none behind it; `head`: within a head;
   * `requests`: between or within served requests.
   */
  readonly stage: "proxy" | "silent" | "head" | "requests" | "authorize" | "handover";
  readonly arrival: Arrival;
  /** What the socket, `authorize` or the framer threw; the `ProxyError` where octets are no PROXY header. */
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
