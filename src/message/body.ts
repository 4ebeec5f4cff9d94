// In:    the octets after a request head, and the framing that the head declared.
// Out:   where the body ends.
// Never: changes or decodes the body, or keeps any of it except the name of a trailer field.

import { OctetClass } from "../../assembly/abi.js";
import { kernel } from "../head/kernel/instance.js";
import { countOctets } from "../head/kernel/latin1.js";
import type { Framing } from "../head/request-head.js";

/** Where in chunked-body the next octet is (RFC 9112 §7.1). */
type Place =
  | "size"
  | "size, a digit read"
  | "extension name"
  | "extension name, an octet read"
  | "extension value"
  | "extension token"
  | "extension string"
  | "extension string, escaped"
  | "extension end"
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
const QUOTE = 0x22;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** The digits of 2^53 - 1, and two more; a size line should have no room to hide octets. */
const SIZE_DIGITS = 16;

/**
 * Fields about framing, routing and the connection, which are not allowed in a trailer section (RFC 9110 §6.5.1): parsers
 * differ on whether they obey them there, and llhttp obeys `Connection: close`.
 */
const headOnly = new Set(
  "connection content-length expect host keep-alive proxy-connection te trailer transfer-encoding upgrade".split(" "),
);
const LONGEST_HEAD_ONLY = Math.max(...[...headOnly].map((name) => name.length));

/** Follows one body. */
export class BodyReader {
  /** True once the body's last octet has been seen. */
  done: boolean;
  readonly #chunked: boolean;
  /** Octets of the body, or of the chunk's data, still to come. */
  #left: number;
  #place: Place;
  /** Digits that the chunk's size may still have. */
  #digits = SIZE_DIGITS;
  /** Octets of chunk extensions and trailers that may still come. */
  #spare: number;
  /** The trailer name so far, in lower case, as long as it may be one of `headOnly`. */
  #name = "";

  /** `overhead`: how many octets chunk extensions and trailer lines may have in total, including delimiters. */
  constructor(framing: Framing, overhead: number) {
    this.#chunked = framing.kind === "chunked";
    this.#left = framing.kind === "content-length" ? framing.length : 0;
    this.#place = this.#chunked ? "size" : "data";
    this.#spare = overhead;
    this.done = !this.#chunked && this.#left === 0;
  }

  /**
   * Follows the body through `octets` from `start` on. Returns where the body ends in them, `octets.length` if it
   * continues, or -1 if it is malformed: recipients would not agree on its end. Do not call again after -1.
   */
  read(octets: Uint8Array, start: number): number {
    const { classes } = kernel();
    const length = countOctets(octets);
    let at = start;
    while (at < length && !this.done) {
      if (this.#place !== "data") {
        const octet = octets[at++]!;
        if (!this.#step(octet, classes[octet]!)) return -1;
        continue;
      }
      const count = Math.min(this.#left, length - at);
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
   * Deviation: sizes above 2^53 - 1 and sizes of more than 16 digits are refused.
   * False if the octet is not allowed there.
   */
  #step(octet: number, classes: number): boolean {
    switch (this.#place) {
      case "size":
      case "size, a digit read":
        if (classes & OctetClass.HEXDIG) return this.#digit(octet);
        if (this.#place === "size") return false;
        return this.#extensionOrEnd(octet);
      case "LF of size line":
        this.#digits = SIZE_DIGITS;
        return this.#go(this.#left > 0 ? "data" : "trailer line", octet === LF);
      case "CR of data":
        return this.#go("LF of data", octet === CR);
      case "LF of data":
        return this.#go("size", octet === LF);
      case "LF of end":
        this.done = octet === LF;
        return this.done;
      default:
        if (this.#place.startsWith("extension")) return this.#stepInExtension(octet, classes);
        return this.#stepInTrailers(octet, classes);
    }
  }

  #digit(octet: number): boolean {
    this.#left = this.#left * 16 + (octet <= 0x39 ? octet - 0x30 : (octet & 0x0f) + 9);
    this.#digits--;
    return this.#go("size, a digit read", this.#digits >= 0 && Number.isSafeInteger(this.#left));
  }

  /** After a size, or after an extension: another extension, or the end of the line. */
  #extensionOrEnd(octet: number): boolean {
    if (octet === SEMICOLON) return this.#spend() && this.#go("extension name");
    return this.#go("LF of size line", octet === CR);
  }

  /**
   * chunk-ext     = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )   (RFC 9112 §7.1.1)
   * chunk-ext-val = token / quoted-string
   *
   * Deviation: white space (BWS) is refused; no sender has to send it, and llhttp refuses it as well.
   */
  #stepInExtension(octet: number, classes: number): boolean {
    const isToken = (classes & OctetClass.TOKEN) !== 0;
    switch (this.#place) {
      case "extension name":
        return this.#spend() && this.#go("extension name, an octet read", isToken);
      case "extension name, an octet read":
        if (octet === EQUALS) return this.#spend() && this.#go("extension value");
        return isToken ? this.#spend() : this.#extensionOrEnd(octet);
      case "extension value":
        if (octet === QUOTE) return this.#spend() && this.#go("extension string");
        return this.#spend() && this.#go("extension token", isToken);
      case "extension token":
        return isToken ? this.#spend() : this.#extensionOrEnd(octet);
      case "extension string":
        if (octet === QUOTE) this.#place = "extension end";
        else if (octet === BACKSLASH) this.#place = "extension string, escaped";
        return this.#spend() && (classes & OctetClass.VALUE) !== 0;
      case "extension string, escaped":
        return this.#spend() && this.#go("extension string", (classes & OctetClass.VALUE) !== 0);
      default:
        return this.#extensionOrEnd(octet);
    }
  }

  /** trailer-section = *( field-line CRLF )                                    (RFC 9112 §7.1.2) */
  #stepInTrailers(octet: number, classes: number): boolean {
    if (this.#place === "trailer line" && octet === CR) return this.#go("LF of end");
    if (!this.#spend()) return false;
    switch (this.#place) {
      case "trailer line":
        this.#name = "";
        this.#place = "trailer name";
        return this.#nameGoesOn(octet, classes);
      case "trailer name":
        if (octet === COLON) return this.#go("trailer value", !headOnly.has(this.#name));
        return this.#nameGoesOn(octet, classes);
      case "trailer value":
        if (octet === CR) return this.#go("LF of trailer line");
        return (classes & OctetClass.VALUE) !== 0;
      default:
        return this.#go("trailer line", octet === LF);
    }
  }

  #nameGoesOn(octet: number, classes: number): boolean {
    if (this.#name.length <= LONGEST_HEAD_ONLY) this.#name += String.fromCharCode(octet).toLowerCase();
    return (classes & OctetClass.TOKEN) !== 0;
  }

  #go(place: Place, fits = true): boolean {
    this.#place = place;
    return fits;
  }

  /** Counts an octet of extensions or trailers; false if it is one too many. */
  #spend(): boolean {
    return --this.#spare >= 0;
  }
}
