// In:    the value of an Origin field; the host of any authority.
// Out:   the canonical text of the origin, null where it is none; the canonical text of the host.
// Never: shares code with src/. Written from RFC 6454 §7.1, and from docs/policy.md.

import { type ReferenceAuthority, readAuthority, referenceAuthority } from "./authority.js";

/** `serialized-origin = scheme "://" host [ ":" port ]` (RFC 6454 §7.1), compared by scheme, host and port. */
export function referenceOrigin(text: string): string | null {
  const [, scheme, rest] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) return null;
  const name = scheme.toLowerCase();
  const implied = { http: 80, https: 443 }[name];
  // Origins of files have no host.
  if (rest === "") return implied === undefined ? `${name}://` : null;
  if (/[^\0-\xff]/.test(rest) || referenceAuthority(Buffer.from(rest, "latin1")).kind === "malformed") return null;
  const authority = readAuthority(rest);
  const own = authority.port === null || authority.port === implied ? "" : `:${authority.port}`;
  return `${name}://${canonicalHost(authority)}${own}`;
}

/** Two hosts are the same where these are. */
export function canonicalHost({ kind, text }: ReferenceAuthority): string {
  if (kind === "IPv4address") return text;
  if (kind === "IP-literal") return canonicalIPv6(text);
  const bare = text.toLowerCase().replace(/\.$/, "");
  // A name that is spelt like an IPv4address is none, and keeps its root dot to tell.
  return /^\d{1,3}(?:\.\d{1,3}){3}\.*$/.test(bare) ? `${bare}.` : bare;
}

/** The platform's own canonical text; the URL standard writes IPv4-mapped addresses in hexadecimal. */
function canonicalIPv6(host: string): string {
  const { hostname } = new URL(`http://${host}/`);
  const mapped = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(hostname);
  if (mapped === null) return hostname;
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
  return `[::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}]`;
}
