// In:    the lines of Forwarded.
// Out:   every element, from the left as they are written; null if one of them is invalid.
// Never: shares code with src/, or stops before the end. Written from RFC 7239 §4 and §6, and from docs/policy.md.

import { isIPv4 } from "node:net";
import { readAuthority, referenceAuthority } from "./authority.js";
import { canonicalHost } from "./origin.js";

export interface ReferenceElement {
  /** Undefined where `for` is absent; of an address the 16-bit pieces, two or eight. */
  node: { address: number[] | null; port: number | null } | undefined;
  /** Canonical host and port; port null where there is none. */
  host: [host: string, port: number | null] | undefined;
  scheme: "http" | "https" | undefined;
}

/** `token` and `quoted-string` (RFC 9110 §5.6.2, §5.6.4). */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED_STRING = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*"';
/** A value without quotes, as proxies write it: visible octets, and none that quotes or separates. */
const UNQUOTED = "[\\x21\\x23-\\x2b\\x2d-\\x3a\\x3c-\\x7e\\x80-\\xff]*";
/** `forwarded-pair` (RFC 7239 §4) or nothing between white space, with what follows it. */
const PAIR = new RegExp(`[\\t ]*(?:(${TOKEN})=(${QUOTED_STRING}|${UNQUOTED}))?[\\t ]*([;,]|$)`, "y");

class None extends Error {}

const none = (): never => {
  throw new None();
};

export function referenceForwarded(lines: readonly string[]): ReferenceElement[] | null {
  try {
    return lines.flatMap((line) => readLine(line));
  } catch (error) {
    if (error instanceof None) return null;
    throw error;
  }
}

/** `1#forwarded-element` (RFC 7239 §4); an empty element is one. */
function readLine(line: string): ReferenceElement[] {
  const elements: ReferenceElement[] = [];
  let pairs: Record<string, string> = Object.create(null);
  for (PAIR.lastIndex = 0; ; ) {
    const [, name, written, separator] = PAIR.exec(line) ?? none();
    if (name !== undefined) {
      const key = name.toLowerCase();
      if (key in pairs) none();
      pairs[key] = written!.startsWith('"') ? written!.slice(1, -1).replace(/\\(.)/gs, "$1") : written!;
    }
    if (separator === ";") continue;
    elements.push(readElement(pairs));
    if (separator === "") return elements;
    pairs = Object.create(null);
  }
}

function readElement({ for: node, host, proto }: Record<string, string | undefined>): ReferenceElement {
  return {
    node: node === undefined ? undefined : readNode(node),
    host: host === undefined ? undefined : readHost(host),
    scheme: proto === undefined ? undefined : readScheme(proto.toLowerCase()),
  };
}

function readHost(text: string): ReferenceElement["host"] {
  if (referenceAuthority(Buffer.from(text, "latin1")).kind === "malformed") none();
  const authority = readAuthority(text);
  return [canonicalHost(authority), authority.port];
}

function readScheme(proto: string): ReferenceElement["scheme"] {
  if (proto === "http" || proto === "ws") return "http";
  return proto === "https" || proto === "wss" ? "https" : none();
}

/** `node = nodename [ ":" node-port ]` (RFC 7239 §6); IPv6 also without brackets, then without port, and with a zone identifier. */
function readNode(text: string): ReferenceElement["node"] {
  if (/^[^[]*:.*:/s.test(text)) return { address: ipv6(text), port: null };
  const [, name = none(), portText] = /^(\[[^\]]*\]|[^:[]*)(?::(.*))?$/s.exec(text) ?? [];
  const port = portText === undefined ? null : readPort(portText);
  if (name.toLowerCase() === "unknown" || /^_[A-Za-z0-9._-]+$/.test(name)) return { address: null, port };
  if (isIPv4(name)) return { address: ipv4(name), port };
  return name.startsWith("[") ? { address: ipv6(name.slice(1, -1)), port } : none();
}

/** The 16-bit pieces of an IPv6 address, of which a zone identifier (RFC 4007 §11) is dropped; two where it is IPv4-mapped. */
function ipv6(text: string): number[] {
  const [, address = none(), zone] = /^([0-9a-f:.]+)(%[!#-+\--Z\\^-~]+)?$/i.exec(text) ?? [];
  const name = `[${address}]`;
  if (!address.includes(":") || zone === "%") none();
  if (referenceAuthority(Buffer.from(name, "latin1")).kind === "malformed") none();
  const pieces = readAuthority(name).ipv6!;
  // IPv4-mapped is IPv4 (RFC 4291 §2.5.5.2).
  const isMapped = pieces.slice(0, 6).join() === "0,0,0,0,0,65535";
  return isMapped ? pieces.slice(6) : pieces;
}

/** `node-port = port / obfport` (RFC 7239 §6). */
function readPort(text: string): number | null {
  if (/^_[A-Za-z0-9._-]+$/.test(text)) return null;
  return /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535 ? Number(text) : none();
}

function ipv4(text: string): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = text.split(".").map(Number);
  return [a * 256 + b, c * 256 + d];
}
