// In:    a complete ClientHello, without the headers of its records.
// Out:   the server name, protocols and versions that it asks for, or its first fault.
// Never: interprets any other extension.

import { type Latin1, latin1 } from "../../head/kernel/latin1.js";
import { serverNameOf } from "../server-name.js";
import type { HelloFaultCode } from "./fault.js";

/** What a client asks for in its first message (RFC 8446 §4.1.2). */
export interface ClientHello {
  /**
   * The host_name of server_name (RFC 6066 §3), in lower case and without one trailing dot, as an authority's uri-host;
   * null if the client sends none, or what is not a plain host name, such as an address.
   */
  readonly serverName: string | null;
  /** From ALPN (RFC 7301 §3.1), in the client's order; one character per octet. Empty if it offers none. */
  readonly alpnProtocols: readonly string[];
  /** TLS 1.3 is one of supported_versions (RFC 8446 §4.2.1). */
  readonly offersTls13: boolean;
}

/** The fault of a message; `at` is the offset from its first octet. */
interface MessageFault {
  readonly code: HelloFaultCode;
  readonly at: number;
}

/** Extension types. */
const SERVER_NAME = 0;
const ALPN = 16;
const SUPPORTED_VERSIONS = 43;

const HOST_NAME = 0;
const TLS_1_3 = 0x0304;
/** Type and length, at the beginning of every handshake message (RFC 8446 §4). */
export const MESSAGE_HEADER = 4;
const RANDOM = 32;

/** The octets of a message, and the first fault found in them. */
interface Reading {
  readonly octets: Uint8Array;
  /** The same, as text. */
  readonly text: Latin1;
  fault: MessageFault | null;
}

/**
 * A vector (RFC 8446 §3.4), read from its beginning. After a fault it is empty, so that its reader stops; the
 * first fault is kept.
 */
class Vector {
  readonly #reading: Reading;
  #at: number;
  readonly #end: number;

  constructor(reading: Reading, at: number, end: number) {
    this.#reading = reading;
    this.#at = at;
    this.#end = end;
  }

  get isEmpty(): boolean {
    return this.#reading.fault !== null || this.#at >= this.#end;
  }

  get at(): number {
    return this.#at;
  }

  fail(code: HelloFaultCode, at: number): void {
    this.#reading.fault ??= { code, at };
  }

  /** A number of so many octets, in network byte order. */
  number(octets: number): number {
    let value = 0;
    const end = this.skip(octets);
    for (let at = end - octets; at < end; at++) value = (value << 8) | this.#reading.octets[at]!;
    return value;
  }

  /** Skips so many octets, and returns where it continues. */
  skip(octets: number): number {
    if (this.#at + octets > this.#end) this.fail("HELLO_OVERRUN", this.#at);
    else this.#at += octets;
    return this.#at;
  }

  /** A vector within this one, after its length in so many octets. `code`: the fault of a length that is not allowed. */
  vector(lengthOctets: number, least: number, unit: number, code: HelloFaultCode): Vector {
    const at = this.#at;
    const length = this.number(lengthOctets);
    const start = this.#at;
    if (start + length > this.#end) this.fail("HELLO_OVERRUN", at);
    else if (length < least || length % unit !== 0) this.fail(code, at);
    else this.#at += length;
    return new Vector(this.#reading, start, this.#at);
  }

  /** Everything must have been read. */
  end(code: HelloFaultCode): void {
    if (!this.isEmpty) this.fail(code, this.#at);
  }

  text(): string {
    return this.#reading.fault === null ? this.#reading.text.read(this.#at, this.#end) : "";
  }
}

/** Reads a complete message, including its header. */
export function readClientHello(octets: Uint8Array): ClientHello | MessageFault {
  const reading: Reading = { octets, text: latin1(octets), fault: null };
  const hello = readFields(new Vector(reading, MESSAGE_HEADER, octets.length));
  return reading.fault ?? hello;
}

function readFields(body: Vector): ClientHello {
  const hello = { serverName: null as string | null, alpnProtocols: [] as string[], offersTls13: false };
  const at = body.at;
  // All of TLS has major version 3; the rest determines the version that is used.
  if (body.number(2) >> 8 !== 3) body.fail("HELLO_VERSION", at);
  body.skip(RANDOM);
  const session = body.vector(1, 0, 1, "HELLO_LENGTH");
  if (session.text().length > 32) body.fail("HELLO_LENGTH", session.at - 1);
  body.vector(2, 2, 2, "HELLO_LENGTH");
  body.vector(1, 1, 1, "HELLO_LENGTH");
  // A TLS 1.2 client may send no extensions, and then not even their length (RFC 5246 §7.4.1.2).
  if (body.isEmpty) return hello;
  const extensions = body.vector(2, 0, 1, "HELLO_LENGTH");
  body.end("HELLO_LENGTH");
  const seen = new Set<number>();
  while (!extensions.isEmpty) {
    const typeAt = extensions.at;
    const type = extensions.number(2);
    const data = extensions.vector(2, 0, 1, "HELLO_LENGTH");
    if (seen.has(type)) extensions.fail("HELLO_EXTENSION_REPEATED", typeAt);
    seen.add(type);
    if (type === SERVER_NAME) hello.serverName = readServerName(data);
    else if (type === ALPN) hello.alpnProtocols = readAlpn(data);
    else if (type === SUPPORTED_VERSIONS) hello.offersTls13 = readVersions(data);
  }
  return hello;
}

/**
 * ServerNameList of one host_name (RFC 6066 §3). Deviations: a name of another type is refused, as by OpenSSL, since it is
 * unknown where it ends (corpus: HELLO-27); a host_name that is not one counts as none, as does an empty one (corpus: HELLO-22,
 * HELLO-29).
 */
function readServerName(data: Vector): string | null {
  const list = data.vector(2, 1, 1, "HELLO_SERVER_NAME");
  data.end("HELLO_SERVER_NAME");
  const at = list.at;
  if (list.number(1) !== HOST_NAME) list.fail("HELLO_SERVER_NAME", at);
  const name = list.vector(2, 0, 1, "HELLO_SERVER_NAME");
  list.end("HELLO_SERVER_NAME");
  return serverNameOf(name.text());
}

/** ProtocolNameList (RFC 7301 §3.1). */
function readAlpn(data: Vector): string[] {
  const list = data.vector(2, 2, 1, "HELLO_ALPN");
  data.end("HELLO_ALPN");
  const protocols: string[] = [];
  while (!list.isEmpty) protocols.push(list.vector(1, 1, 1, "HELLO_ALPN").text());
  return protocols;
}

/** The form of the extension in a ClientHello (RFC 8446 §4.2.1). */
function readVersions(data: Vector): boolean {
  const list = data.vector(1, 2, 2, "HELLO_VERSIONS");
  data.end("HELLO_VERSIONS");
  let offersTls13 = false;
  while (!list.isEmpty) if (list.number(2) === TLS_1_3) offersTls13 = true;
  return offersTls13;
}
