// In:    the value of an Origin field; the origins that a vhost allows, as a caller wrote them.
// Out:   whether a page of that origin may send a request, and the code of what is wrong if it may not.
// Never: compares a part of a text; an origin is compared by scheme, host and port.

import type { Arrival } from "../arrival/arrival.js";
import { type Authority, nameKey, parseAuthority } from "../head/authority.js";
import { checkSettings } from "../head/options.js";
import { HostMap } from "./host-map.js";
import { type HostPattern, readHostPattern } from "./host-pattern.js";

/**
 * Origins in full (`scheme://host[:port]`, with the wildcards of vhosts in the host), and maybe `same-authority` among them;
 * `same-authority` alone, the request's own; or `any`, unchecked.
 */
export type OriginList = readonly string[] | "same-authority" | "any";
/** A request without Origin passes, unless `absent` refuses it. */
export type Origins = OriginList | { readonly list: OriginList; readonly absent?: "refuse" };

/** scheme "://" host [ ":" port ] (RFC 6454 §7.1), read. */
export interface Origin {
  /** In lower case. */
  readonly scheme: string;
  /** Null where the scheme's origins have no host, as in `file://`. */
  readonly authority: Authority | null;
  /** Its own, or that of http or https; null for a scheme without default. */
  readonly port: number | null;
}

/** What is known of a request: its own origin is made of it. */
export interface OriginContext {
  readonly arrival: Arrival;
  readonly authority: Authority | null;
  readonly port: number | null;
}

const SCHEME = /^[a-z][a-z0-9+.-]*$/i;

/** Null for what is not a serialized-origin: a list of them, `null`, a path after it, userinfo, white space. */
export function parseOrigin(text: string): Origin | null {
  const end = text.indexOf("://");
  if (end < 0 || !SCHEME.test(text.slice(0, end))) return null;
  const scheme = text.slice(0, end).toLowerCase();
  const host = text.slice(end + 3);
  // RFC 3986 §3.2.2 lets a scheme have an empty host; http and https do not (RFC 9110 §4.2.1).
  if (host === "") return isHttp(scheme) ? null : { scheme, authority: null, port: null };
  const result = parseAuthority(host);
  if (result.kind === "malformed") return null;
  const { authority } = result;
  return { scheme, authority, port: authority.port ?? impliedPort(scheme) };
}

/** The canonical text: two origins are the same where their texts are. */
export function formatOrigin({ scheme, authority, port }: Origin): string {
  return canonical(scheme, authority === null ? "" : nameKey(authority), port);
}

function canonical(scheme: string, host: string, port: number | null): string {
  return `${scheme}://${host}${port === null || port === impliedPort(scheme) ? "" : `:${port}`}`;
}

function isHttp(scheme: string): boolean {
  return scheme === "http" || scheme === "https";
}

function impliedPort(scheme: string): number | null {
  return scheme === "https" ? 443 : scheme === "http" ? 80 : null;
}

/** One origin of a list. */
interface Listed {
  readonly scheme: string;
  readonly port: number | null;
  /** Null for an empty host. */
  readonly name: HostPattern | null;
}

/** The origins of one vhost, checked once. */
export class OriginRule {
  /** True where the request's own origin is among them. */
  readonly sameAuthority: boolean;
  readonly allowsAny: boolean;
  readonly allowsAbsent: boolean;
  /** The others, as they were written. */
  readonly written: readonly string[];
  /** Canonical texts. */
  readonly #exact = new Set<string>();
  /** By scheme and port. */
  readonly #wildcards = new Map<string, HostMap<true>>();

  /** @internal */
  constructor(list: OriginList, allowsAbsent: boolean, where: string) {
    this.allowsAny = list === "any";
    this.allowsAbsent = allowsAbsent;
    this.written = typeof list === "string" ? [] : list.filter((each) => each !== "same-authority");
    this.sameAuthority = list.includes("same-authority");
    for (const written of this.written) {
      const { scheme, port, name } = readListed(written, `${where} has ${JSON.stringify(written)}, which`);
      if (name === null || name.stars === "") {
        this.#exact.add(canonical(scheme, name?.key ?? "", port));
        continue;
      }
      const place = canonical(scheme, "", port);
      const names = this.#wildcards.get(place) ?? new HostMap();
      names.set(name, true);
      this.#wildcards.set(place, names);
    }
  }

  /** True for an origin that was written there. `text`: canonical, or `null`; `origin`: the same, read. */
  lists(text: string, origin: Origin | null): boolean {
    return this.#exact.has(text) || (origin !== null && this.#meetsWildcard(origin));
  }

  /** The request's own origin, if its pages may send requests. */
  ownOrigin(context: OriginContext): string | null {
    return this.sameAuthority ? ownOrigin(context) : null;
  }

  #meetsWildcard({ scheme, authority, port }: Origin): boolean {
    return authority !== null && this.#wildcards.get(canonical(scheme, "", port))?.find(authority) === true;
  }
}

/** That of a page which the same authority served, by the same scheme. */
export function ownOrigin({ arrival, authority, port }: OriginContext): string | null {
  return authority === null ? null : canonical(arrival.scheme, nameKey(authority), port);
}

/**
 * The own origin of a request, if its client came by https and the proxy that terminated TLS stated nothing; null if the
 * connection is known.
 */
export function presumedOrigin({ arrival, authority }: OriginContext): string | null {
  if (arrival.scheme !== "http" || arrival.schemeSource !== "default" || authority === null) return null;
  const port = authority.port ?? arrival.forwarding?.port ?? impliedPort("https");
  return canonical("https", nameKey(authority), port);
}

/** Checks the setting. Throws `TypeError` with the path, the value and the fix. */
export function readOrigins(given: unknown, where: string): OriginRule {
  const origins = given ?? "same-authority";
  const isBare = typeof origins === "string" || Array.isArray(origins);
  if (!isBare) checkSettings(origins, ["list", "absent"], where);
  const { list, absent } = (isBare ? { list: origins } : origins) as { list?: unknown; absent?: unknown };
  if (absent !== undefined && absent !== "refuse") {
    throw new TypeError(`${where}.absent is ${JSON.stringify(absent)}; it must be "refuse" or left out`);
  }
  const path = isBare ? where : `${where}.list`;
  if (list !== "same-authority" && list !== "any" && !Array.isArray(list)) {
    throw new TypeError(
      `${path} is ${JSON.stringify(list)}; it must be "same-authority", "any", or a list such as ["https://example.com"]`,
    );
  }
  return new OriginRule(list as OriginList, absent === undefined, path);
}

function readListed(written: unknown, shown: string): Listed {
  if (typeof written !== "string") throw new TypeError(`${shown} is not text such as "https://example.com"`);
  if (written === "*" || written === "any")
    throw new TypeError(`${shown} is not an origin; to allow all, write origins: "any"`);
  if (written === "null") {
    throw new TypeError(`${shown} any page can send; to allow the pages of every site, write origins: "any"`);
  }
  const end = written.indexOf("://");
  if (end < 0 || !SCHEME.test(written.slice(0, end))) {
    throw new TypeError(`${shown} is not an origin; write scheme, host and port, as in "https://example.com:8443"`);
  }
  const scheme = written.slice(0, end).toLowerCase();
  const host = written.slice(end + 3);
  if (/[/?#]/.test(host)) {
    const origin = written.slice(0, end + 3 + host.search(/[/?#]/));
    throw new TypeError(`${shown} contains more than scheme, host and port; write ${JSON.stringify(origin)}`);
  }
  if (host === "" && !isHttp(scheme)) return { scheme, port: null, name: null };
  const name = readHostPattern(host, shown, 'origins: "any"');
  return { scheme, port: name.port ?? impliedPort(scheme), name };
}
