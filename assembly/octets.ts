// In:    an octet, or a run of octets.
// Out:   which character classes of RFC 9110 and RFC 3986 it belongs to; comparison with an ASCII word.
// Never: knows where in a head the octet stands.

import { Memory, OctetClass, Vector } from "./abi";

export const HTAB: u32 = 0x09;
export const LF: u32 = 0x0a;
export const CR: u32 = 0x0d;
export const SP: u32 = 0x20;
export const COLON: u32 = 0x3a;
export const DOT: u32 = 0x2e;
export const SLASH: u32 = 0x2f;
/** CR LF as the octets of one load, the first one lowest. */
export const CRLF: u32 = 0x0a0d;

/** Fills the class table and the nibble table; runs once, when the module is instantiated. */
export function buildTables(): void {
  // tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
  //                                                                                            (RFC 9110 §5.6.2)
  markWord("!#$%&'*+-.^_`|~", OctetClass.TOKEN);
  // scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )                                        (RFC 3986 §3.1)
  markWord("+-.", OctetClass.SCHEME);
  // unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~"                                         (RFC 3986 §2.3)
  // sub-delims = "!" / "$" / "&" / "'" / "(" / ")" / "*" / "+" / "," / ";" / "="               (RFC 3986 §2.2)
  markWord("-._~!$&'()*+,;=", OctetClass.REG_NAME);
  markRange(0x61, 0x7a, OctetClass.TOKEN | OctetClass.SCHEME | OctetClass.REG_NAME);
  markRange(0x41, 0x5a, OctetClass.TOKEN | OctetClass.SCHEME | OctetClass.REG_NAME);
  markRange(0x30, 0x39, OctetClass.TOKEN | OctetClass.SCHEME | OctetClass.REG_NAME | OctetClass.HEXDIG);
  markRange(0x61, 0x66, OctetClass.HEXDIG);
  markRange(0x41, 0x46, OctetClass.HEXDIG);
  markWord("0", OctetClass.ZERO);
  markWord(" \t", OctetClass.WHITESPACE | OctetClass.VALUE);
  markRange(0x21, 0x7e, OctetClass.VALUE);
  markRange(0x80, 0xff, OctetClass.VALUE);
  // Deviation: RFC 3986 leaves out octets that browsers send unencoded (quote, "<", ">", backslash, "^", "`",
  // "{", "|", "}"); all visible ASCII but "#" is read (corpus: TARGET-10).
  markRange(0x21, 0x22, OctetClass.TARGET);
  markRange(0x24, 0x7e, OctetClass.TARGET);

  fillVector(Vector.ONE, 1);
  fillVector(Vector.FIRST_VISIBLE, 0x21);
  fillVector(Vector.COLON, COLON);
  fillVector(Vector.QUESTION_MARK, 0x3f);
  fillVector(Vector.BEHIND_HASH, 0x24);
  fillVector(Vector.TO_LETTERS, 0x7f - 0x7a);
  fillVector(Vector.BELOW_LETTERS, 0x7f - 0x7a + 0x60);
  fillVector(Vector.TO_DIGITS, 0x7f - 0x39);
  fillVector(Vector.BELOW_DIGITS, 0x7f - 0x39 + 0x2c);
  fillVector(Vector.SLASH, SLASH);
  fillNibbles(Memory.TOKEN_NIBBLES, OctetClass.TOKEN);
  fillNibbles(Memory.REG_NAME_NIBBLES, OctetClass.REG_NAME);
}

function fillVector(vector: usize, octet: u64): void {
  store<u64>(<usize>Memory.VECTORS + vector, octet * 0x0101010101010101);
  store<u64>(<usize>Memory.VECTORS + vector, octet * 0x0101010101010101, 8);
}

/** One bit for each high nibble 2..7: an octet belongs to the class where the bits of its two nibbles meet. */
function fillNibbles(table: usize, classes: u32): void {
  // Bounds: both nibbles are below 16, so every store falls into the table's 32 octets.
  for (let octet: u32 = 0x20; octet < 0x80; octet++) {
    const low = table + (octet & 15);
    const bit: u32 = 1 << (octet >> 4);
    store<u8>(table + 16 + (octet >> 4), bit);
    if (is(octet, classes)) store<u8>(low, load<u8>(low) | bit);
  }
}

function markRange(first: u32, last: u32, classes: u32): void {
  // Bounds: last is at most 255, so every store falls into the 256 octets at CLASSES.
  for (let octet = first; octet <= last; octet++) {
    const at: usize = Memory.CLASSES + octet;
    store<u8>(at, load<u8>(at) | classes);
  }
}

function markWord(word: string, classes: u32): void {
  for (let i = 0; i < word.length; i++) {
    const octet: u32 = codeUnit(word, i);
    markRange(octet, octet, classes);
  }
}

/** The i-th code unit of a word of the source; read directly, since a checked index would import an abort. */
export function codeUnit(word: string, i: i32): u32 {
  // Bounds: callers keep 0 <= i < word.length; a string's code units follow its pointer.
  return load<u16>(changetype<usize>(word) + ((<usize>i) << 1));
}

/** True where `octet` belongs to one of `classes`. */
export function is(octet: u32, classes: u32): bool {
  return (load<u8>(Memory.CLASSES + octet) & classes) !== 0;
}

export function isDigit(octet: u32): bool {
  return octet - 0x30 < 10;
}

export function lowerCase(octet: u32): u32 {
  return octet - 0x41 < 26 ? octet | 0x20 : octet;
}

/** Controls that no line of a head may hold: all of CTL but HTAB (RFC 5234 B.1; RFC 9110 §5.5). */
export function isControl(octet: u32): bool {
  return (octet < 0x20 && octet !== HTAB) || octet === 0x7f;
}

/** The value of a HEXDIG. */
export function hexValue(octet: u32): u32 {
  return octet <= 0x39 ? octet - 0x30 : (octet | 0x20) - 0x57;
}

/**
 * True where the octets at..end, no control among them, are exactly `word` but for case. `word` is of lower-case
 * letters, digits and "-".
 */
export function equalsWord(at: usize, end: usize, word: string): bool {
  if (end - at !== <usize>word.length) return false;
  // Bounds: i < word.length = end - at.
  for (let i = 0; i < word.length; i++) {
    const octet: u32 = load<u8>(at + i);
    if (lowerCase(octet) !== codeUnit(word, i)) return false;
  }
  return true;
}
