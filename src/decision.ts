// In:    a policy, a request head, an arrival.
// Out:   Decision: accepted and for whom, or refused and why.
// Never: performs anything, reads a clock, or keeps what it saw.

import { type Arrival, checkScheme } from "./arrival.js";
import type { Authority, Scheme } from "./authority.js";
import type { RequestHead } from "./head.js";
import { type HandshakeFault, handshakeFault } from "./opening-handshake.js";
import { checkSettings } from "./settings.js";
import { claimOf, NO_LISTEN, NO_LISTEN_SERVER, numbersOf, PLAIN_NAME, type Vhost, VhostIndex } from "./vhost.js";

export interface PolicyRules<Claim = unknown> {
  /**
   * The scheme that clients use, where TLS ends in front of this process; otherwise it follows the socket. A gate's
   * arrivals have it; `decide` takes the scheme of the arrival that it is given.
   */
  scheme?: Scheme;
  vhosts: readonly Vhost<Claim>[];
}

/** Rules that were checked once. */
export interface Policy<Claim = unknown> {
  readonly scheme: Scheme | undefined;
  readonly vhosts: readonly Vhost<Claim>[];
  /** @internal */
  readonly index: VhostIndex<Claim>;
}

/** Where a request's authority came from. */
export type AuthoritySource = "Host" | "absolute-form" | "authority-form" | "nothing";

/** Stable codes of refusals, in the promised order; docs/errors.md lists them. */
export type RefusalCode =
  | "AUTHORITY_ABSENT"
  | "NAME_UNKNOWN"
  | "NAME_NOT_SERVED"
  | "SCHEME_MISMATCH"
  | "SCHEME_REQUIRED"
  | "PORT_MISMATCH"
  | "PATH_UNCLAIMED"
  | HandshakeFault["code"]
  | "NOT_AUTHORIZED"
  | "AUTHORIZE_TIMEOUT"
  | "UPGRADE_REQUIRED";

interface Ruling<Claim> {
  readonly head: RequestHead;
  readonly arrival: Arrival;
  /** True where the request asks for a WebSocket. */
  readonly upgrade: boolean;
  readonly authority: Authority | null;
  readonly authoritySource: AuthoritySource;
  /** The authority's effective port: its own, else the default of the arrival's scheme; null without authority. */
  readonly port: number | null;
  /** The vhost that the name meant, as far as it was found. */
  readonly vhost: Vhost<Claim> | null;
}

export interface Acceptance<Claim = unknown> extends Ruling<Claim> {
  readonly kind: "accepted";
  readonly vhost: Vhost<Claim>;
  /** For an upgrade: who takes it, and the path pattern that said so. */
  readonly claim: Claim | undefined;
  readonly pattern: string | undefined;
}

export interface Refusal<Claim = unknown> extends Ruling<Claim> {
  readonly kind: "refused";
  readonly code: RefusalCode;
  readonly statusCode: number;
  /** What came, what would have been right, and the configuration that would accept what came ("" where none can). */
  readonly seen: string;
  readonly wanted: string;
  readonly remedy: string;
  /** Of the response, where `authorize` asks for more: `WWW-Authenticate` and the like. */
  readonly fields?: Readonly<Record<string, string>>;
}

export type Decision<Claim = unknown> = Acceptance<Claim> | Refusal<Claim>;

/** Names of vhosts that a refusal lists. */
const SHOWN = 10;

/** Checks rules once. Throws `TypeError` with the path, the value and the fix. */
export function definePolicy<Claim = unknown>(rules: PolicyRules<Claim>): Policy<Claim> {
  checkSettings(rules, ["scheme", "vhosts"], "a policy");
  checkScheme("scheme", rules.scheme);
  const index = new VhostIndex(rules.vhosts);
  return Object.freeze({ scheme: rules.scheme, vhosts: Object.freeze([...rules.vhosts]), index });
}

/**
 * Rules on one request. Pure: the same head, arrival and policy give the same decision. The order of refusals is
 * promised: name, scheme, port (421); path (404); method (405), version (426), handshake (400).
 *
 * Throws `TypeError` where the policy compares with a local port and the arrival has none.
 */
export function decide<Claim>(policy: Policy<Claim>, head: RequestHead, arrival: Arrival): Decision<Claim> {
  if (arrival?.scheme !== "http" && arrival?.scheme !== "https") {
    throw new TypeError('an arrival has a scheme: decide(policy, head, { scheme: "https" })');
  }
  const { authority } = head;
  const ruling = {
    head,
    arrival,
    upgrade: head.asksForWebSocket,
    authority,
    authoritySource: sourceOf(head),
    port: authority === null ? null : authority.effectivePort(arrival.scheme),
    vhost: null,
  };
  const vhost = chooseVhost(policy, ruling);
  if ("kind" in vhost) return vhost;
  const served = { ...ruling, vhost };
  if (!ruling.upgrade) {
    if (head.targetForm === "authority-form") {
      return refuse(served, "METHOD_NOT_ALLOWED", 405, "method CONNECT", "a method for resources", "");
    }
    return { kind: "accepted", ...served, claim: undefined, pattern: undefined };
  }

  const claim = claimOf(vhost, head.path);
  if (claim === null) {
    const claimed = Object.keys(vhost.upgrades ?? {}).join(", ") || "no path";
    const remedy = `upgrades: { ${JSON.stringify(head.path)}: framer } in vhost ${vhost.name}`;
    return refuse(served, "PATH_UNCLAIMED", 404, `path ${head.path}`, claimed, remedy);
  }
  const fault = handshakeFault(head);
  if (fault !== null) return refuse(served, fault.code, fault.statusCode, fault.seen, fault.wanted, "");
  return { kind: "accepted", ...served, ...claim };
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

function sourceOf(head: RequestHead): AuthoritySource {
  if (head.targetForm === "absolute-form" || head.targetForm === "authority-form") return head.targetForm;
  return head.host === null ? "nothing" : "Host";
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
    const names = policy.vhosts.slice(0, SHOWN).map((vhost) => vhost.name);
    if (policy.vhosts.length > SHOWN) names.push(`and ${policy.vhosts.length - SHOWN} more`);
    // A name that could not be copied into a configuration is not offered for one.
    const isPlain = authority.kind !== "reg-name" || PLAIN_NAME.test(authority.uriHost);
    const remedy = isPlain ? `a vhost with name: ${JSON.stringify(authority.uriHost)}` : "";
    return refuse(ruling, "NAME_UNKNOWN", 421, `host ${authority.uriHost}`, names.join(", "), remedy);
  }
  const known = { ...ruling, vhost: first };
  if (first.port === NO_LISTEN) {
    const remedy = `another port than NO_LISTEN in vhost ${first.name}`;
    return refuse(known, "NAME_NOT_SERVED", 421, `host ${first.name}`, "a vhost that is served", remedy);
  }
  const { scheme } = head;
  if (scheme !== null && normalScheme(scheme) !== arrival.scheme) {
    return refuse(known, "SCHEME_MISMATCH", 421, `scheme ${scheme} of the absolute-form`, arrival.scheme, "");
  }
  const reachable = named.filter((vhost) => vhost.requires !== "https" || arrival.scheme === "https");
  if (reachable.length === 0) {
    const remedy = `scheme: "https", if TLS ends in front of this process; or no requires in vhost ${first.name}`;
    return refuse(known, "SCHEME_REQUIRED", 421, `scheme ${arrival.scheme}`, "https", remedy);
  }
  const fitting = reachable.find((vhost) => portFits(vhost, ruling.port, arrival));
  if (fitting !== undefined) return fitting;
  const ports = reachable.flatMap((vhost) => wantedPorts(vhost, arrival));
  const wanted = `vhost port ${[...new Set(ports)].join(", ")}`;
  // Of several vhosts of that name, the first could take the port as well.
  const remedy = `port: ${JSON.stringify([...wantedPorts(reachable[0]!, arrival), ruling.port])} in vhost ${first.name}`;
  return refuse(known, "PORT_MISMATCH", 421, `host port ${ruling.port}`, wanted, remedy);
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
  if (arrival.localPort === undefined) {
    throw new TypeError(
      `vhost ${vhost.name} has port "local", the port that a server listens on, and this arrival has no local port; ` +
        "declare the public port, NO_LISTEN_SERVER or any",
    );
  }
  return [arrival.localPort];
}

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
    seen,
    wanted,
    remedy,
    head,
    arrival,
    upgrade,
    authority,
    authoritySource,
    port,
    vhost,
  };
}
