// In:    how a connection ended.
// Out:   the ways in which an adopted connection can end, some with the limit that it exceeded.
// Never: ends one.

import type { Arrival } from "../arrival/arrival.js";
import type { ClientHello } from "../arrival/tls/client-hello.js";
import type { FramerLike } from "../handover/framer.js";
import type { HeadFault } from "../head/fault.js";
import type { Acceptance, Refusal } from "../policy/decision.js";
import type { GateLimits } from "./limits.js";

/** Why a connection ended that was not handed over, refused, malformed, served or passed on. */
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
  | "CONNECTIONS_TOO_MANY"
  | "DRAINED"
  | "PEER_ENDED"
  | "SOCKET_ERROR"
  | "SOCKET_DESTROYED"
  | "HTTP2_FAULT"
  | "BODY_MALFORMED"
  | "BODY_TIMEOUT"
  | "SEND_TIMEOUT"
  | "AUTHORIZE_FAILED"
  | "EARLY_OCTETS"
  | "FRAMER_FAILED"
  | "FRAMER_REFUSED"
  | "FRAMER_UNAVAILABLE"
  | "PASSTHROUGH_FAILED";

/** Why a connection ended in another process that had acknowledged it. `CHILD_FAILED`: a signal or a fault ended that process. */
export type LostCode = "CHILD_FAILED";

/** The limit that belongs to a code. */
const limitOf: { readonly [Code in AbandonedCode]?: keyof GateLimits } = {
  HEAD_TIMEOUT: "headTimeout",
  OVERLOADED: "pendingHeads",
  ADDRESS_OVERLOADED: "pendingPerAddress",
  CONNECTIONS_TOO_MANY: "maxConnections",
  BODY_TIMEOUT: "bodyTimeout",
  SEND_TIMEOUT: "sendTimeout",
  EARLY_OCTETS: "earlyBytes",
};

export interface Abandoned {
  readonly kind: "abandoned";
  readonly code: AbandonedCode;
  /**
   * `proxy`: before or within a PROXY header; `tls`: within a ClientHello or a TLS handshake; `silent`: before the first octet, or
   * before the first one after these; `head`: within the first head; `requests`: between or within served requests; `authorize`:
   * while `authorize` decides; `handover`: while a framer or a passthrough takes the socket.
   */
  readonly stage: "proxy" | "tls" | "silent" | "head" | "requests" | "authorize" | "handover";
  readonly arrival: Arrival;
  /** The limit that was exceeded, and its value. */
  readonly limit?: { readonly name: keyof GateLimits; readonly value: number };
  /**
   * What the socket, the TLS handshake, `authorize`, the framer (a `FramerRefusal` if it refused, a `FramerUnavailable` if it could not
   * now) or the passthrough threw; or the `ProxyFault` or `HelloFault` of malformed octets.
   */
  readonly cause?: unknown;
}

/** `arrival`: of the connection, or of its request. */
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
  /** The http.Server ended the connection, or the client did after its last response. */
  | { readonly kind: "served"; readonly arrival: Arrival }
  /** A passthrough has it: for its ClientHello, or because it is neither TLS nor HTTP (`hello` null). */
  | { readonly kind: "passed"; readonly hello: ClientHello | null; readonly arrival: Arrival }
  | Abandoned;

/** The ends for which there may be a response. */
export type Answered = Extract<ConnectionEnd, { kind: "refused" | "malformed" | "abandoned" }>;

/** What took how long. */
export interface Timing {
  /**
   * `head`: a head that was ruled on, from the adoption, or from its first octet where the connection had requests before, to its end;
   * `authorize`: from the call to the answer; `handover`: from the call of a framer or a passthrough until it has the socket.
   */
  readonly stage: "head" | "authorize" | "handover";
  readonly milliseconds: number;
  readonly arrival: Arrival;
}

/** The argument of the event. `reported`: in report mode, a guarded server got the request all the same. */
export type Malformed = Extract<ConnectionEnd, { kind: "malformed" }> & { readonly reported?: true };

export type Passed = Extract<ConnectionEnd, { kind: "passed" }>;
