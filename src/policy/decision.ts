// In:    nothing.
// Out:   the shapes of a Decision, and the codes of refusals.
// Never: makes one.

import type { Arrival } from "../arrival/arrival.js";
import type { Authority } from "../head/authority.js";
import type { AuthorityField, RequestHead } from "../head/request-head.js";
import type { HandshakeFault } from "./opening-handshake.js";
import type { OriginFault } from "./origin.js";
import type { Vhost } from "./vhost.js";

/** Where a request's authority came from. */
export type AuthoritySource = "Forwarded" | "X-Forwarded-Host" | AuthorityField;

/** Stable codes of refusals, in the promised order; docs/errors.md lists them. */
export type RefusalCode =
  | "ORIGIN_REPEATED"
  | "FORWARDED_UNREADABLE"
  | "SERVER_NAME_MISMATCH"
  | "AUTHORITY_ABSENT"
  | "NAME_UNSPECIFIED"
  | "NAME_UNKNOWN"
  | "NAME_NOT_SERVED"
  | "SCHEME_MISMATCH"
  | "SCHEME_REQUIRED"
  | "PORT_MISMATCH"
  | OriginFault["code"]
  | "PATH_UNCLAIMED"
  | "PROTOCOL_UNKNOWN"
  | HandshakeFault["code"]
  | "NOT_AUTHORIZED"
  | "AUTHORIZE_TIMEOUT"
  | "UPGRADE_REQUIRED";

export interface Ruling<Claim> {
  readonly head: RequestHead;
  /** Of the request: refined by what trusted hops say of it. */
  readonly arrival: Arrival;
  /** True where the request asks for a WebSocket. */
  readonly upgrade: boolean;
  readonly authority: Authority | null;
  readonly authoritySource: AuthoritySource;
  /**
   * The authority's effective port: its own, else that of X-Forwarded-Port, else the default of the arrival's scheme; null
   * without authority.
   */
  readonly port: number | null;
  /** The vhost that the name meant, as far as it was found. */
  readonly vhost: Vhost<Claim> | null;
}

export interface Served<Claim> extends Ruling<Claim> {
  readonly vhost: Vhost<Claim>;
}

export interface Acceptance<Claim = unknown> extends Served<Claim> {
  readonly kind: "accepted";
  /** For an upgrade: who takes it, and the path pattern that said so. */
  readonly claim: Claim | undefined;
  readonly pattern: string | undefined;
  /** In report mode: the refusal that enforce mode would have given. */
  readonly reported?: Refusal<Claim>;
}

export interface Refusal<Claim = unknown> extends Ruling<Claim> {
  readonly kind: "refused";
  readonly code: RefusalCode;
  readonly statusCode: number;
  /** What came, what would have been right, and the configuration that would accept what came ("" where none can): all `printable`. */
  readonly seen: string;
  readonly wanted: string;
  readonly remedy: string;
  /** Of the response, where `authorize` asks for more: `WWW-Authenticate` and the like. */
  readonly fields?: Readonly<Record<string, string>>;
}

export type Decision<Claim = unknown> = Acceptance<Claim> | Refusal<Claim>;

/** True for refusals that report mode only reports, where somebody can take the request: 421, and 403 for its origin. */
export function isSoft({ code }: Refusal): boolean {
  return softCodes.has(code);
}

const softCodes: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  "SERVER_NAME_MISMATCH",
  "AUTHORITY_ABSENT",
  "NAME_UNSPECIFIED",
  "NAME_UNKNOWN",
  "NAME_NOT_SERVED",
  "SCHEME_MISMATCH",
  "SCHEME_REQUIRED",
  "PORT_MISMATCH",
  "ORIGIN_ABSENT",
  "ORIGIN_NULL",
  "ORIGIN_INVALID",
  "ORIGIN_FOREIGN",
]);
