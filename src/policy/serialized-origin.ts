// In:    the value of an Origin field.
// Out:   Origin: scheme, host and port, and the one text by which origins compare.
// Never: compares a part of a text; an origin is compared by scheme, host and port.

import { Authority, nameKey, parseAuthority } from "../head/authority.js";

/** scheme "://" host [ ":" port ] (RFC 6454 §7.1), read. */
export interface Origin {
  /** In lower case; `http` for ws, and `https` for wss. */
  readonly scheme: string;
  /** Null where the scheme's origins have no host, as in `file://`. */
  readonly authority: Authority | null;
  /** Its own, or that of http or https; null for a scheme without default. */
  readonly port: number | null;
}

const SCHEME = /^[a-z][a-z0-9+.-]*$/i;

/** The scheme of `scheme://...` as origins compare it, and what follows; null for anything else. */
export function splitOrigin(text: string): { readonly scheme: string; readonly rest: string } | null {
  const end = text.indexOf("://");
  if (end < 0 || !SCHEME.test(text.slice(0, end))) return null;
  return { scheme: normalScheme(text.slice(0, end).toLowerCase()), rest: text.slice(end + 3) };
}

/**
 * Null for what is not a serialized-origin: a list of them, `null`, a path after it, userinfo, white space. `ws` and `wss`
 * are read as `http` and `https`: pages do not have such an origin, but some native clients send the URL's own scheme.
 */
export function parseOrigin(text: string): Origin | null {
  const split = splitOrigin(text);
  if (split === null) return null;
  const { scheme, rest } = split;
  // RFC 3986 §3.2.2 lets a scheme have an empty host; http and https do not (RFC 9110 §4.2.1).
  if (rest === "") return isHttp(scheme) ? null : { scheme, authority: null, port: null };
  const authority = parseOriginHost(scheme, rest);
  return authority && { scheme, authority, port: authority.port ?? impliedPort(scheme) };
}

/** The host and port of an origin; null for what is not one. */
function parseOriginHost(scheme: string, rest: string): Authority | null {
  // Desktop shells load their pages from app://., a host that http does not have.
  const isDot = !isHttp(scheme) && /^\.(?::|$)/.test(rest);
  const result = parseAuthority(isDot ? `dot${rest.slice(1)}` : rest);
  if (result.kind === "malformed") return null;
  const { authority } = result;
  if (isDot) return new Authority(".", "reg-name", authority.port);
  // ".." without its root dot would be the same text.
  return authority.uriHost === "." && !isHttp(scheme) ? null : authority;
}

/** The canonical text: two origins are the same where their texts are. */
export function formatOrigin({ scheme, authority, port }: Origin): string {
  return canonicalOrigin(scheme, authority === null ? "" : nameKey(authority), port);
}

/** `host`: see `nameKey`; "" for none. */
export function canonicalOrigin(scheme: string, host: string, port: number | null): string {
  return `${scheme}://${host}${port === null || port === impliedPort(scheme) ? "" : `:${port}`}`;
}

/** Of a scheme as `splitOrigin` gives it. */
export function isHttp(scheme: string): boolean {
  return scheme === "http" || scheme === "https";
}

/** The port that is left out; null for a scheme without default. */
export function impliedPort(scheme: string): number | null {
  return scheme === "https" ? 443 : scheme === "http" ? 80 : null;
}

/** ws is http, wss is https (RFC 6455 §3). `scheme`: in lower case. */
export function normalScheme(scheme: string): string {
  return scheme === "ws" ? "http" : scheme === "wss" ? "https" : scheme;
}
