// In:    text of IP addresses, and of networks in CIDR notation.
// Out:   Address, Network, and the network that an address is in.
// Never: reads what is not an address in the grammar of RFC 3986, such as 127.1, 0x7f.1 and 010.0.0.1.

import { type Authority, formatIpv6, ipv6PiecesOf } from "./authority.js";

/** Pieces of 16 bits, most significant first: two for an IPv4 address, eight for an IPv6 address. */
export type Address = readonly number[];

/** The addresses that share their first `length` bits (RFC 4632 §3.1, RFC 4291 §2.3). */
export interface Network {
  readonly address: Address;
  readonly length: number;
}

/** The address that a uri-host is; null for a reg-name. An IPv4-mapped one stays IPv6: as a host it differs from the IPv4 address. */
export function addressOf({ kind, uriHost }: Authority): Address | null {
  if (kind === "IPv4address") return ipv4Pieces(uriHost);
  return kind === "IP-literal" ? ipv6Pieces(uriHost.slice(1, -1)) : null;
}

/** An address without brackets; null for anything else. */
export function parseAddress(text: string): Address | null {
  if (!text.includes(":")) return ipv4Pieces(text);
  return ipv6PiecesOf(`[${text}]`);
}

/**
 * The address of a peer, as sockets and proxies write it; null for anything else. IPv4-mapped is IPv4 (RFC 4291
 * §2.5.5.2), and a zone identifier, which is only meaningful on one machine, is dropped.
 */
export function parsePeerAddress(text: string): Address | null {
  const zone = text.indexOf("%");
  const address = parseAddress(zone < 0 ? text : text.slice(0, zone));
  if (address === null) return null;
  if (zone >= 0 && address.length === 2) return null;
  return isIpv4Mapped(address) ? address.slice(6) : address;
}

/**
 * The network that a peer's address counts for, as text; null for anything else. An IPv6 address counts for its subnet of 64
 * bits, since a host that has one of its addresses may have them all (RFC 4291 §2.5.1).
 */
export function countedNetwork(text: string): string | null {
  const address = parsePeerAddress(text);
  if (address === null) return null;
  return address.length === 2 ? formatAddress(address) : `${formatAddress([...address.slice(0, 4), 0, 0, 0, 0])}/64`;
}

export function isIpv4Mapped(address: Address): boolean {
  return address.length === 8 && address[5] === 0xffff && address.slice(0, 5).every((piece) => piece === 0);
}

/** `address` or `address/length`, IPv6 without brackets. For anything else, the reason as the end of a sentence. */
export function parseNetwork(text: string): Network | string {
  const [, written, digits] = /^(.*?)(?:\/(\d{1,3}))?$/s.exec(text)!;
  const address = parseAddress(written!);
  if (address === null) return "is not an address or a network such as 10.0.0.0/8 or fd00::/8";
  const bits = 16 * address.length;
  const length = digits === undefined ? bits : Number(digits);
  if (length > bits) return `has a prefix of more than ${bits} bits`;
  const first = prefixOf(address, length);
  if (first.some((piece, i) => piece !== address[i])) {
    return `has bits set after its prefix; the network is ${formatAddress(first)}/${length}`;
  }
  return { address, length };
}

/** The address with only its first `length` bits: the address of its network. */
export function prefixOf(address: Address, length: number): Address {
  return address.map((piece, i) => piece & ~(0xffff >> Math.min(16, Math.max(0, length - 16 * i))));
}

/** Canonical text, without brackets (RFC 5952). */
export function formatAddress(address: Address): string {
  if (address.length === 8) return formatIpv6(address);
  const [high, low] = address as readonly [number, number];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

const DIGIT_0 = 0x30;
const DOT = 0x2e;

/**
 * IPv4address = dec-octet "." dec-octet "." dec-octet "." dec-octet       (RFC 3986 §3.2.2)
 *
 * Read here as well as in the kernel, whose record of the request's head stays valid so: behind a proxy each request has an address or
 * two. A test compares both. Null for anything else.
 */
function ipv4Pieces(text: string): number[] | null {
  let [high, low, octet, digits, dots] = [0, 0, 0, 0, 0];
  for (let i = 0; i <= text.length; i++) {
    const character = i === text.length ? DOT : text.charCodeAt(i);
    if (character === DOT) {
      if (digits === 0 || octet > 255 || dots === 4) return null;
      if (dots < 2) high = (high << 8) | octet;
      else low = (low << 8) | octet;
      dots++;
      [octet, digits] = [0, 0];
      continue;
    }
    const digit = character - DIGIT_0;
    // No leading zeros.
    if (digit < 0 || digit > 9 || digits === 3 || (digits > 0 && octet === 0)) return null;
    octet = 10 * octet + digit;
    digits++;
  }
  return dots === 4 ? [high, low] : null;
}

/** Of an IPv6 address in the canonical text made from the kernel's record. */
function ipv6Pieces(text: string): number[] {
  if (text.includes(".")) return [0, 0, 0, 0, 0, 0xffff, ...ipv4Pieces(text.slice(text.lastIndexOf(":") + 1))!];
  const [front, back] = text.split("::").map((half) => half.split(":").filter((piece) => piece !== ""));
  const pieces = front!.map((piece) => Number.parseInt(piece, 16));
  if (back === undefined) return pieces;
  const zeros = new Array<number>(8 - front!.length - back.length).fill(0);
  return [...pieces, ...zeros, ...back.map((piece) => Number.parseInt(piece, 16))];
}
