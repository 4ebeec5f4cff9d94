// In:    the octets after a request head, and the framing that the head declared.
// Out:   where the body ends; where its content is, and its trailer fields, for a caller that asks for them.
// Never: changes the body, or keeps any of it except the trailer line that it is in.

import { kernel } from "../head/kernel/instance.js";
import { countOctets } from "../head/kernel/latin1.js";
import { HEXDIG, TOKEN, VALUE } from "../head/kernel/octet-class.js";
import type { Framing } from "../head/request-head.js";

/** What the next octet of chunked-body belongs to (RFC 9112 §7.1), in the order of the grammar. */
const enum Place {
  /** The first digit of chunk-size. */
  SIZE,
  /** Another digit, or what follows the size. */
  SIZE_MORE,
  SIZE_LF,

  /** The first octet of chunk-ext-name. */
  EXTENSION_NAME,
  EXTENSION_NAME_MORE,
  /** The first octet of chunk-ext-val. */
  EXTENSION_VALUE,
  EXTENSION_TOKEN_MORE,
  EXTENSION_STRING,
  EXTENSION_STRING_ESCAPED,
  /** What follows the closing quote. */
  EXTENSION_END,

  DATA,
  DATA_CR,
  DATA_LF,

  /** The first octet of a trailer line, or of the empty line that ends the body. */
  TRAILER,
  TRAILER_NAME,
  TRAILER_VALUE,
  TRAILER_LF,
  END_LF,
}

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** Digits that 2^53 - 1 has room for, and two more; a size line should not be a place to hide octets in. */
const SIZE_DIGITS = 16;

/**
 * Fields about framing, routing and the connection, which must not be in a trailer section (RFC 9110 §6.5.1): parsers
 * differ on whether they obey them there, and llhttp obeys `Connection: close`.
 */
const headOnly = new Set(
  "connection content-length expect host keep-alive proxy-connection te trailer transfer-encoding upgrade".split(" "),
);
const LONGEST_HEAD_ONLY = Math.max(...[...headOnly].map((name) => name.length));

/** For a caller that reads the content as well. */
export interface ContentOptions {
  /** Where the trailer fields go: name, value, name, value, as sent, values without surrounding white space. */
  trailers: string[];
  /** Octets that the extensions of one chunk may have, delimiters included; `overhead` then counts trailer lines alone. */
  extensionBytes: number;
}

/** Which part of chunked-body is malformed, or too long. */
export type BodyFault =
  | "chunk-size"
  | "chunk-extension"
  | "chunk-extensions-too-long"
  | "chunk-end"
  | "trailer"
  | "trailers-too-long";

const LEADING_OR_TRAILING_SPACE = /^[ \t]+|[ \t]+$/g;

/** Follows one body. */
export class BodyReader {
  /** True once the body's last octet has been seen. */
  done: boolean;
  /** After `next`: where the content begins that it has read; it ends where `next` has stopped. */
  contentStart = 0;
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
  readonly #overhead: number;
  readonly #content: ContentOptions | null;
  /** The trailer line so far, as sent, if it is kept. */
  #line = "";
  /** Where the offending octet was taken for. */
  #failed: Place | null = null;

  /**
   * `overhead`: how many octets chunk extensions and trailer lines may have in total, including delimiters.
   * `content`: for a caller that uses `next`.
   */
  constructor(framing: Framing, overhead: number, content: ContentOptions | null = null) {
    this.#overhead = overhead;
    this.#content = content;
    this.#chunked = framing.kind === "chunked";
    this.#left = framing.kind === "content-length" ? framing.length : 0;
    this.#place = this.#chunked ? Place.SIZE : Place.DATA;
    this.#spare = content === null ? overhead : content.extensionBytes;
    this.done = !this.#chunked && this.#left === 0;
  }

  /**
   * Follows the body through `octets` from `start` on. Returns where the body ends in them, `octets.length` where it
   * goes on, or -1 where it is malformed; a malformed body has no end that all would agree on. Do not go on after -1.
   */
  read(octets: Uint8Array, start: number): number {
    const length = countOctets(octets);
    let at = start;
    while (at >= 0 && at < length && !this.done) at = this.next(octets, at);
    return at;
  }

  /**
   * Like `read`, but stops after the next run of content: `contentStart` is where that begins in `octets`, and equals what is
   * returned if there is none. The caller goes on from there until `done`.
   */
  next(octets: Uint8Array, start: number): number {
    const { classes } = kernel();
    const length = countOctets(octets);
    let at = start;
    while (at < length && !this.done) {
      const place = this.#place;
      if (place !== Place.DATA) {
        const octet = octets[at++]!;
        if (this.#step(octet, classes[octet]!)) continue;
        this.#failed = place;
        this.contentStart = at - 1;
        return -1;
      }
      const count = Math.min(this.#left, length - at);
      this.contentStart = at;
      at += count;
      this.#left -= count;
      if (this.#left > 0) return at;
      if (this.#chunked) this.#place = Place.DATA_CR;
      else this.done = true;
      return at;
    }
    this.contentStart = at;
    return at;
  }

  /** After -1: what is malformed; `contentStart` is then the offending octet. */
  get fault(): BodyFault | null {
    const place = this.#failed;
    if (place === null) return null;
    if (place >= Place.TRAILER) return this.#spare < 0 ? "trailers-too-long" : "trailer";
    if (place >= Place.DATA) return "chunk-end";
    if (this.#spare < 0) return "chunk-extensions-too-long";
    return place < Place.EXTENSION_NAME ? "chunk-size" : "chunk-extension";
  }

  /**
   * chunked-body = *chunk last-chunk trailer-section CRLF
   * chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF              (RFC 9112 §7.1)
   *
   * Deviation: sizes above 2^53 - 1 and sizes of more than 16 digits are refused.
   * False where the octet does not belong there.
   */
  #step(octet: number, classes: number): boolean {
    switch (this.#place) {
      case Place.SIZE:
      case Place.SIZE_MORE:
        if (classes & HEXDIG) return this.#digit(octet);
        if (this.#place === Place.SIZE) return false;
        return this.#extensionOrEnd(octet);
      case Place.SIZE_LF:
        this.#digits = SIZE_DIGITS;
        if (this.#content !== null) this.#spare = this.#left > 0 ? this.#content.extensionBytes : this.#overhead;
        return this.#go(this.#left > 0 ? Place.DATA : Place.TRAILER, octet === LF);
      case Place.DATA_CR:
        return this.#go(Place.DATA_LF, octet === CR);
      case Place.DATA_LF:
        return this.#go(Place.SIZE, octet === LF);
      case Place.END_LF:
        this.done = octet === LF;
        return this.done;
      case Place.EXTENSION_NAME:
      case Place.EXTENSION_NAME_MORE:
      case Place.EXTENSION_VALUE:
      case Place.EXTENSION_TOKEN_MORE:
      case Place.EXTENSION_STRING:
      case Place.EXTENSION_STRING_ESCAPED:
      case Place.EXTENSION_END:
        return this.#stepInExtension(octet, classes);
      default:
        return this.#stepInTrailers(octet, classes);
    }
  }

  #digit(octet: number): boolean {
    this.#left = this.#left * 16 + (octet <= 0x39 ? octet - 0x30 : (octet & 0x0f) + 9);
    this.#digits--;
    return this.#go(Place.SIZE_MORE, this.#digits >= 0 && Number.isSafeInteger(this.#left));
  }

  /** After a size or an extension: another extension, or the line's end. */
  #extensionOrEnd(octet: number): boolean {
    if (octet === SEMICOLON) return this.#spend() && this.#go(Place.EXTENSION_NAME);
    return this.#go(Place.SIZE_LF, octet === CR);
  }

  /**
   * chunk-ext     = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )   (RFC 9112 §7.1.1)
   * chunk-ext-val = token / quoted-string
   *
   * Deviation: white space (BWS) is refused; no sender needs it, and llhttp refuses it as well.
   */
  #stepInExtension(octet: number, classes: number): boolean {
    const isToken = (classes & TOKEN) !== 0;
    switch (this.#place) {
      case Place.EXTENSION_NAME:
        return this.#spend() && this.#go(Place.EXTENSION_NAME_MORE, isToken);
      case Place.EXTENSION_NAME_MORE:
        if (octet === EQUALS) return this.#spend() && this.#go(Place.EXTENSION_VALUE);
        return isToken ? this.#spend() : this.#extensionOrEnd(octet);
      case Place.EXTENSION_VALUE:
        if (octet === QUOTE) return this.#spend() && this.#go(Place.EXTENSION_STRING);
        return this.#spend() && this.#go(Place.EXTENSION_TOKEN_MORE, isToken);
      case Place.EXTENSION_TOKEN_MORE:
        return isToken ? this.#spend() : this.#extensionOrEnd(octet);
      case Place.EXTENSION_STRING:
        if (octet === QUOTE) this.#place = Place.EXTENSION_END;
        else if (octet === BACKSLASH) this.#place = Place.EXTENSION_STRING_ESCAPED;
        return this.#spend() && (classes & VALUE) !== 0;
      case Place.EXTENSION_STRING_ESCAPED:
        return this.#spend() && this.#go(Place.EXTENSION_STRING, (classes & VALUE) !== 0);
      default:
        return this.#extensionOrEnd(octet);
    }
  }

  /** trailer-section = *( field-line CRLF )                                    (RFC 9112 §7.1.2) */
  #stepInTrailers(octet: number, classes: number): boolean {
    if (this.#place === Place.TRAILER && octet === CR) return this.#go(Place.END_LF);
    if (!this.#spend()) return false;
    if (this.#content !== null) this.#keep(octet, this.#content.trailers);
    switch (this.#place) {
      case Place.TRAILER:
        this.#name = "";
        this.#place = Place.TRAILER_NAME;
        return this.#nameGoesOn(octet, classes);
      case Place.TRAILER_NAME:
        if (octet === COLON) return this.#go(Place.TRAILER_VALUE, !headOnly.has(this.#name));
        return this.#nameGoesOn(octet, classes);
      case Place.TRAILER_VALUE:
        if (octet === CR) return this.#go(Place.TRAILER_LF);
        return (classes & VALUE) !== 0;
      default:
        return this.#go(Place.TRAILER, octet === LF);
    }
  }

  /** Adds an octet to the line; its LF ends it. */
  #keep(octet: number, trailers: string[]): void {
    if (this.#place !== Place.TRAILER_LF) {
      this.#line += String.fromCharCode(octet);
      return;
    }
    const colon = this.#line.indexOf(":");
    // Without the CR that ended it.
    const value = this.#line.slice(colon + 1, -1);
    trailers.push(this.#line.slice(0, colon), value.replace(LEADING_OR_TRAILING_SPACE, ""));
    this.#line = "";
  }

  #nameGoesOn(octet: number, classes: number): boolean {
    if (this.#name.length <= LONGEST_HEAD_ONLY) this.#name += String.fromCharCode(octet).toLowerCase();
    return (classes & TOKEN) !== 0;
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
