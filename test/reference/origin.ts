// In:    the value of an Origin field; the host of any authority.
// Out:   the canonical text of the origin, null if it is invalid; the canonical text of the host.
// Never: shares code with src/. Written from RFC 6454 §7.1, and from docs/policy.md.

import { type ReferenceAuthority, readAuthority, referenceAuthority } from "./authority.js";

/** Scheme, host and port of an origin; `host` "" where it has none, `port` null where its scheme implies none. */
export interface ReferenceOrigin {
  readonly scheme: string;
  readonly host: string;
  readonly port: number | null;
}

const impliedPorts: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** `serialized-origin = scheme "://" host [ ":" port ]` (RFC 6454 §7.1); ws is http and wss https, a host of one dot is for other schemes. */
export function readReferenceOrigin(text: string): ReferenceOrigin | null {
  const [, written, rest] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/s.exec(text) ?? [];
  if (written === undefined || rest === undefined) return null;
  const scheme = written.toLowerCase().replace(/^ws(s?)$/, "http$1");
  const implied = impliedPorts[scheme] ?? null;
  // Origins of files have no host.
  if (rest === "") return implied === null ? { scheme, host: "", port: null } : null;
  const [, port] = /^\.(?::(\d*))?$/.exec(rest) ?? [];
  if (implied === null && /^\.(?::\d*)?$/.test(rest)) {
    if (port && !(Number(port) >= 1 && Number(port) <= 65_535)) return null;
    return { scheme, host: ".", port: port ? Number(port) : null };
  }
  if (/[^\0-\xff]/.test(rest) || referenceAuthority(Buffer.from(rest, "latin1")).kind === "malformed") return null;
  const authority = readAuthority(rest);
  const host = canonicalHost(authority);
  if (implied === null && host === ".") return null;
  return { scheme, host, port: authority.port ?? implied };
}

/** Compared by scheme, host and port; the canonical text. */
export function referenceOrigin(text: string): string | null {
  const origin = readReferenceOrigin(text);
  if (origin === null) return null;
  const { scheme, host, port } = origin;
  return `${scheme}://${host}${port === null || port === impliedPorts[scheme] ? "" : `:${port}`}`;
}

/** Two hosts are the same where these are. */
export function canonicalHost({ kind, text }: ReferenceAuthority): string {
  if (kind === "IPv4address") return text;
  if (kind === "IP-literal") return canonicalIPv6(text);
  const bare = text.toLowerCase().replace(/\.$/, "");
  // A name that differs from an IPv4address only by root dots is still a name; one dot is kept to tell them apart.
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
