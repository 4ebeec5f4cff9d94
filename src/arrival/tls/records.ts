// In:    the octets of a TLS connection from its first record on, cut anywhere.
// Out:   what its ClientHello asks for, with all octets so far; or that more octets are needed, or why it is malformed.
// Never: speaks TLS, or consumes an octet: the owner of the connection reads all of them again.

import { countOctets, NOTHING, viewOf } from "../../head/kernel/latin1.js";
import { type ClientHello, MESSAGE_HEADER, readClientHello } from "./client-hello.js";
import { HelloFault, type HelloFaultCode } from "./fault.js";

export type HelloResult =
  /** `octets`: everything that has arrived, including octets after the ClientHello. */
  | { kind: "complete"; hello: ClientHello; octets: Uint8Array }
  | { kind: "partial" }
  | { kind: "malformed"; fault: HelloFault };

/** ContentType handshake, the first octet of a record; and TLS's major version, the second (RFC 8446 §5.1). */
export const HANDSHAKE_RECORD = 22;
export const TLS_MAJOR = 3;

/** Type, version, length (RFC 8446 §5.1). */
const RECORD_HEADER = 5;
/** Octets of a record after its header. */
const RECORD_OCTETS = 16_384;
const CLIENT_HELLO = 1;

const PARTIAL = Object.freeze({ kind: "partial" });

/**
 * Reads one ClientHello, in one record or in many, in linear time, however it is cut. A fault of a record is found at the octet
 * that shows it, a fault of the message when the message is complete. Not usable after `complete` and `malformed`.
 */
export class ClientHelloReader {
  readonly #max: number;
  /** What has come, perhaps with room after it. */
  #octets: Uint8Array = NOTHING;
  #length = 0;
  /** Octets that were read. */
  #at = 0;
  /** Where the current record began, and where it ends; equal while a header is awaited. */
  #recordStart = 0;
  #recordEnd = 0;
  /** Octets of the message that were read, and its size, which is known after its header. */
  #read = 0;
  #size = 0;

  /** `max`: octets of a ClientHello, the headers of its records included. */
  constructor(max: number) {
    this.#max = max;
  }

  read(chunk: Uint8Array): HelloResult {
    this.#append(chunk);
    while (this.#at < this.#length) {
      const fault = this.#at === this.#max ? "HELLO_TOO_LARGE" : this.#step();
      if (fault !== null) return { kind: "malformed", fault: new HelloFault(fault, this.#at) };
      if (this.#read >= MESSAGE_HEADER && this.#read === this.#size) return this.#finish();
    }
    // The chunk belongs to the caller; one with a complete ClientHello, as most are, is not copied.
    if (this.#octets === chunk) this.#octets = new Uint8Array(chunk);
    return PARTIAL as HelloResult;
  }

  #append(chunk: Uint8Array): void {
    const length = this.#length + countOctets(chunk);
    if (this.#length === 0) this.#octets = chunk;
    else {
      if (length > this.#octets.length) {
        const room = new Uint8Array(2 * length);
        room.set(this.#octets.subarray(0, this.#length));
        this.#octets = room;
      }
      this.#octets.set(chunk, this.#length);
    }
    this.#length = length;
  }

  /** Reads an octet of a header, or many after it. */
  #step(): HelloFaultCode | null {
    if (this.#at >= this.#recordEnd) return this.#stepRecord(this.#octets[this.#at]!);
    if (this.#read < MESSAGE_HEADER) return this.#stepMessage(this.#octets[this.#at]!);
    const end = Math.min(this.#length, this.#recordEnd, this.#max, this.#at + this.#size - this.#read);
    this.#read += end - this.#at;
    this.#at = end;
    return null;
  }

  /** The next octet of a record's header. Only the major version is checked, since the minor one has no meaning (§5.1). */
  #stepRecord(octet: number): HelloFaultCode | null {
    const place = this.#at - this.#recordStart;
    if (place === 0 && octet !== HANDSHAKE_RECORD) return "HELLO_RECORD_TYPE";
    if (place === 1 && octet !== TLS_MAJOR) return "HELLO_RECORD_VERSION";
    if (place === RECORD_HEADER - 1) {
      const length = (this.#octets[this.#at - 1]! << 8) | octet;
      if (length === 0 || length > RECORD_OCTETS) return "HELLO_RECORD_LENGTH";
      this.#recordEnd = this.#at + 1 + length;
      this.#recordStart = this.#recordEnd;
    }
    this.#at++;
    return null;
  }

  /** The next octet of the message's header. */
  #stepMessage(octet: number): HelloFaultCode | null {
    if (this.#read === 0 && octet !== CLIENT_HELLO) return "HELLO_MESSAGE_TYPE";
    // The type has one octet, so the rest is the length.
    if (this.#read > 0) this.#size = (this.#size << 8) | octet;
    if (this.#read === MESSAGE_HEADER - 1) {
      this.#size += MESSAGE_HEADER;
      if (this.#size + RECORD_HEADER > this.#max) return "HELLO_TOO_LARGE";
    }
    this.#read++;
    this.#at++;
    return null;
  }

  #finish(): HelloResult {
    const isWhole = countOctets(this.#octets) === this.#length;
    const octets = isWhole ? this.#octets : viewOf(this.#octets, 0, this.#length);
    const hello = readClientHello(this.#message());
    if (!("code" in hello)) return { kind: "complete", hello, octets };
    return { kind: "malformed", fault: new HelloFault(hello.code, this.#offsetOf(hello.at)) };
  }

  /** The message without the headers of its records. */
  #message(): Uint8Array {
    if (this.#at === RECORD_HEADER + this.#size) return viewOf(this.#octets, RECORD_HEADER, this.#at);
    const message = new Uint8Array(this.#size);
    let filled = 0;
    for (const { start, end } of this.#records()) {
      const piece = viewOf(this.#octets, start, Math.min(end, start + this.#size - filled));
      message.set(piece, filled);
      filled += piece.length;
    }
    return message;
  }

  /** The offset of an octet of the message among all octets; past the last one, the end of what was read. */
  #offsetOf(place: number): number {
    let left = place;
    for (const { start, end } of this.#records()) {
      if (left < end - start) return start + left;
      left -= end - start;
    }
    return this.#at;
  }

  /** Where the contents of each record that was read are. */
  *#records(): Generator<{ start: number; end: number }> {
    for (let start = RECORD_HEADER; start < this.#at; ) {
      const end = start + ((this.#octets[start - 2]! << 8) | this.#octets[start - 1]!);
      yield { start, end };
      start = end + RECORD_HEADER;
    }
  }
}
