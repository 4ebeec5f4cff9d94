// In:    the first octets of a connection, cut anywhere.
// Out:   which protocol they begin, with all octets so far, and for TLS the ClientHello.
// Never: waits for more octets than it needs, or consumes one.

import { kernel } from "../head/kernel/instance.js";
import { countOctets, viewOf } from "../head/kernel/latin1.js";
import { TOKEN } from "../head/kernel/octet-class.js";
import { EMPTY_LINES } from "../head/limits.js";
import type { ClientHello } from "./tls/client-hello.js";
import { ClientHelloReader, HANDSHAKE_RECORD, type HelloResult, TLS_MAJOR } from "./tls/records.js";

/** `h2` by prior knowledge (RFC 9113 §3.3); `other` is anything else. */
type Protocol = "tls" | "h2" | "http/1.1" | "other";

export type FirstOctetsResult =
  /** `octets`: everything that has arrived. `hello`: null if it is not TLS, or if ClientHellos are not read. */
  | { kind: "complete"; protocol: Protocol; hello: ClientHello | null; octets: Uint8Array }
  | Exclude<HelloResult, { kind: "complete" }>;

/** The connection preface of HTTP/2 (RFC 9113 §3.4). */
const PREFACE = Uint8Array.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (character) => character.charCodeAt(0));

/** Octets of a method: a longer token does not begin a request. The longest registered method has 17 (RFC 4437 §6). */
const METHOD_OCTETS = 32;

/** More octets than are ever needed: four empty lines, a method and SP. */
const ROOM = 64;

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;

/** The protocol that octets begin; null where it takes more of them to tell. */
export function protocolOf(octets: Uint8Array): Protocol | null {
  const [first, second] = octets;
  if (first === HANDSHAKE_RECORD) {
    if (second === undefined) return null;
    return second === TLS_MAJOR ? "tls" : "other";
  }
  // Its beginning could also be an HTTP/1.1 request line.
  const shared = octets.subarray(0, PREFACE.length);
  if (shared.every((octet, i) => octet === PREFACE[i])) return shared.length === PREFACE.length ? "h2" : null;
  return protocolOfLine(octets);
}

/** An HTTP/1.1 head begins with a method and SP, possibly after empty lines (RFC 9112 §2.2, §3). */
function protocolOfLine(octets: Uint8Array): "http/1.1" | "other" | null {
  const { classes } = kernel();
  let start = 0;
  for (let lines = 0; octets[start] === CR && lines < EMPTY_LINES; lines++) {
    if (start + 1 === octets.length) return null;
    if (octets[start + 1] !== LF) return "other";
    start += 2;
  }
  for (let at = start; at < octets.length; at++) {
    if (octets[at] === SP && at > start) return "http/1.1";
    if ((classes[octets[at]!]! & TOKEN) === 0 || at - start === METHOD_OCTETS) return "other";
  }
  return null;
}

/** Reads the beginning of a connection. Not usable after `complete` and `malformed`. */
export class FirstOctets {
  readonly #max: number | null;
  /** What has come and does not tell yet. */
  readonly #held = new Uint8Array(ROOM);
  #length = 0;
  #hello: ClientHelloReader | null = null;

  /** `max`: octets of a ClientHello, including the headers of its records; null if ClientHellos are not read. */
  constructor(max: number | null) {
    this.#max = max;
  }

  /** The octets so far, if any, begin a TLS record. */
  get isTls(): boolean {
    return this.#hello !== null || this.#held[0] === HANDSHAKE_RECORD;
  }

  read(chunk: Uint8Array): FirstOctetsResult {
    if (this.#hello !== null) return this.#readHello(this.#hello, chunk);
    const before = this.#length;
    this.#length = Math.min(ROOM, before + countOctets(chunk));
    this.#held.set(viewOf(chunk, 0, this.#length - before), before);
    const protocol = protocolOf(this.#held.subarray(0, this.#length));
    if (protocol === null) return { kind: "partial" };
    const octets = before === 0 ? chunk : joined(this.#held.subarray(0, before), chunk);
    if (protocol !== "tls" || this.#max === null) return { kind: "complete", protocol, hello: null, octets };
    this.#hello = new ClientHelloReader(this.#max);
    return this.#readHello(this.#hello, octets);
  }

  #readHello(reader: ClientHelloReader, chunk: Uint8Array): FirstOctetsResult {
    const result = reader.read(chunk);
    return result.kind === "complete" ? { ...result, protocol: "tls" } : result;
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const octets = new Uint8Array(one.length + countOctets(other));
  octets.set(one);
  octets.set(other, one.length);
  return octets;
}
