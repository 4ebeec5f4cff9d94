// In:    a refusal.
// Out:   what its owner may do about it: how to configure that the same request passes, and what that means.
// Never: offers what a policy would not take; lets a client in without a word on what else then gets in.

import { defaultPort, isPlainName, nameKey } from "../head/authority.js";
import { formatAddress, parsePeerAddress } from "../head/ip-address.js";
import { isExactPath, isPathPattern } from "./claims.js";
import type { Refusal } from "./decision.js";
import type { Policy } from "./policy-rules.js";
import { portFits, portsOf, reachable } from "./ports.js";
import { originRuleOf, policyOf, siteRuleOf } from "./refusal-words.js";
import { formatOrigin, normalScheme } from "./serialized-origin.js";
import { isShort, LONGEST_NAME, literal } from "./shown.js";
import { isSafe } from "./site.js";
import { mayBeListed, siteRemedy } from "./site-words.js";
import { NO_LISTEN, NO_LISTEN_SERVER, numbersOf, type Vhost } from "./vhost.js";

/** The first thing that a process misses to which a proxy speaks plain HTTP. */
const DECLARE_HTTPS = 'if a proxy terminates TLS for this process, set scheme: "https"';

/** "" where nothing can be configured, or nothing should be: what is left is for the client, or for a proxy, to mend. */
export function remedyOf(refusal: Refusal): string {
  switch (refusal.code) {
    case "SERVER_NAME_MISMATCH":
      return trustPeer(refusal);
    case "AUTHORITY_ABSENT":
      return allowAbsence(refusal);
    case "NAME_UNSPECIFIED":
    case "NAME_UNKNOWN":
      return addName(refusal);
    case "NAME_NOT_SERVED":
      return serve(refusal);
    case "SCHEME_MISMATCH":
      return mayBeHttps(refusal) && normalScheme(refusal.head.scheme!) === "https" ? declareHttps(refusal) : "";
    case "SCHEME_REQUIRED":
      return allowHttp(refusal);
    case "PORT_MISMATCH":
      return allowPort(refusal);
    case "ORIGIN_ABSENT":
      return `to allow requests without Origin, remove absent from the origins of ${vhostOf(refusal)}`;
    case "ORIGIN_NULL":
      return addOrigin(refusal, "to allow it, and with it pages of every site", "null");
    case "ORIGIN_FOREIGN":
      return trustOrigin(refusal);
    case "SITE_FOREIGN":
      return siteRemedy(refusal, siteRuleOf(refusal));
    case "PATH_UNCLAIMED":
      return claim(refusal);
    case "AUTHORIZE_TIMEOUT":
      return `to wait longer, raise limits.authorizeTimeout above ${refusal.timeout}`;
    case "UPGRADE_REQUIRED":
      return "to serve it, set requests: server";
    default:
      return "";
  }
}

function vhostOf({ vhost }: Refusal): string {
  return `vhost ${vhost?.name}`;
}

/** The vhosts that the request's name means. */
function named(refusal: Refusal): readonly Vhost[] {
  return policyOf(refusal).index.find(refusal.authority);
}

/** One of the vhosts of a name: several have ports of their own. */
function oneOf(vhosts: readonly Vhost[], { name, port }: Vhost): string {
  return vhosts.length === 1 ? `vhost ${name}` : `vhost ${name} (port ${numbersOf(port)?.join(", ")})`;
}

/** Nothing is known about the scheme, and what is declared counts where nothing is. */
function mayBeHttps(refusal: Refusal): boolean {
  return policyOf(refusal).mayDeclare && refusal.arrival.schemeSource === "default";
}

/** A proxy that makes TLS connections of its own names one server for all of its clients. */
function trustPeer(refusal: Refusal): string {
  const { trust } = policyOf(refusal);
  const { schemeSource, proxy, unix, remoteAddress } = refusal.arrival;
  if (trust !== null || schemeSource !== "tls" || proxy !== undefined) return "";
  const address = remoteAddress === undefined ? null : parsePeerAddress(remoteAddress);
  const fields = forwardedFields.filter((name) => refusal.head.fieldValues(name).length > 0);
  if ((unix !== true && address === null) || fields.length === 0) return "";
  const from = unix === true ? "unix" : formatAddress(address!);
  const peer = unix === true ? "the peer of this UNIX-domain socket" : from;
  const forwarded = fields.includes("Forwarded") ? '"rfc7239"' : literal(fields);
  return `if ${peer} is your proxy, and writes or removes these fields itself, set trust: { from: ${literal([from])}, forwarded: ${forwarded} }`;
}

const forwardedFields = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"];

/** For a health check, its path; or a vhost that takes everything. */
function allowAbsence(refusal: Refusal): string {
  const policy = policyOf(refusal);
  const { httpVersion, method, path } = refusal.head;
  const { absentHost, isLocal } = policy.index;
  const vhost = absentHost ?? reachable(policy.vhosts, refusal.arrival).find(({ port }) => port !== NO_LISTEN);
  const known = absentHost?.absentHost ?? [];
  // GET / is any old client's, and not taken for a check.
  const isPage = method === "GET" && path === "/";
  const isCheck =
    httpVersion === "1.0" && isSafe(method) && !isPage && path.length <= LONGEST_NAME && isExactPath(path);
  const where = (one: Vhost): string =>
    oneOf(
      policy.vhosts.filter(({ name }) => name === one.name),
      one,
    );
  const isOffered = isCheck && !isLocal && vhost !== undefined && isShort(known.length + 1);
  const checked = isOffered
    ? `if it is a health check, set absentHost: ${literal([...known, path])} on ${where(vhost)}`
    : "";
  // Beside absentHost no vhost is the default.
  const added = absentHost === null ? addDefault(policy) : "";
  return [checked, added].filter(Boolean).join("; otherwise, ");
}

/** A local tool has none: any page could have its own name served. */
function addDefault(policy: Policy): string {
  const { vhosts, index } = policy;
  if (index.isLocal) return "";
  const port = vhosts[0]!.port === undefined ? "" : ', port: "any"';
  const added = `{ name: "default", default: true, origins: []${port}${sitesOf(policy)} }`;
  return `to serve requests without a host, add ${added} to vhosts, which also serves every name that no other vhost has`;
}

function addName(refusal: Refusal): string {
  const { authority, code } = refusal;
  const isName = authority!.kind === "reg-name";
  const isRebound = isName && policyOf(refusal).index.isLocal;
  const notice = isRebound ? "a page may have pointed its own name here (DNS rebinding)" : "";
  // What could not be copied into a configuration is not offered for one.
  if (isName && (authority!.uriHost.length > LONGEST_NAME || !isPlainName(authority!))) return notice;
  const added = addedVhost(refusal);
  if (isRebound) return `${notice}; only if this name is yours, ${added}`;
  if (code === "NAME_UNSPECIFIED") return `to serve it all the same, ${added}`;
  return `to serve this ${isName ? "name" : "address"}, ${added}`;
}

/** With a port where the others have one. */
function addedVhost(refusal: Refusal): string {
  const { authority, port } = refusal;
  const name = JSON.stringify(nameKey(authority!));
  const ports = policyOf(refusal).vhosts[0]!.port;
  const sites = sitesOf(policyOf(refusal));
  const add = (port: string): string => `add { name: ${name}${port}${sites} } to vhosts`;
  if (ports === undefined) return add("");
  if (ports === NO_LISTEN_SERVER || ports === "any") return add(`, port: ${JSON.stringify(ports)}`);
  const others = numbersOf(ports) ?? [];
  const https = defaultPort("https");
  if (authority!.port === null && mayBeHttps(refusal) && others.includes(https) && !others.includes(port!)) {
    return `${add(`, port: ${https}`)}; ${DECLARE_HTTPS}`;
  }
  return add(`, port: ${port}`);
}

/** Pages of other sites that a vhost keeps out must not come in by another name. */
function sitesOf({ index }: Policy): string {
  const shown = Object.entries(index.strictest).filter(([, word]) => word !== undefined);
  return shown.map(([setting, word]) => `, ${setting}: ${JSON.stringify(word)}`).join("");
}

function serve(refusal: Refusal): string {
  const { authority, vhost, port } = refusal;
  // A default vhost is not meant by the name.
  if (vhost?.default === true && authority !== null && vhost.name.toLowerCase() !== authority.uriHost) {
    return addName(refusal);
  }
  return `to serve it, set port: ${port ?? '"any"'} on ${vhostOf(refusal)}`;
}

/** With the port that the request then has, where no vhost of the name has it. */
function declareHttps(refusal: Refusal): string {
  const { authority, arrival } = refusal;
  const port = authority && (authority.port ?? arrival.forwarding?.port ?? defaultPort("https"));
  return `${DECLARE_HTTPS}${alsoPort(refusal, named(refusal), port)}`;
}

/** What one of these vhosts lacks, to serve that port. */
function alsoPort(refusal: Refusal, vhosts: readonly Vhost[], port: number | null): string {
  const fits = vhosts.some((vhost) => portFits(vhost, port, refusal.arrival));
  return fits ? "" : `; also ${setPort(refusal, vhosts[0]!, port!)}`;
}

function setPort(refusal: Refusal, vhost: Vhost, port: number): string {
  const ports = [...portsOf(vhost, refusal.arrival), port];
  const where = oneOf(named(refusal), vhost);
  if (!isShort(ports.length)) return `add ${port} to the ports of ${where}`;
  return `set port: ${ports.length === 1 ? port : literal(ports)} on ${where}`;
}

/** Where every vhost of the name that fits requires https. */
function allowHttp(refusal: Refusal): string {
  const { port, arrival } = refusal;
  const vhosts = named(refusal);
  const fitting = vhosts.find((vhost) => portFits(vhost, port, arrival)) ?? vhosts[0]!;
  const removed = `to allow plain HTTP, remove requires from ${oneOf(named(refusal), fitting)}`;
  const allowed = `${removed}${alsoPort(refusal, [fitting], port)}`;
  return mayBeHttps(refusal) ? `${declareHttps(refusal)}; otherwise, ${allowed}` : allowed;
}

function allowPort(refusal: Refusal): string {
  const { arrival, port } = refusal;
  const vhosts = named(refusal);
  // One has that port for https.
  if (vhosts.some((vhost) => portFits(vhost, port, arrival))) return allowHttp(refusal);
  const allowed = setPort(refusal, reachable(vhosts, arrival)[0]!, port!);
  const declared = mayBeHttps(refusal) ? declareHttps(refusal) : "";
  return declared === DECLARE_HTTPS ? `${declared}; otherwise, ${allowed}` : `to allow it, ${allowed}`;
}

function trustOrigin(refusal: Refusal): string {
  const origin = refusal.origin!;
  if (!mayBeListed(origin)) return "";
  const text = formatOrigin(origin);
  return addOrigin(refusal, `to trust the pages of ${text}`, text);
}

function addOrigin(refusal: Refusal, lead: string, origin: string): string {
  const rule = originRuleOf(refusal);
  if (!isShort(rule.written.length))
    return `${lead}, add ${JSON.stringify(origin)} to the origins of ${vhostOf(refusal)}`;
  const origins = [...(rule.sameAuthority ? ["same-authority"] : []), ...rule.written, origin];
  return `${lead}, set origins: ${written(refusal, literal(origins))} on ${vhostOf(refusal)}`;
}

/** The setting with that list, and otherwise as it is. */
function written(refusal: Refusal, origins: string): string {
  return originRuleOf(refusal).allowsAbsent ? origins : `{ list: ${origins}, absent: "refuse" }`;
}

function claim(refusal: Refusal): string {
  const { head, pattern } = refusal;
  if (pattern !== undefined) {
    return `to take it here, set ${JSON.stringify(pattern)}: framer in the upgrades of ${vhostOf(refusal)}`;
  }
  const { path } = head;
  // A pattern with a star means other paths, and a path that fills the line cannot be read from it.
  if (path.length > LONGEST_NAME || path.includes("*") || !isPathPattern(path)) return "";
  const add = (claim: string): string => `add ${JSON.stringify(path)}: ${claim} to the upgrades of ${vhostOf(refusal)}`;
  const claimed = `to claim it, ${add("framer")}`;
  // Adopted sockets have no other listeners.
  const isGuarded = policyOf(refusal).fallback !== null;
  return isGuarded ? `${claimed}; otherwise, to leave it to the server's own listeners, ${add("LEAVE")}` : claimed;
}
