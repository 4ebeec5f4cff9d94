// In:    text, or an authority block of the kernel's record and the text that it points into.
// Out:   Authority: uri-host, its kind, its port as written.
// Never: matches it against a policy.

import { AuthorityBlock, AuthorityKind, Head, Memory, Status } from "../../assembly/abi.js";
import { HeadFault } from "./fault.js";
import { kernel } from "./kernel/instance.js";
import { countOctets } from "./kernel/latin1.js";

export type Scheme = "http" | "https";

/** uri-host's three kinds (RFC 3986 §3.2.2); IPvFuture is refused. */
export type UriHostKind = "reg-name" | "IPv4address" | "IP-literal";

/** The host and port that a request is for: uri-host [ ":" port ] (RFC 9110 §7.2). */
export class Authority {
  /**
   * In lower case, without one trailing root dot. An IPv6 address is in brackets and in the canonical form of
   * RFC 5952, so that equal addresses are equal strings.
   */
  readonly uriHost: string;
  readonly kind: UriHostKind;
  /** 1..65535 as written; null if none, or an empty one, was written. */
  readonly port: number | null;

  /** @internal */
  constructor(uriHost: string, kind: UriHostKind, port: number | null) {
    this.uriHost = uriHost;
    this.kind = kind;
    this.port = port;
  }

  /** The port that a client of this scheme means: the written one, else 80 or 443 (RFC 9110 §4.2.1, §4.2.2). */
  effectivePort(scheme: Scheme): number {
    return this.port ?? defaultPort(scheme);
  }

  toString(): string {
    return this.port === null ? this.uriHost : `${this.uriHost}:${this.port}`;
  }
}

export function defaultPort(scheme: Scheme): number {
  return scheme === "https" ? 443 : 80;
}

/** What a name of plain labels holds: no percent-encoding, no sub-delims. */
const PLAIN = /^[a-z0-9._~-]+$/;

/** What names are compared by. An address and a reg-name that is spelled like one are different names. */
export function nameKey({ kind, uriHost }: Authority): string {
  return kind === "reg-name" && /^\d{1,3}(?:\.\d{1,3}){3}\.*$/.test(uriHost) ? `${uriHost}.` : uriHost;
}

/** True for what may meet a wildcard: plain labels, of which none is empty. */
export function isPlainName({ kind, uriHost }: Authority): boolean {
  if (kind !== "reg-name" || !PLAIN.test(uriHost)) return false;
  return !uriHost.startsWith(".") && !uriHost.endsWith(".") && !uriHost.includes("..");
}

/**
 * True where a server name is that of the authority; case and one trailing dot do not count. A connection has one, of any
 * length, and any number of requests: none of them looks at it further than at its own name.
 */
export function isSameName(serverName: string, { uriHost }: Authority): boolean {
  const length = serverName.endsWith(".") ? serverName.length - 1 : serverName.length;
  return length === uriHost.length && serverName.slice(0, length).toLowerCase() === uriHost;
}

export type AuthorityResult =
  | { kind: "complete"; authority: Authority }
  /** `fault.offset` counts from the input's first octet. */
  | { kind: "malformed"; fault: HeadFault };

/**
 * Reads a complete `uri-host [ ":" port ]`: `example.com`, `127.0.0.1:8080`, `[::1]:8080`. Never throws for content.
 * A string's characters are octets; a character above U+00FF cannot be part of an authority and is refused like any other.
 */
export function parseAuthority(input: string | Uint8Array): AuthorityResult {
  const fault = readWithKernel(input);
  if (fault !== null) return { kind: "malformed", fault };
  const wasm = kernel();
  const written = typeof input === "string" ? input : wasm.text.read(0, countOctets(input));
  return { kind: "complete", authority: readAuthority(wasm.words, Head.HOST >> 2, written, 0)! };
}

/** The eight pieces of `[IPv6address]`, brackets included; null for anything else. @internal */
export function ipv6PiecesOf(literal: string): number[] | null {
  if (readWithKernel(literal) !== null) return null;
  const { words } = kernel();
  const block = Head.HOST >> 2;
  if (words[block + (AuthorityBlock.KIND >> 2)] !== AuthorityKind.IP_LITERAL) return null;
  return piecesAt(words, block + (AuthorityBlock.IPV6 >> 2));
}

/** Puts the record of an authority into the kernel's words, or returns why it is malformed. */
function readWithKernel(input: string | Uint8Array): HeadFault | null {
  const wasm = kernel();
  const length =
    typeof input === "string" ? input.length : countOctets(input, "an authority must be a string or a Uint8Array");
  if (length > Memory.INPUT_SIZE) return new HeadFault(Status.HEAD_TOO_LARGE, Memory.INPUT_SIZE);
  if (typeof input === "string") {
    // A wider character would lose its high bits; 0xFF replaces it, which the grammar refuses as well.
    wasm.text.write(input.replace(/[^\0-\xff]/g, "\xff"), 0);
  } else {
    wasm.input.set(input);
  }
  wasm.generation++;
  const status = wasm.parseAuthority(length);
  return status === Status.COMPLETE ? null : new HeadFault(status, wasm.words[Head.OFFSET >> 2]!);
}

/**
 * The authority of the block that begins at word `at`; null if the head has none. `text` is the kernel's input from octet `first`
 * on.
 * @internal
 */
export function readAuthority(words: Int32Array, at: number, text: string, first: number): Authority | null {
  const kind = words[at + (AuthorityBlock.KIND >> 2)]!;
  if (kind === AuthorityKind.ABSENT) return null;
  const port = words[at + (AuthorityBlock.PORT >> 2)]! || null;
  if (kind === AuthorityKind.IP_LITERAL) {
    return new Authority(`[${formatIpv6(piecesAt(words, at + (AuthorityBlock.IPV6 >> 2)))}]`, "IP-literal", port);
  }
  const start = words[at + (AuthorityBlock.START >> 2)]! - first;
  const end = words[at + (AuthorityBlock.END >> 2)]! - first;
  if (words[at + (AuthorityBlock.NORMAL >> 2)] !== 0) return new Authority(text.slice(start, end), "reg-name", port);
  const name = text.slice(start, end).toLowerCase();
  if (kind === AuthorityKind.IPV4_ADDRESS) return new Authority(name, "IPv4address", port);
  return new Authority(name.endsWith(".") ? name.slice(0, -1) : name, "reg-name", port);
}

function piecesAt(words: Int32Array, at: number): number[] {
  const pieces: number[] = [];
  for (let i = 0; i < 4; i++) {
    const word = words[at + i]!;
    pieces.push(word & 0xffff, word >>> 16);
  }
  return pieces;
}

/**
 * The canonical text of an IPv6 address (RFC 5952 §4): lower case, no leading zeros, the first longest run of at
 * least two zero pieces as "::"; IPv4-mapped addresses end in an IPv4address (§5).
 * @internal
 */
export function formatIpv6(pieces: readonly number[]): string {
  const [high, low] = [pieces[6]!, pieces[7]!];
  if (pieces.slice(0, 5).every((piece) => piece === 0) && pieces[5] === 0xffff) {
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  let [runStart, runLength] = [0, 1];
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (pieces[start + length] === 0) length++;
    if (length > runLength) [runStart, runLength] = [start, length];
  }
  const hex = pieces.map((piece) => piece.toString(16));
  if (runLength === 1) return hex.join(":");
  return `${hex.slice(0, runStart).join(":")}::${hex.slice(runStart + runLength).join(":")}`;
}
