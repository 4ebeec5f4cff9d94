// In:    the first octets of a connection, cut anywhere.
// Out:   its PROXY header and where it ends; or that more octets are needed, or why it is malformed.
// Never: guesses whether there is one; the configuration determines that.

import { formatAddress } from "../../head/ip-address.js";
import { countOctets, latin1, viewOf } from "../../head/kernel/latin1.js";
import { ProxyFault, type ProxyFaultCode } from "./fault.js";
import { nothingStated, type ProxyEndpoint, type ProxyHeader } from "./header.js";
import { readProxyLine } from "./v1.js";
import { readProxyTlvs } from "./v2-tlvs.js";

export type ProxyResult =
  /** `consumed`: octets of this chunk that belong to the header; `size`: all its octets. */
  | { kind: "complete"; header: ProxyHeader; consumed: number; size: number }
  | { kind: "partial" }
  | { kind: "malformed"; fault: ProxyFault };

/** How a header of each version begins (PROXY protocol §2.1, §2.2). They differ in their first octet. */
const LINE = Uint8Array.from("PROXY", (character) => character.charCodeAt(0));
const SIGNATURE = Uint8Array.from("\r\n\r\n\0\r\nQUIT\n", (character) => character.charCodeAt(0));

/** Octets of a line, including its CRLF (§2.1). */
export const PROXY_LINE_OCTETS = 107;
/** Octets of version 2 before those that the length counts: signature, version and command, family, length (§2.2). */
const FIXED_OCTETS = 16;
/** Their offsets, after the signature. */
const COMMAND_AT = 12;
const FAMILY_AT = 13;
const LENGTH_AT = 14;

const CR = 0x0d;
const LF = 0x0a;

/** The families that may be sent (§2.2), by their octet: the octets of an address and of a port. */
const families = new Map<number, { transport: "stream" | "datagram" | null; address: number; port: number }>([
  [0x00, { transport: null, address: 0, port: 0 }],
  [0x11, { transport: "stream", address: 4, port: 2 }],
  [0x12, { transport: "datagram", address: 4, port: 2 }],
  [0x21, { transport: "stream", address: 16, port: 2 }],
  [0x22, { transport: "datagram", address: 16, port: 2 }],
  [0x31, { transport: "stream", address: 108, port: 0 }],
  [0x32, { transport: "datagram", address: 108, port: 0 }],
]);

const PARTIAL = Object.freeze({ kind: "partial" });

/**
 * Reads one PROXY header of either version in linear time, however it is cut. A fault is found at the first octet that shows it,
 * in a line at its end. Not usable after `complete` and `malformed`.
 */
export class ProxyReader {
  readonly #max: number;
  /** Room for a line, until a length asks for more. */
  #octets = new Uint8Array(PROXY_LINE_OCTETS);
  #length = 0;
  /** Octets of the header; 0 while that is unknown. */
  #size = 0;

  /** `max`: octets of a header of version 2. */
  constructor(max: number) {
    this.#max = max;
  }

  read(chunk: Uint8Array): ProxyResult {
    const count = countOctets(chunk);
    let at = 0;
    while (at < count) {
      let fault: ProxyFaultCode | null = null;
      if (this.#size > 0) {
        const end = Math.min(count, at + this.#size - this.#length);
        this.#octets.set(viewOf(chunk, at, end), this.#length);
        this.#length += end - at;
        at = end;
      } else {
        const octet = chunk[at++]!;
        this.#octets[this.#length++] = octet;
        fault = this.#octets[0] === LINE[0] ? this.#stepLine(octet) : this.#stepBlock(octet);
      }
      if (fault !== null) return { kind: "malformed", fault: new ProxyFault(fault, this.#blamed(fault)) };
      if (this.#length === this.#size) return this.#finish(at);
    }
    return PARTIAL as ProxyResult;
  }

  /** The newest octet of a line; the offending octet is this one, or the CR before it. */
  #stepLine(octet: number): ProxyFaultCode | null {
    const at = this.#length - 1;
    if (at < LINE.length) return octet === LINE[at] ? null : "PROXY_SIGNATURE";
    const isAfterCr = this.#octets[at - 1] === CR;
    if (isAfterCr && octet === LF) this.#size = this.#length;
    else if (isAfterCr || octet === LF) return "PROXY_LINE_ENDING";
    else if (this.#length === PROXY_LINE_OCTETS) return "PROXY_LINE_LENGTH";
    return null;
  }

  /** The newest octet before the addresses of version 2. */
  #stepBlock(octet: number): ProxyFaultCode | null {
    const at = this.#length - 1;
    if (at < SIGNATURE.length) return octet === SIGNATURE[at] ? null : "PROXY_SIGNATURE";
    if (at === COMMAND_AT) {
      if (octet >> 4 !== 2) return "PROXY_VERSION";
      return (octet & 15) > 1 ? "PROXY_COMMAND" : null;
    }
    // With LOCAL the family is ignored.
    if (at === FAMILY_AT) return this.#isLocal || families.has(octet) ? null : "PROXY_FAMILY";
    if (at === FIXED_OCTETS - 1) return this.#readLength();
    return null;
  }

  #readLength(): ProxyFaultCode | null {
    const octets = this.#octets;
    const size = FIXED_OCTETS + ((octets[LENGTH_AT]! << 8) | octets[LENGTH_AT + 1]!);
    if (size > this.#max) return "PROXY_TOO_LARGE";
    if (!this.#isLocal && size < this.#tlvsAt) return "PROXY_BLOCK_SHORT";
    if (size > octets.length) {
      this.#octets = new Uint8Array(size);
      this.#octets.set(octets.subarray(0, FIXED_OCTETS));
    }
    this.#size = size;
    return null;
  }

  get #isLocal(): boolean {
    return (this.#octets[COMMAND_AT]! & 15) === 0;
  }

  /** Where the addresses of the family end. */
  get #tlvsAt(): number {
    const { address, port } = families.get(this.#octets[FAMILY_AT]!)!;
    return FIXED_OCTETS + 2 * (address + port);
  }

  #blamed(fault: ProxyFaultCode): number {
    const at = this.#length - 1;
    if (fault === "PROXY_TOO_LARGE" || fault === "PROXY_BLOCK_SHORT") return LENGTH_AT;
    return fault === "PROXY_LINE_ENDING" && this.#octets[at - 1] === CR ? at - 1 : at;
  }

  #finish(consumed: number): ProxyResult {
    const octets = this.#octets.subarray(0, this.#size);
    const header = octets[0] === LINE[0] ? readProxyLine(octets.subarray(0, -2)) : this.#readBlock(octets);
    if (header instanceof ProxyFault) return { kind: "malformed", fault: header };
    return { kind: "complete", header, consumed, size: this.#size };
  }

  /**
   * Two addresses, then two ports, then TLVs (§2.2). After LOCAL and UNSPEC nothing is read: addresses may follow, and
   * nothing states where they end.
   */
  #readBlock(octets: Uint8Array): ProxyHeader | ProxyFault {
    if (this.#isLocal) return { ...nothingStated, version: 2, command: "LOCAL" };
    const { transport, address, port } = families.get(octets[FAMILY_AT]!)!;
    if (transport === null) return { ...nothingStated, version: 2, command: "PROXY" };
    const tlvs = readProxyTlvs(octets, this.#tlvsAt);
    if (tlvs instanceof ProxyFault) return tlvs;
    const end = (i: 0 | 1): ProxyEndpoint => {
      const start = FIXED_OCTETS + i * address;
      const portAt = FIXED_OCTETS + 2 * address + i * port;
      if (port === 0) return { path: pathOf(octets.subarray(start, start + address)) };
      return { address: addressOf(octets, start, start + address), port: pieceAt(octets, portAt) };
    };
    return { version: 2, command: "PROXY", transport, source: end(0), destination: end(1), ...tlvs };
  }
}

/** sun_path: up to its NUL; an abstract name begins with a NUL, and ends where only NULs follow. */
function pathOf(octets: Uint8Array): string {
  const { length } = octets;
  const nul = octets[0] === 0 ? -1 : octets.indexOf(0);
  let end = nul < 0 ? length : nul;
  while (octets[end - 1] === 0) end--;
  return latin1(octets).read(0, end);
}

function addressOf(octets: Uint8Array, start: number, end: number): string {
  const pieces: number[] = [];
  for (let at = start; at < end; at += 2) pieces.push(pieceAt(octets, at));
  return formatAddress(pieces);
}

/** Two octets in network byte order. */
function pieceAt(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!;
}
