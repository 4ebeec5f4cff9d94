// In:    a policy, a request head, an arrival.
// Out:   Decision: accepted and for whom, or refused and why.
// Never: performs anything, reads a clock, or keeps what it saw.

import type { Arrival, Forwarding } from "../arrival/arrival.js";
import { Unreadable } from "../arrival/forwarded.js";
import type { RequestHead } from "../head/request-head.js";
import {
  type Acceptance,
  type AuthoritySource,
  type Decision,
  isSoft,
  type Refusal,
  type RefusalCode,
  type Ruling,
  type Served,
} from "./decision.js";
import { isPlainName, isSameName, nameKey } from "./host-pattern.js";
import { handshakeFault, WEBSOCKET_VERSION } from "./opening-handshake.js";
import type { Policy } from "./policy-rules.js";
import { listed, printable } from "./shown.js";
import { NO_LISTEN, NO_LISTEN_SERVER, numbersOf, type Vhost } from "./vhost.js";

/**
 * Rules on one request. Pure: the same head, arrival and policy give the same decision. The order of refusals is
 * promised: two Origins, what a trusted hop says and cannot be read (400); server name, name, scheme, port (421); origin (403); path
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
  return decision.kind === "accepted" ? { ...decision, reported: refusal } : refusal;
}

function fallbackFor<Claim>(policy: Policy<Claim>, refusal: Refusal<Claim>): Vhost<Claim> | null {
  return refusal.code === "SCHEME_REQUIRED" ? null : policy.fallback;
}

function enforce<Claim>(policy: Policy<Claim>, head: RequestHead, arrival: Arrival): Decision<Claim> {
  const said = policy.trust === null ? arrival : policy.trust.arrivalOf(head, arrival);
  const ruling = beginRuling(head, said instanceof Unreadable ? arrival : said);
  const origins = head.fieldValues("origin");
  if (origins.length > 1) return refuse(ruling, "ORIGIN_REPEATED", 400, `${origins.length} Origin lines`, "one", "");
  if (said instanceof Unreadable) return refuse(ruling, "FORWARDED_UNREADABLE", 400, said.what, "what can be read", "");
  const vhost = misdirected(policy, ruling) ?? chooseVhost(policy, ruling);
  if ("kind" in vhost) return vhost;
  const served = servedBy(vhost, ruling);
  const foreign = policy.index.originsOf(vhost).faultOf(origins[0], served, policy.mayDeclare);
  if (foreign !== null) {
    return refuse(served, foreign.code, foreign.statusCode, foreign.seen, foreign.wanted, foreign.remedy);
  }
  return takeUp(policy, served);
}

/** What a vhost says to a request that is for it: path, then method, version and the rest of the opening handshake. */
function takeUp<Claim>(policy: Policy<Claim>, served: Served<Claim>): Decision<Claim> {
  const { head, vhost } = served;
  if (!served.upgrade) {
    if (head.protocol !== null) {
      // RFC 9220 §3, which says it for HTTP/2 as well.
      return refuse(served, "PROTOCOL_UNKNOWN", 501, `:protocol ${head.protocol}`, "websocket", "");
    }
    // No client sends PRI (RFC 7540 §11.6), and llhttp may wait for the rest of a connection preface of HTTP/2 behind it.
    if (head.targetForm === "authority-form" || head.method === "PRI") {
      return refuse(served, "METHOD_NOT_ALLOWED", 405, `method ${head.method}`, "a method for resources", "");
    }
    return accept(served, undefined, undefined);
  }

  const { path } = head;
  const claims = policy.index.claimsOf(vhost);
  const claimed = claims.find(path);
  if (claimed === null) {
    const wanted = listed(claims.patterns) || "no path";
    const remedy = `upgrades: { ${JSON.stringify(path)}: framer } in vhost ${vhost.name}`;
    return refuse(served, "PATH_UNCLAIMED", 404, `path ${path}`, wanted, remedy);
  }
  const fault = handshakeFault(head);
  if (fault !== null) return refuse(served, fault.code, fault.statusCode, fault.seen, fault.wanted, "");
  return accept(served, claimed.claim, claimed.pattern);
}

/** The refusal of an accepted request where nothing serves requests. */
export function requireUpgrade<Claim>(accepted: Acceptance<Claim>): Refusal<Claim> {
  const { method } = accepted.head;
  return refuse(accepted, "UPGRADE_REQUIRED", 426, `${method} ${accepted.head.path}`, "an upgrade", "requests: server");
}

/** The refusal of an upgrade that a vhost leaves to other listeners, where there are none. */
export function requireListener<Claim>(accepted: Acceptance<Claim>): Refusal<Claim> {
  const { path } = accepted.head;
  const wanted = "a listener of 'upgrade', as LEAVE says that there is one";
  const remedy = `upgrades: { ${JSON.stringify(accepted.pattern)}: framer } in vhost ${accepted.vhost.name}`;
  return refuse(accepted, "PATH_UNCLAIMED", 404, `path ${path}`, wanted, remedy);
}

/** The refusal of an upgrade that the application does not authorize, by the status code and fields that it chose. */
export function refuseUnauthorized<Claim>(
  accepted: Acceptance<Claim>,
  statusCode: number,
  fields: Readonly<Record<string, string>>,
): Refusal<Claim> {
  const seen = `upgrade of ${accepted.head.path}`;
  const refusal = refuse(accepted, "NOT_AUTHORIZED", 403, seen, "what authorize lets pass", "");
  return { ...refusal, statusCode, fields };
}

/** The refusal of an upgrade that the application took too long to authorize. */
export function refuseUnanswered<Claim>(accepted: Acceptance<Claim>, milliseconds: number): Refusal<Claim> {
  const seen = `no answer in ${milliseconds} ms`;
  const remedy = `limits: { authorizeTimeout: ... } above ${milliseconds}`;
  return refuse(accepted, "AUTHORIZE_TIMEOUT", 503, seen, "an answer of authorize", remedy);
}

/** Whom a request is for: Forwarded's host, else the authority of the request-target, else Host or `:authority`. */
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
 * The refusal of a request for another host than the one that its connection was opened for by TLS (RFC 6066 §3, RFC 9110
 * §7.4): certificates, and what is asked of a client's, are chosen by that name. Where a trusted hop has forwarded the request,
 * the connection is the hop's, and its arrival has no server name.
 */
function misdirected<Claim>({ secured }: Policy<Claim>, ruling: Ruling<Claim>): Refusal<Claim> | null {
  const { arrival, authority } = ruling;
  const { serverName } = arrival;
  if (serverName === undefined || authority === null) return null;
  if (serverName === null) {
    // The terms of a name, a client's certificate for instance, are not to be avoided by naming none.
    if (secured?.find(authority) === undefined || arrival.schemeSource !== "tls") return null;
    return refuse(ruling, "SERVER_NAME_MISMATCH", 421, `host ${authority.uriHost}`, "TLS without a server name", "");
  }
  if (isSameName(serverName, authority)) return null;
  const { schemeSource, proxy, unix, remoteAddress } = arrival;
  const source = schemeSource === "tls" ? "of TLS" : proxy === undefined ? "given" : "by PROXY";
  const wanted = `server name ${printable(serverName)} ${source}`;
  const peer = source === "of TLS" && proxy === undefined ? (unix ? "unix" : remoteAddress) : undefined;
  const trust = `trust: { from: [${JSON.stringify(peer)}], forwarded: "rfc7239" }`;
  const remedy = peer === undefined ? "" : `${trust}, if a proxy speaks TLS for its clients`;
  return refuse(ruling, "SERVER_NAME_MISMATCH", 421, `host ${authority.uriHost}`, wanted, remedy);
}

/** Name, then scheme, then port. */
function chooseVhost<Claim>(policy: Policy<Claim>, ruling: Ruling<Claim>): Vhost<Claim> | Refusal<Claim> {
  const { head, arrival, authority } = ruling;
  const named = policy.index.find(authority);
  const [first] = named;
  if (first === undefined) {
    if (authority === null) {
      return refuse(ruling, "AUTHORITY_ABSENT", 421, "no Host", "a Host", "default: true in a vhost");
    }
    const names = listed(policy.vhosts, (vhost) => vhost.name);
    // A name that could not be copied into a configuration is not offered for one.
    const isPlain = authority.kind !== "reg-name" || isPlainName(authority);
    const remedy = isPlain ? `a vhost with name: ${JSON.stringify(nameKey(authority))}` : "";
    if (authority.uriHost === "0.0.0.0" || authority.uriHost === "[::]") {
      return refuse(ruling, "NAME_UNSPECIFIED", 421, `host ${authority.uriHost}`, names, remedy);
    }
    return refuse(ruling, "NAME_UNKNOWN", 421, `host ${authority.uriHost}`, names, remedy);
  }
  const known = servedBy(first, ruling);
  if (first.port === NO_LISTEN) {
    const remedy = `another port than NO_LISTEN in vhost ${first.name}`;
    return refuse(known, "NAME_NOT_SERVED", 421, `host ${first.name}`, "a vhost that is served", remedy);
  }
  const { scheme } = head;
  if (scheme !== null && !isSchemeOf(arrival, head, normalScheme(scheme))) {
    const seen = head.httpVersion === "2.0" ? `:scheme ${scheme}` : `scheme ${scheme} of the absolute-form`;
    return refuse(known, "SCHEME_MISMATCH", 421, seen, arrival.scheme, "");
  }
  const reachable = named.filter((vhost) => vhost.requires !== "https" || arrival.scheme === "https");
  if (reachable.length === 0) {
    // What is declared counts where nobody says more.
    const isOpen = policy.mayDeclare && arrival.schemeSource === "default";
    const declared = isOpen ? 'scheme: "https", if TLS ends in front of this process; or ' : "";
    const remedy = `${declared}no requires in vhost ${first.name}`;
    return refuse(known, "SCHEME_REQUIRED", 421, `scheme ${arrival.scheme}`, "https", remedy);
  }
  const fitting = reachable.find((vhost) => portFits(vhost, ruling.port, arrival));
  if (fitting !== undefined) return fitting;
  const ports = reachable.flatMap((vhost) => wantedPorts(vhost, arrival));
  const wanted = `vhost port ${ports.length > 0 ? listed([...new Set(ports)]) : "local, which is not known"}`;
  // Of several vhosts of that name, the first could take the port as well.
  const remedy = `port: ${JSON.stringify([...wantedPorts(reachable[0]!, arrival), ruling.port])} in vhost ${first.name}`;
  return refuse(known, "PORT_MISMATCH", 421, `host port ${ruling.port}`, wanted, remedy);
}

/**
 * A proxy that ends TLS says in `:scheme` how it came itself, which may be http though its client came by https; a client says
 * how it came, and nobody comes by https to a connection that is known to be http.
 */
function isSchemeOf(arrival: Arrival, head: RequestHead, scheme: string): boolean {
  if (scheme === arrival.scheme) return true;
  return head.httpVersion === "2.0" && scheme === "http" && arrival.schemeSource !== "tls";
}

/** ws is http, wss is https (RFC 6455 §3). */
function normalScheme(scheme: string): string {
  return scheme === "ws" ? "http" : scheme === "wss" ? "https" : scheme;
}

function portFits(vhost: Vhost, port: number | null, arrival: Arrival): boolean {
  // Without authority there is nothing to compare; only a default vhost is reached this way.
  if (port === null || vhost.port === undefined) return true;
  if (vhost.port === "any" || vhost.port === NO_LISTEN_SERVER) return true;
  return wantedPorts(vhost, arrival).includes(port);
}

function wantedPorts(vhost: Vhost, arrival: Arrival): readonly number[] {
  if (vhost.port !== "local") return numbersOf(vhost.port) ?? [];
  return arrival.localPort === undefined ? [] : [arrival.localPort];
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
 * What HTTP/2 says in place of 426, whose Upgrade (RFC 9110 §15.5.22) it forbids (RFC 9113 §8.2.2): which version there is
 * (RFC 6455 §4.4), and that extended CONNECT is the way (RFC 8441).
 */
const overHttp2: Partial<Record<RefusalCode, Pick<Refusal, "statusCode" | "fields">>> = {
  WEBSOCKET_VERSION: { statusCode: 400, fields: { "Sec-WebSocket-Version": WEBSOCKET_VERSION } },
  UPGRADE_REQUIRED: { statusCode: 405, fields: { Allow: "CONNECT" } },
};

/** A refusal of a request whose ruling stands so far. */
function refuse<Claim>(
  ruling: Ruling<Claim>,
  code: RefusalCode,
  statusCode: number,
  seen: string,
  wanted: string,
  remedy: string,
): Refusal<Claim> {
  const { head, arrival, upgrade, authority, authoritySource, port, vhost } = ruling;
  return {
    kind: "refused",
    code,
    statusCode,
    seen: printable(seen),
    wanted: printable(wanted),
    remedy: printable(remedy),
    head,
    arrival,
    upgrade,
    authority,
    authoritySource,
    port,
    vhost,
    ...(head.httpVersion === "2.0" && overHttp2[code]),
  };
}
