// In:    a Decision, or a Fault.
// Out:   the same as a sentence for a person, and a decision as plain data.
// Never: decides anything; every value it shows was decided on.

import type { Arrival, Proxying, SchemeSource } from "../arrival/arrival.js";
import type { ProxyEndpoint } from "../arrival/proxy/header.js";
import type { Scheme } from "../head/authority.js";
import type { Fault } from "../head/fault.js";
import { describe } from "../head/options.js";
import { type AuthoritySource, type Decision, isSoft, type Refusal, type RefusalCode } from "./decision.js";
import { wordsOf } from "./refusal-words.js";
import { remedyOf } from "./remedy.js";
import { printable } from "./shown.js";
import type { SiteClause } from "./site.js";

/**
 * One line for the log. Of a decision: what was seen, what was wanted, where it came from, and what may be done about it. Of a
 * fault: what is wrong, and where.
 *
 *     host port 8080 mismatches vhost port 443 (chat.example.com; port came from Host; scheme https declared); ...
 */
export function explain(what: Decision | Fault): string {
  checkExplicable(what, ["accepted", "refused"]);
  if ("offset" in what) return `${what.message} (${what.code} at octet ${what.offset}; ${what.source})`;
  return what.kind === "accepted" ? explainAcceptance(what) : explainRefusal(what);
}

/** Throws `TypeError` for what is neither a fault nor one of these kinds. @internal */
export function checkExplicable(what: unknown, kinds: readonly unknown[]): void {
  const { kind, offset, source } = ((what as unknown) ?? {}) as Partial<Record<"kind" | "offset" | "source", unknown>>;
  if (kinds.includes(kind) || (typeof offset === "number" && typeof source === "string")) return;
  throw new TypeError(
    `explain takes a decision, a fault, or of a gate how a connection ended; this is ${describe(what)}${kind === undefined ? "" : `, of kind ${describe(kind)}`}`,
  );
}

function explainRefusal(refusal: Refusal): string {
  const remedy = remedyOf(refusal);
  const line = `${wordsOf(refusal).verdict} (${context(refusal)}${disbelieved(refusal)})`;
  return printable(remedy === "" ? line : `${line}; ${remedy}`);
}

/**
 * Where a request's port came from: what named the authority, X-Forwarded-Port, or the scheme's default; `nothing` without
 * authority.
 */
export type PortSource = AuthoritySource | "X-Forwarded-Port" | "scheme";

/**
 * A decision as plain data, for `JSON.stringify`. What is not there is null. Text that a client or a proxy has sent is visible
 * ASCII, at most 1000 characters each, as `JSON.stringify` would leave DEL and all octets above it as they are.
 */
export interface Explanation {
  readonly kind: Decision["kind"];
  /** Of a refusal. */
  readonly code: RefusalCode | null;
  readonly statusCode: number | null;
  /** Of SITE_FOREIGN: the clause of the rule. */
  readonly clause: SiteClause | null;
  /** The line of `explain`. */
  readonly text: string;
  /** What came, what would have been right, and what may be done about it. */
  readonly seen: string | null;
  readonly wanted: string | null;
  readonly remedy: string | null;
  readonly method: string;
  readonly path: string;
  /** True where the request asks for a WebSocket. */
  readonly upgrade: boolean;
  /** The name of the vhost that serves, or that the name meant. */
  readonly vhost: string | null;
  /** The path pattern that claims an upgrade. */
  readonly pattern: string | null;
  readonly host: { readonly value: string | null; readonly source: AuthoritySource };
  readonly port: { readonly value: number | null; readonly source: PortSource };
  readonly scheme: { readonly value: Scheme; readonly source: SchemeSource };
  /** Field values. */
  readonly origin: readonly string[];
  readonly client: { readonly address: string | null; readonly port: number | null };
  /** Of a request that a trusted hop has forwarded: which element of which field was read, and the hop that wrote it. */
  readonly forwarding: { readonly field: string; readonly element: number; readonly hop: string } | null;
  /** Of a connection that began with a PROXY header: what the trusted hop stated. */
  readonly proxy: Proxying | null;
  /** Of the client's TLS, where anything is known about it: the server name and the protocol that were agreed on. */
  readonly tls: { readonly serverName: string | null; readonly alpnProtocol: string | null } | null;
  /** In report mode: the refusal that enforce mode would have given. */
  readonly reported: Explanation | null;
}

/** The decision of `explain` as plain data. */
export function explanation(decision: Decision): Explanation {
  const { kind, head, arrival, upgrade, authority, authoritySource, port, vhost } = decision;
  const refusal = kind === "refused" ? decision : null;
  const words = refusal === null ? null : wordsOf(refusal);
  const { forwarding } = arrival;
  return {
    kind,
    code: refusal?.code ?? null,
    statusCode: refusal?.statusCode ?? null,
    clause: refusal?.clause ?? null,
    text: explain(decision),
    seen: visible(words?.seen),
    wanted: visible(words?.wanted),
    remedy: visible(refusal === null ? null : remedyOf(refusal) || null),
    method: printable(head.method),
    path: printable(head.path),
    upgrade,
    vhost: vhost?.name ?? null,
    pattern: kind === "accepted" ? (decision.pattern ?? null) : null,
    host: { value: visible(authority?.uriHost), source: authoritySource },
    port: { value: port, source: portSource(decision) },
    scheme: { value: arrival.scheme, source: arrival.schemeSource ?? "given" },
    origin: head.fieldValues("origin").map(printable),
    client: { address: visible(arrival.remoteAddress), port: arrival.remotePort ?? null },
    forwarding: forwarding ? { field: forwarding.field, element: forwarding.element, hop: forwarding.hop } : null,
    proxy: arrival.proxy === undefined ? null : allVisible(arrival.proxy),
    tls: tlsOf(arrival),
    reported: kind === "accepted" && decision.reported !== undefined ? explanation(decision.reported) : null,
  };
}

function tlsOf({ serverName, alpnProtocol }: Arrival): Explanation["tls"] {
  if (serverName === undefined && alpnProtocol === undefined) return null;
  return { serverName: visible(serverName), alpnProtocol: visible(alpnProtocol) };
}

function visible(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : printable(text);
}

/** A copy whose texts are visible; members that are undefined are left out of it. */
function allVisible<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value), (_name, part) => (typeof part === "string" ? printable(part) : part));
}

function portSource({ arrival, authority, authoritySource }: Decision): PortSource {
  if (authority === null || authority.port !== null) return authoritySource;
  return arrival.forwarding?.port ? "X-Forwarded-Port" : "scheme";
}

function explainAcceptance(decision: Decision & { kind: "accepted" }): string {
  const what = decision.upgrade ? `upgrade of ${decision.head.path}` : `${decision.head.method} ${decision.head.path}`;
  const claimed = decision.pattern === undefined ? "" : ` by ${decision.pattern}`;
  const reported =
    decision.reported === undefined ? "" : `; enforce mode would refuse it: ${explainRefusal(decision.reported)}`;
  const presumed = decision.presumesTls === true ? "; its page of https is the own one if TLS ends at a proxy" : "";
  return printable(`${what} accepted${claimed} (${context(decision)})${presumed}${reported}`);
}

function context(decision: Decision): string {
  const parts: string[] = [];
  if (decision.vhost !== null) parts.push(decision.vhost.name);
  const { arrival, authority, authoritySource } = decision;
  const from = portSource(decision);
  const isHealthCheck = authority === null && decision.kind === "accepted" && decision.vhost.absentHost !== undefined;
  if (isHealthCheck) parts.push("no authority, by absentHost");
  else if (authority === null) parts.push("no authority");
  else if (from === authoritySource) parts.push(`port came from ${from}`);
  else
    parts.push(`host came from ${authoritySource}, port from ${from === "scheme" ? `scheme ${arrival.scheme}` : from}`);
  parts.push(`scheme ${arrival.scheme} ${schemeWords[arrival.schemeSource ?? "given"]}`);
  const { forwarding, proxy } = arrival;
  if (proxy !== undefined) parts.push(...proxied(proxy));
  if (forwarding !== undefined) {
    parts.push(`${forwarding.field} element ${forwarding.element} from trusted hop ${forwarding.hop}`);
    // Where nothing is stated about the client, this is the peer's address.
    if (arrival.remoteAddress === undefined) parts.push("client unknown");
    else if (arrival.remoteAddress !== forwarding.hop) parts.push(`client ${arrival.remoteAddress}`);
  }
  return parts.join("; ");
}

/** What a PROXY header states about the connection. */
function proxied({ hop, command, source, destination }: Proxying): string[] {
  const parts = [`PROXY from trusted hop ${hop}`];
  if (command === "LOCAL") parts.push("which speaks for itself");
  else parts.push(`client ${source === null ? "unknown" : endpointText(source)}`);
  if (destination !== null) parts.push(`connected to ${endpointText(destination)}`);
  return [parts.join(", ")];
}

function endpointText(endpoint: ProxyEndpoint): string {
  if ("path" in endpoint) return endpoint.path === "" ? "unix" : `unix ${endpoint.path}`;
  const { address, port } = endpoint;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What a hop may have stated about host, port and scheme, where a refusal for these did not trust it. */
function disbelieved(refusal: Refusal): string {
  const { arrival, head } = refusal;
  if (arrival.forwarding !== undefined || !isSoft(refusal)) return "";
  const names = forwardedFields.filter((name) => head.fieldValues(name).length > 0);
  return names.length === 0
    ? ""
    : `; ${names.join(", ")} not trusted from ${arrival.remoteAddress ?? (arrival.unix ? "unix" : "an unknown peer")}`;
}

const forwardedFields = ["Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"];

const schemeWords: Record<NonNullable<Arrival["schemeSource"]>, string> = {
  forwarded: "forwarded",
  proxy: "by PROXY",
  given: "given",
  tls: "of the socket",
  declared: "declared",
  default: "by default",
};
