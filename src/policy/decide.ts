// In:    a policy, a request head, an arrival.
// Out:   Decision: accepted and for which vhost, or refused and why.
// Never: performs anything, reads a clock, keeps what it saw, or makes a sentence.

import type { Arrival, Forwarding } from "../arrival/arrival.js";
import { UnreadableForwarding } from "../arrival/trust.js";
import { type Authority, isSameName } from "../head/authority.js";
import type { RequestHead } from "../head/request-head.js";
import {
  type Acceptance,
  type AuthoritySource,
  type Decision,
  isSoft,
  POLICY,
  RETRY_AFTER,
  type Refusal,
  type RefusalCode,
  type Ruling,
  refusalStatusCodes,
  type Served,
} from "./decision.js";
import { handshakeFault, WEBSOCKET_VERSION } from "./opening-handshake.js";
import type { Policy } from "./policy-rules.js";
import { portFits, reachable } from "./ports.js";
import { normalScheme, type Origin } from "./serialized-origin.js";
import type { Sharing } from "./site.js";
import { NO_LISTEN, type Vhost } from "./vhost.js";

/**
 * Rules on one request. Pure: the same head, arrival and policy give the same decision. The order of refusals is
 * promised: two Origins, what a trusted hop states and cannot be read (400); server name, name, scheme, port (421); origin, site (403); path
 * (404); method (405), version (426), handshake (400).
 * An arrival without local port matches no vhost whose port is `"local"`.
 */
export function decide<Claim>(policy: Policy<Claim>, head: RequestHead, arrival: Arrival): Decision<Claim> {
  if (arrival?.scheme !== "http" && arrival?.scheme !== "https") {
    throw new TypeError('an arrival has a scheme: decide(policy, head, { scheme: "https" })');
  }
  const decision = enforce(policy, head, arrival);
  return policy.mode === "report" && decision.kind === "refused" ? reportInstead(policy, decision) : decision;
}

/**
 * The acceptance in place of a soft refusal: by the vhost itself where the origin was wrong, else by the default vhost, or
 * by a guarded server. The refusal itself where none takes the request, or it is wrong in another way as well; plaintext
 * reaches no vhost that requires https.
 */
function reportInstead<Claim>(policy: Policy<Claim>, refusal: Refusal<Claim>): Decision<Claim> {
  if (!isSoft(refusal)) return refusal;
  const vhost =
    refusal.statusCode === 403 ? refusal.vhost : (policy.index.find(null)[0] ?? fallbackFor(policy, refusal));
  if (!vhost || vhost.port === NO_LISTEN) return refusal;
  if (vhost.requires === "https" && refusal.arrival.scheme !== "https") return refusal;
  const decision = takeUp(policy, servedBy(vhost, refusal));
  return decision.kind === "accepted" ? adding(decision, { reported: refusal }) : refusal;
}

function fallbackFor<Claim>(policy: Policy<Claim>, refusal: Refusal<Claim>): Vhost<Claim> | null {
  return refusal.code === "SCHEME_REQUIRED" ? null : policy.fallback;
}

function enforce<Claim>(policy: Policy<Claim>, head: RequestHead, arrival: Arrival): Decision<Claim> {
  const forwarded = policy.trust === null ? arrival : policy.trust.arrivalOf(head, arrival);
  const isReadable = !(forwarded instanceof UnreadableForwarding);
  const ruling = beginRuling(head, isReadable ? forwarded : arrival);
  const origins = head.fieldValues("origin");
  if (origins.length > 1) return refuse(policy, ruling, "ORIGIN_REPEATED");
  if (!isReadable) return adding(refuse(policy, ruling, "FORWARDED_UNREADABLE"), { unreadable: forwarded });
  if (isMisdirected(policy, ruling)) return refuse(policy, ruling, "SERVER_NAME_MISMATCH");
  const vhost = chooseVhost(policy, ruling);
  if ("kind" in vhost) return vhost;
  const served = servedBy(vhost, ruling);
  const verdict = policy.index.siteOf(vhost).rule(origins[0], served, policy.mayDeclare);
  if (verdict === "passes") return takeUp(policy, served);
  if (verdict === "presumes TLS") return presuming(takeUp(policy, served));
  const { code, origin, clause, relation } = verdict;
  const refusal = refuse(policy, served, code, origin);
  return clause === undefined || relation === undefined ? refusal : adding(refusal, { clause, relation });
}

function presuming<Claim>(decision: Decision<Claim>): Decision<Claim> {
  return decision.kind === "accepted" ? adding(decision, { presumesTls: true }) : decision;
}

/**
 * A decision that was just made, with more facts. A copy of it would have a hidden class of its own in V8: 370 octets more for as
 * long as the decision is kept, and slow to make.
 */
function adding<Made extends object>(made: Made, facts: Partial<Made>): Made {
  return Object.assign(made, facts);
}

/** What the ruling on an accepted request can be shared by: later requests of its connection for the same authority. */
export function sharingOf<Claim>(policy: Policy<Claim>, accepted: Acceptance<Claim>): Sharing {
  const { head, vhost } = accepted;
  return policy.index.siteOf(vhost).sharing(head.method, head.fieldValues("origin")[0], accepted);
}

/** The decision of a vhost on a request that is for it: path, then method, version and the rest of the opening handshake. */
function takeUp<Claim>(policy: Policy<Claim>, served: Served<Claim>): Decision<Claim> {
  const { head, vhost } = served;
  if (!served.upgrade) {
    // RFC 9220 §3, which states it for HTTP/2 as well.
    if (head.protocol !== null) return refuse(policy, served, "PROTOCOL_UNKNOWN");
    // No client sends PRI (RFC 7540 §11.6), and llhttp may wait for the rest of a connection preface of HTTP/2 after it.
    const hasResource = head.targetForm !== "authority-form" && head.method !== "PRI";
    return hasResource ? accept(served, undefined, undefined) : refuse(policy, served, "METHOD_NOT_ALLOWED");
  }
  const claimed = policy.index.claimsOf(vhost).find(head.path);
  if (claimed === null) return refuse(policy, served, "PATH_UNCLAIMED");
  const fault = handshakeFault(head);
  return fault === null ? accept(served, claimed.claim, claimed.pattern) : refuse(policy, served, fault);
}

/** The refusal of an accepted request where nothing serves requests. */
export function requireUpgrade<Claim>(accepted: Acceptance<Claim>): Refusal<Claim> {
  return refuse(undefined, accepted, "UPGRADE_REQUIRED");
}

/** The refusal of an upgrade that a vhost leaves to other listeners, where there are none. */
export function requireListener<Claim>(accepted: Acceptance<Claim>): Refusal<Claim> {
  return adding(refuse(undefined, accepted, "PATH_UNCLAIMED"), { pattern: accepted.pattern });
}

/** The refusal of an upgrade that comes while the gate is draining. */
export function refuseDraining<Claim>(accepted: Acceptance<Claim>): Refusal<Claim> {
  return { ...refuse(undefined, accepted, "DRAINING"), fields: { "Retry-After": RETRY_AFTER } };
}

/** The refusal of an upgrade that the application does not authorize, by the status code and fields that it chose. */
export function refuseUnauthorized<Claim>(
  accepted: Acceptance<Claim>,
  statusCode: number,
  fields: Readonly<Record<string, string>>,
): Refusal<Claim> {
  return adding(refuse(undefined, accepted, "NOT_AUTHORIZED"), { statusCode, fields });
}

/** The refusal of an upgrade that the application took too long to authorize. */
export function refuseUnanswered<Claim>(accepted: Acceptance<Claim>, milliseconds: number): Refusal<Claim> {
  return adding(refuse(undefined, accepted, "AUTHORIZE_TIMEOUT"), { timeout: milliseconds });
}

/** The authority that a request is for: Forwarded's host, else the authority of the request-target, else Host or `:authority`. */
function beginRuling(head: RequestHead, arrival: Arrival): Ruling<never> {
  const { forwarding } = arrival;
  const authority = forwarding?.authority ?? head.authority;
  return {
    head,
    arrival,
    upgrade: head.asksForWebSocket,
    authority,
    authoritySource: sourceOf(head, forwarding),
    port: authority && (authority.port ?? forwarding?.port ?? authority.effectivePort(arrival.scheme)),
    vhost: null,
  };
}

function sourceOf(head: RequestHead, forwarding: Forwarding | undefined): AuthoritySource {
  if (forwarding?.authority) return forwarding.field === "Forwarded" ? "Forwarded" : "X-Forwarded-Host";
  return head.authorityField;
}

/**
 * True for a request for another host than the one that its connection was opened for by TLS (RFC 6066 §3, RFC 9110 §7.4):
 * certificates, and what is asked of a client's, are chosen by that name. Where a trusted hop has forwarded the request, the
 * connection is the hop's, and its arrival has no server name.
 */
function isMisdirected<Claim>({ secured }: Policy<Claim>, { arrival, authority }: Ruling<Claim>): boolean {
  const { serverName } = arrival;
  if (serverName === undefined || authority === null) return false;
  if (serverName !== null) return !isSameName(serverName, authority);
  // The terms of a name, a client's certificate for instance, are not to be avoided by naming none.
  return secured?.find(authority) !== undefined && arrival.schemeSource === "tls";
}

/** Name, then scheme, then port. */
function chooseVhost<Claim>(policy: Policy<Claim>, ruling: Ruling<Claim>): Vhost<Claim> | Refusal<Claim> {
  const { head, arrival, authority } = ruling;
  const named = authority === null ? policy.index.findWithoutHost(head) : policy.index.find(authority);
  const [first] = named;
  if (first === undefined) return refuse(policy, ruling, unknownName(authority));
  const known = servedBy(first, ruling);
  if (first.port === NO_LISTEN) return refuse(policy, known, "NAME_NOT_SERVED");
  const { scheme } = head;
  if (scheme !== null && !isSchemeOf(arrival, head, normalScheme(scheme))) {
    return refuse(policy, known, "SCHEME_MISMATCH");
  }
  const reached = reachable(named, arrival);
  if (reached.length === 0) return refuse(policy, known, "SCHEME_REQUIRED");
  return reached.find((vhost) => portFits(vhost, ruling.port, arrival)) ?? refuse(policy, known, "PORT_MISMATCH");
}

function unknownName(authority: Authority | null): RefusalCode {
  if (authority === null) return "AUTHORITY_ABSENT";
  const { uriHost } = authority;
  return uriHost === "0.0.0.0" || uriHost === "[::]" ? "NAME_UNSPECIFIED" : "NAME_UNKNOWN";
}

/**
 * A proxy that terminates TLS states in `:scheme` how it came itself, which may be http though its client came by https; a client
 * states how it came, and no client comes by https to a connection that is known to be http.
 */
function isSchemeOf(arrival: Arrival, head: RequestHead, scheme: string): boolean {
  if (scheme === arrival.scheme) return true;
  return head.httpVersion === "2.0" && scheme === "http" && arrival.schemeSource !== "tls";
}

/** A ruling, and the vhost that it found. Member by member: objects that are spread cost several times as much. */
function servedBy<Claim>(vhost: Vhost<Claim>, ruling: Ruling<Claim>): Served<Claim> {
  const { head, arrival, upgrade, authority, authoritySource, port } = ruling;
  return { head, arrival, upgrade, authority, authoritySource, port, vhost };
}

function accept<Claim>(
  served: Served<Claim>,
  claim: Claim | undefined,
  pattern: string | undefined,
): Acceptance<Claim> {
  const { head, arrival, upgrade, authority, authoritySource, port, vhost } = served;
  return { kind: "accepted", claim, pattern, head, arrival, upgrade, authority, authoritySource, port, vhost };
}

/**
 * What HTTP/2 has in place of 426, whose Upgrade (RFC 9110 §15.5.22) it forbids (RFC 9113 §8.2.2): which version there is
 * (RFC 6455 §4.4), and that extended CONNECT is the way (RFC 8441).
 */
const overHttp2: Partial<Record<RefusalCode, Pick<Refusal, "statusCode" | "fields">>> = {
  WEBSOCKET_VERSION: { statusCode: 400, fields: { "Sec-WebSocket-Version": WEBSOCKET_VERSION } },
  UPGRADE_REQUIRED: { statusCode: 405, fields: { Allow: "CONNECT" } },
};

/** The refusal of a request, by what is known about it so far; `origin` is of a foreign one. */
function refuse<Claim>(
  policy: Policy<Claim> | undefined,
  ruling: Ruling<Claim>,
  code: RefusalCode,
  origin: Origin | null = null,
): Refusal<Claim> {
  const { head, arrival, upgrade, authority, authoritySource, port, vhost } = ruling;
  const statusCode = refusalStatusCodes[code];
  const refusal: Refusal<Claim> = {
    kind: "refused",
    code,
    statusCode,
    head,
    arrival,
    upgrade,
    authority,
    authoritySource,
    port,
    vhost,
    origin,
    [POLICY]: policy,
  };
  return head.httpVersion === "2.0" ? adding(refusal, overHttp2[code] ?? {}) : refusal;
}
