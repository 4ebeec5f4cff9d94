// In:    the octets after a head, and the framing of the message.
// Out:   where its content is, where the body ends, and its trailer fields.
// Never: copies content, or keeps any of the body except an incomplete trailer section.

import { kernel } from "../head/kernel/instance.js";
import { countOctets, viewOf } from "../head/kernel/latin1.js";
import { HEXDIG, TOKEN, VALUE } from "../head/kernel/octet-class.js";
import { headBounds } from "../head/limits.js";
import type { Framing } from "../head/request-head.js";
import type { ResponseFraming } from "../head/response-head.js";
import type { SectionReader } from "../head/section-reader.js";
import { type TrailersResult, trailerReader } from "../head/trailers.js";
import { BodyFault, type BodyFaultCode, type MessageFault } from "./fault.js";

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

  /** The first octet of the trailer section, or of the empty line that ends the body. */
  TRAILERS,
  TRAILERS_MORE,
  END_LF,
}

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** Digits that 2^53 - 1 has room for, and two more; a size line should not be a place to hide octets in. */
const SIZE_DIGITS = 16;

/** Digits of a size that are read at once; no more fit an integer of 32 bits without a sign. */
const FEW_DIGITS = 7;

/** Of a message without trailers. @internal */
export const NO_FIELDS: readonly string[] = Object.freeze([]);

interface BodyOptions {
  /** How many trailer lines there may be; 4096 if it is left out. */
  fieldLines?: number;
  /** Octets that the extensions of one chunk may have; `overhead` then counts trailer lines alone. */
  extensionBytes?: number;
}

/** Follows one body. */
export class BodyReader {
  /** True once the body's last octet has been seen. A body that ends with the connection is never done. */
  done: boolean;
  /** After `next`: where the content begins that it has read; it ends where `next` has stopped. */
  contentStart = 0;
  /** The trailer fields, once the body is done: name, value, name, value, as sent. */
  trailers: readonly string[] = NO_FIELDS;
  /** Why the body is malformed, or null. Its offset counts from the body's first octet. */
  fault: MessageFault | null = null;
  readonly #chunked: boolean;
  /** Octets of the body, or of the chunk's data, still to come. */
  #left: number;
  #place: Place;
  /** Digits that the chunk's size may still have. */
  #digits = SIZE_DIGITS;
  /** Octets of chunk extensions and trailers that may still come. */
  #spare: number;
  readonly #overhead: number;
  readonly #extensionBytes: number | null;
  readonly #fieldLines: number;
  #trailerReader: SectionReader<TrailersResult> | null = null;
  /** Octets of the body before those of this call, and before the trailer section. */
  #before = 0;
  #trailersStart = 0;
  /** What the next octet would have to be is known by its place; these are faults of their own. */
  #failure: BodyFaultCode | null = null;

  /** `overhead`: how many octets chunk extensions and trailer lines may have in total, including delimiters. */
  constructor(framing: Framing | ResponseFraming, overhead: number, options: BodyOptions = {}) {
    const { fieldLines = headBounds.fieldLines.max, extensionBytes = null } = options;
    this.#chunked = framing.kind === "chunked";
    this.#left =
      framing.kind === "content-length"
        ? framing.length
        : framing.kind === "until-close"
          ? Number.POSITIVE_INFINITY
          : 0;
    this.#place = this.#chunked ? Place.SIZE : Place.DATA;
    this.#overhead = overhead;
    this.#extensionBytes = extensionBytes;
    this.#spare = extensionBytes ?? overhead;
    this.#fieldLines = fieldLines;
    this.done = !this.#chunked && this.#left === 0;
  }

  /** Octets of the body so far. */
  get taken(): number {
    return this.#before;
  }

  /** Of the octets that come next, so many at least are content. */
  get contentAhead(): number {
    return this.#place === Place.DATA ? this.#left : 0;
  }

  /** True if the end of the connection is the end of the body, or if it has ended. */
  get mayEnd(): boolean {
    return this.done || this.#left === Number.POSITIVE_INFINITY;
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
   * returned if there is none. The caller goes on from there until `done`. After -1, `contentStart` is the offending octet.
   */
  next(octets: Uint8Array, start: number): number {
    const length = countOctets(octets);
    const { classes } = kernel();
    let at = start;
    while (at < length && !this.done) {
      const place = this.#place;
      if (place === Place.DATA) {
        const count = Math.min(this.#left, length - at);
        this.contentStart = at;
        at += count;
        this.#left -= count;
        this.#before += at - start;
        if (this.#left > 0) return at;
        if (this.#chunked) this.#place = Place.DATA_CR;
        else this.done = true;
        return at;
      }
      if (place === Place.TRAILERS_MORE || (place === Place.TRAILERS && octets[at] !== CR)) {
        return this.#readTrailers(octets, start, at, length);
      }
      if (place === Place.SIZE) {
        const next = this.#readSizeLine(octets, at, length, classes);
        if (next > 0) {
          at = next;
          continue;
        }
      } else if (place === Place.DATA_CR && at + 1 < length && octets[at] === CR && octets[at + 1] === LF) {
        this.#place = Place.SIZE;
        at += 2;
        continue;
      }
      const octet = octets[at]!;
      if (!this.#step(octet, classes[octet]!)) {
        this.fault = new BodyFault(this.#failure ?? failureAt(place, octet), this.#before + at - start);
        this.contentStart = at;
        return -1;
      }
      at++;
    }
    this.contentStart = at;
    this.#before += at - start;
    return at;
  }

  /** Reads a size line in its most common form, if all of it is there: few digits and CRLF. Returns its end, or 0. */
  #readSizeLine(octets: Uint8Array, start: number, length: number, classes: Uint8Array): number {
    const most = Math.min(length - 2, start + FEW_DIGITS);
    let at = start;
    let size = 0;
    for (; at < most; at++) {
      const octet = octets[at]!;
      if ((classes[octet]! & HEXDIG) === 0) break;
      size = size * 16 + digit(octet);
    }
    if (at === start || octets[at] !== CR || octets[at + 1] !== LF) return 0;
    this.#left = size;
    this.#endSizeLine();
    return at + 2;
  }

  #endSizeLine(): void {
    this.#place = this.#left > 0 ? Place.DATA : Place.TRAILERS;
    if (this.#extensionBytes === null) return;
    this.#spare = this.#left > 0 ? this.#extensionBytes : this.#overhead;
  }

  /** trailer-section CRLF, not empty                                          (RFC 9112 §7.1.2) */
  #readTrailers(octets: Uint8Array, start: number, at: number, length: number): number {
    if (this.#trailerReader === null) {
      this.#trailerReader = trailerReader(this.#spare, this.#fieldLines);
      this.#trailersStart = this.#before + at - start;
      this.#place = Place.TRAILERS_MORE;
    }
    const result = this.#trailerReader.read(viewOf(octets, at, length));
    if (result.kind === "malformed") {
      this.fault = result.fault.after(this.#trailersStart);
      this.contentStart = Math.max(start, start + this.fault.offset - this.#before);
      return -1;
    }
    const end = result.kind === "complete" ? at + result.consumed : length;
    if (result.kind === "complete") {
      this.trailers = result.lines;
      this.done = true;
    }
    this.#before += end - start;
    this.contentStart = end;
    return end;
  }

  /**
   * chunked-body = *chunk last-chunk trailer-section CRLF
   * chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF              (RFC 9112 §7.1)
   *
   * Deviation: sizes above 2^53 - 1 and sizes of more than 16 digits are refused (corpus: CHUNKED-20, CHUNKED-21).
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
        this.#endSizeLine();
        return octet === LF;
      case Place.DATA_CR:
        return this.#go(Place.DATA_LF, octet === CR);
      case Place.DATA_LF:
        return this.#go(Place.SIZE, octet === LF);
      case Place.END_LF:
        this.done = octet === LF;
        return this.done;
      case Place.TRAILERS:
        return this.#go(Place.END_LF, octet === CR);
      default:
        return this.#stepInExtension(octet, classes);
    }
  }

  #digit(octet: number): boolean {
    this.#left = this.#left * 16 + digit(octet);
    this.#digits--;
    if (this.#digits >= 0 && Number.isSafeInteger(this.#left)) return this.#go(Place.SIZE_MORE);
    this.#failure = "CHUNK_SIZE_TOO_LARGE";
    return false;
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
   * Deviation: white space (BWS) is refused; no sender needs it, and llhttp refuses it as well (corpus: CHUNKED-34).
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

  #go(place: Place, fits = true): boolean {
    this.#place = place;
    return fits;
  }

  /** Counts an octet of extensions or trailers; false if it is one too many. */
  #spend(): boolean {
    if (--this.#spare >= 0) return true;
    this.#failure = "CHUNK_EXTENSIONS_TOO_LARGE";
    return false;
  }
}

/** The value of a HEXDIG. */
function digit(octet: number): number {
  return octet <= 0x39 ? octet - 0x30 : (octet & 0x0f) + 9;
}

/** What an octet shows that does not belong to its place. */
function failureAt(place: Place, octet: number): BodyFaultCode {
  if (place === Place.DATA_CR || place === Place.DATA_LF) return "CHUNK_DATA_ENDING";
  // Everywhere else a CR or an LF could only have been part of a CRLF that ends the line.
  const isLineEnd = place === Place.SIZE_LF || place === Place.END_LF || octet === LF;
  if (isLineEnd) return "CHUNK_LINE_ENDING";
  return place === Place.SIZE || place === Place.SIZE_MORE ? "CHUNK_SIZE_INVALID" : "CHUNK_EXTENSION_INVALID";
}
