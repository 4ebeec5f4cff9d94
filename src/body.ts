// In:    the octets behind a request head, and the framing that the head declared.
// Out:   where the body ends.
// Never: changes, decodes or keeps an octet of it.

import { OctetClass } from "../assembly/abi.js";
import type { Framing } from "./head.js";
import { kernel } from "./wasm.js";

/** Where in chunked-body the next octet stands (RFC 9112 §7.1). */
type Place =
  | "size"
  | "size, a digit read"
  | "extension"
  | "LF of size line"
  | "data"
  | "CR of data"
  | "LF of data"
  | "trailer line"
  | "trailer name"
  | "trailer value"
  | "LF of trailer line"
  | "LF of end";

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SEMICOLON = 0x3b;

/** Follows one body. */
export class BodyReader {
  /** True once the body's last octet was seen. */
  done: boolean;
  readonly #chunked: boolean;
  /** Octets of the body, or of the chunk's data, still to come. */
  #left: number;
  #place: Place;
  /** Octets of chunk extensions and trailers that may still come. */
  #spare: number;

  /** `overhead`: the most octets of chunk extensions and trailers in all. */
  constructor(framing: Framing, overhead: number) {
    this.#chunked = framing.kind === "chunked";
    this.#left = framing.kind === "content-length" ? framing.length : 0;
    this.#place = this.#chunked ? "size" : "data";
    this.#spare = overhead;
    this.done = !this.#chunked && this.#left === 0;
  }

  /**
   * Follows the body through `octets` from `start` on. Returns where the body ends in them, `octets.length` where it
   * goes on, or -1 where it is malformed; a malformed body has no end that all would agree on.
   */
  read(octets: Uint8Array, start: number): number {
    let at = start;
    while (at < octets.length && !this.done) {
      if (this.#place !== "data") {
        if (!this.#step(octets[at++]!)) return -1;
        continue;
      }
      const count = Math.min(this.#left, octets.length - at);
      at += count;
      this.#left -= count;
      if (this.#left > 0) continue;
      if (this.#chunked) this.#place = "CR of data";
      else this.done = true;
    }
    return at;
  }

  /**
   * chunked-body = *chunk last-chunk trailer-section CRLF
   * chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF              (RFC 9112 §7.1)
   *
   * Deviation: white space between the size and an extension's ";" is refused, and sizes above 2^53 - 1.
   * False where the octet cannot stand there.
   */
  #step(octet: number): boolean {
    const classes = kernel().classes[octet]!;
    switch (this.#place) {
      case "size":
      case "size, a digit read":
        if (classes & OctetClass.HEXDIG) {
          this.#left = this.#left * 16 + Number.parseInt(String.fromCharCode(octet), 16);
          return this.#go("size, a digit read", Number.isSafeInteger(this.#left));
        }
        if (this.#place === "size") return false;
        if (octet === SEMICOLON) return this.#go("extension");
        return this.#go("LF of size line", octet === CR);
      case "extension":
        if (octet === CR) return this.#go("LF of size line");
        return this.#spend(classes & OctetClass.VALUE);
      case "LF of size line":
        return this.#go(this.#left > 0 ? "data" : "trailer line", octet === LF);
      case "CR of data":
        return this.#go("LF of data", octet === CR);
      case "LF of data":
        return this.#go("size", octet === LF);
      case "trailer line":
        if (octet === CR) return this.#go("LF of end");
        this.#place = "trailer name";
        return this.#spend(classes & OctetClass.TOKEN);
      case "trailer name":
        if (octet === COLON) return this.#go("trailer value");
        return this.#spend(classes & OctetClass.TOKEN);
      case "trailer value":
        if (octet === CR) return this.#go("LF of trailer line");
        return this.#spend(classes & OctetClass.VALUE);
      case "LF of trailer line":
        return this.#go("trailer line", octet === LF);
      case "LF of end":
        this.done = octet === LF;
        return this.done;
      default:
        return false;
    }
  }

  #go(place: Place, fits = true): boolean {
    this.#place = place;
    return fits;
  }

  #spend(fits: number): boolean {
    this.#spare--;
    return fits !== 0 && this.#spare >= 0;
  }
}
