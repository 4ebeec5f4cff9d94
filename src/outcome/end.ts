// In:    how a connection ended.
// Out:   the ways in which an adopted connection can end, with the limits that some of them are about.
// Never: ends one.

import type { Arrival } from "../arrival/arrival.js";
import type { ClientHello } from "../arrival/tls/client-hello.js";
import type { FramerLike } from "../handover/framer.js";
import type { HeadFault } from "../head/fault.js";
import type { GateLimits } from "../head/limits.js";
import type { Acceptance, Refusal } from "../policy/decision.js";

/** Why a connection ended that was neither handed over nor refused. */
export type AbandonedCode =
  | "PROXY_UNTRUSTED"
  | "PROXY_MISSING"
  | "PROXY_MALFORMED"
  | "TLS_MALFORMED"
  | "SERVER_NAME_UNKNOWN"
  | "TLS_FAILED"
  | "HEAD_TIMEOUT"
  | "OVERLOADED"
  | "ADDRESS_OVERLOADED"
  | "PEER_ENDED"
  | "SOCKET_ERROR"
  | "SOCKET_DESTROYED"
  | "HTTP2_FAULT"
  | "BODY_MALFORMED"
  | "AUTHORIZE_FAILED"
  | "EARLY_OCTETS"
  | "FRAMER_FAILED"
  | "PASSTHROUGH_FAILED";

/** The limit that a code is about. */
const limitOf: { readonly [Code in AbandonedCode]?: keyof GateLimits } = {
  HEAD_TIMEOUT: "headTimeout",
  OVERLOADED: "pendingHeads",
  ADDRESS_OVERLOADED: "pendingPerAddress",
  EARLY_OCTETS: "earlyBytes",
};

export interface Abandoned {
  readonly kind: "abandoned";
  readonly code: AbandonedCode;
  /**
   * `proxy`: at or within a PROXY header; `tls`: within a ClientHello or a TLS handshake; `silent`: no octet came, or none behind
   * these; `head`: within a head; `requests`: between or within served requests.
   */
  readonly stage: "proxy" | "tls" | "silent" | "head" | "requests" | "authorize" | "handover";
  readonly arrival: Arrival;
  /** The limit that it met, and its value. */
  readonly limit?: { readonly name: keyof GateLimits; readonly value: number };
  /**
   * What the socket, the TLS handshake, `authorize`, the framer or the taker threw; the `ProxyFault` or `HelloFault` where octets are no
   * PROXY header or no ClientHello.
   */
  readonly cause?: unknown;
}

/** `arrival`: of the connection, or of the request that it came to. */
export function abandoned(
  code: AbandonedCode,
  stage: Abandoned["stage"],
  arrival: Arrival,
  limits: GateLimits,
  cause?: unknown,
): Abandoned {
  const limit = limitOf[code];
  return {
    kind: "abandoned",
    code,
    stage,
    arrival,
    ...(limit !== undefined && { limit: { name: limit, value: limits[limit] } }),
    ...(cause !== undefined && { cause }),
  };
}

/** How an adopted connection ended. */
export type ConnectionEnd =
  | { readonly kind: "handed-over"; readonly decision: Acceptance<FramerLike> }
  | { readonly kind: "refused"; readonly decision: Refusal<FramerLike> }
  | { readonly kind: "malformed"; readonly fault: HeadFault; readonly arrival: Arrival }
  /** The http.Server, or the client behind its last response, ended the connection. */
  | { readonly kind: "served"; readonly arrival: Arrival }
  /** Who takes connections as they are has it: for its ClientHello, or since it is neither TLS nor HTTP (`hello` null). */
  | { readonly kind: "passed"; readonly hello: ClientHello | null; readonly arrival: Arrival }
  | Abandoned;

/** The ends that are told to a client, if any. */
export type Answered = Extract<ConnectionEnd, { kind: "refused" | "malformed" | "abandoned" }>;

export type Malformed = Extract<ConnectionEnd, { kind: "malformed" }>;

export type Passed = Extract<ConnectionEnd, { kind: "passed" }>;
