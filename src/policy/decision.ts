// In:    nothing.
// Out:   the shape of a Decision; the codes of refusals, their order and their status codes.
// Never: has a sentence; explain.ts makes those of the facts that a decision holds.

import type { Arrival } from "../arrival/arrival.js";
import type { UnreadableForwarding } from "../arrival/trust.js";
import type { Authority } from "../head/authority.js";
import type { AuthorityField, RequestHead } from "../head/request-head.js";
import type { Policy } from "./policy-rules.js";
import type { Origin } from "./serialized-origin.js";
import type { Relation, SiteClause } from "./site.js";
import type { Vhost } from "./vhost.js";

/** Where a request's authority came from. */
export type AuthoritySource = "Forwarded" | "X-Forwarded-Host" | AuthorityField;

/**
 * Every refusal with its status code, in the promised order; docs/errors.md lists them. Codes are stable. `authorize` may answer
 * another status code, and HTTP/2 has others for two of them.
 */
export const refusalStatusCodes = {
  ORIGIN_REPEATED: 400,
  FORWARDED_UNREADABLE: 400,
  SERVER_NAME_MISMATCH: 421,
  AUTHORITY_ABSENT: 421,
  NAME_UNSPECIFIED: 421,
  NAME_UNKNOWN: 421,
  NAME_NOT_SERVED: 421,
  SCHEME_MISMATCH: 421,
  SCHEME_REQUIRED: 421,
  PORT_MISMATCH: 421,
  ORIGIN_ABSENT: 403,
  ORIGIN_NULL: 403,
  ORIGIN_INVALID: 403,
  ORIGIN_FOREIGN: 403,
  SITE_FOREIGN: 403,
  PATH_UNCLAIMED: 404,
  PROTOCOL_UNKNOWN: 501,
  METHOD_NOT_ALLOWED: 405,
  WEBSOCKET_VERSION: 426,
  WEBSOCKET_KEY: 400,
  WEBSOCKET_PROTOCOL: 400,
  WEBSOCKET_BODY: 400,
  DRAINING: 503,
  NOT_AUTHORIZED: 403,
  AUTHORIZE_TIMEOUT: 503,
  UPGRADE_REQUIRED: 426,
} as const;

/** Of a gate that is draining (RFC 9110 §10.2.3): another process may already take what it refuses. In seconds. */
export const RETRY_AFTER = "1";

/** Stable; docs/errors.md lists them with what each means. @useDeclaredType */
export type RefusalCode = keyof typeof refusalStatusCodes;

/**
 * Where a refusal has the policy that it was made by: explanations compare with its rules. A symbol, since neither JSON nor a
 * comparison of decisions should walk through a configuration.
 * @internal
 */
export const POLICY: unique symbol = Symbol("policy");

export interface Ruling<Claim> {
  readonly head: RequestHead;
  /** Of the request: refined by what trusted hops state about it. */
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
  /** For an upgrade: the claim that takes it, and its path pattern. */
  readonly claim: Claim | undefined;
  readonly pattern: string | undefined;
  /**
   * True where it comes from a page of https that is the own one if TLS ends at a proxy: nothing states the scheme of clients. A gate
   * warns once.
   */
  readonly presumesTls?: true;
  /** In report mode: the refusal that enforce mode would have given. */
  readonly reported?: Refusal<Claim>;
}

export interface Refusal<Claim = unknown> extends Ruling<Claim> {
  readonly kind: "refused";
  readonly code: RefusalCode;
  readonly statusCode: number;
  /** Of FORWARDED_UNREADABLE. */
  readonly unreadable?: UnreadableForwarding;
  /** Of ORIGIN_FOREIGN: the Origin as it was read. Of SITE_FOREIGN: that of a foreign Referer. Otherwise null. */
  readonly origin: Origin | null;
  /** Of SITE_FOREIGN: the clause of the rule, and how the page is related to the own origin. */
  readonly clause?: SiteClause;
  readonly relation?: Relation;
  /** Of PATH_UNCLAIMED, where `upgrades` leaves the path to other listeners and there are none: its pattern. */
  readonly pattern?: string | undefined;
  /** Of AUTHORIZE_TIMEOUT: the milliseconds that `authorize` had. */
  readonly timeout?: number;
  /** Of the response, where `authorize` asks for more: `WWW-Authenticate` and the like. Of DRAINING: `Retry-After`. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Absent where the gate refused what its policy had accepted. @internal */
  readonly [POLICY]?: Policy<Claim> | undefined;
}

export type Decision<Claim = unknown> = Acceptance<Claim> | Refusal<Claim>;

/** True for refusals that report mode only reports, where a vhost can take the request: 421, and 403 for the page that it comes from. */
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
  "SITE_FOREIGN",
]);
