// In:    an octet, or a run of octets.
// Out:   which character classes of RFC 9110 and RFC 3986 it belongs to; comparison with an ASCII word.
// Never: knows where in a head the octet is.

import { Memory, OctetClass, Vector } from "./abi";
import {
  CAPITAL_A,
  CAPITAL_F,
  CAPITAL_Z,
  CASE_BIT,
  COLON,
  DEL,
  DIGIT_0,
  DIGIT_9,
  FIRST_OBS_TEXT,
  FIRST_VISIBLE,
  HASH,
  HTAB,
  LAST_OBS_TEXT,
  LAST_VISIBLE,
  MINUS,
  QUESTION_MARK,
  SLASH,
  SMALL_A,
  SMALL_F,
  SMALL_Z,
  SP,
} from "./ascii";

/** Multiplied by an octet: a word that holds it eight times. */
export const EACH_OCTET: u64 = 0x0101010101010101;
/** The highest lane of a vector that a signed comparison takes for positive. */
const HIGHEST_SIGNED: u32 = 0x7f;
/** The lower half of an octet. */
const LOW_NIBBLE: u32 = 0x0f;

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
  markRange(SMALL_A, SMALL_Z, OctetClass.TOKEN | OctetClass.SCHEME | OctetClass.REG_NAME);
  markRange(CAPITAL_A, CAPITAL_Z, OctetClass.TOKEN | OctetClass.SCHEME | OctetClass.REG_NAME);
  markRange(DIGIT_0, DIGIT_9, OctetClass.TOKEN | OctetClass.SCHEME | OctetClass.REG_NAME | OctetClass.HEXDIG);
  markRange(SMALL_A, SMALL_F, OctetClass.HEXDIG);
  markRange(CAPITAL_A, CAPITAL_F, OctetClass.HEXDIG);
  markWord("0", OctetClass.ZERO);
  markWord(" \t", OctetClass.WHITESPACE | OctetClass.VALUE);
  markRange(FIRST_VISIBLE, LAST_VISIBLE, OctetClass.VALUE);
  markRange(FIRST_OBS_TEXT, LAST_OBS_TEXT, OctetClass.VALUE);
  // Deviation: RFC 3986 leaves out octets that browsers send unencoded (quote, "<", ">", backslash, "^", "`",
  // "{", "|", "}"); all visible ASCII but "#" is read (corpus: TARGET-10).
  markRange(FIRST_VISIBLE, HASH - 1, OctetClass.TARGET);
  markRange(HASH + 1, LAST_VISIBLE, OctetClass.TARGET);

  fillVector(Vector.ONE, 1);
  fillVector(Vector.FIRST_VISIBLE, FIRST_VISIBLE);
  fillVector(Vector.COLON, COLON);
  fillVector(Vector.QUESTION_MARK, QUESTION_MARK);
  fillVector(Vector.AFTER_HASH, HASH + 1);
  fillVector(Vector.TO_LETTERS, HIGHEST_SIGNED - SMALL_Z);
  fillVector(Vector.BELOW_LETTERS, HIGHEST_SIGNED - SMALL_Z + SMALL_A - 1);
  fillVector(Vector.TO_DIGITS, HIGHEST_SIGNED - DIGIT_9);
  fillVector(Vector.BELOW_DIGITS, HIGHEST_SIGNED - DIGIT_9 + MINUS - 1);
  fillVector(Vector.SLASH, SLASH);
  fillNibbles(Memory.TOKEN_NIBBLES, OctetClass.TOKEN);
  fillNibbles(Memory.REG_NAME_NIBBLES, OctetClass.REG_NAME);
}

function fillVector(vector: usize, octet: u64): void {
  store<u64>(<usize>Memory.VECTORS + vector, octet * EACH_OCTET);
  store<u64>(<usize>Memory.VECTORS + vector, octet * EACH_OCTET, 8);
}

/** One bit for each high nibble 2..7: an octet belongs to the class where the bits of its two nibbles meet. */
function fillNibbles(table: usize, classes: u32): void {
  // Bounds: both nibbles are below 16, so every store falls into the table's 32 octets.
  for (let octet: u32 = SP; octet < FIRST_OBS_TEXT; octet++) {
    const low = table + (octet & LOW_NIBBLE);
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
function codeUnit(word: string, i: i32): u32 {
  // Bounds: callers keep 0 <= i < word.length; a string's code units follow its pointer.
  return load<u16>(changetype<usize>(word) + ((<usize>i) << 1));
}

/** True where `octet` belongs to one of `classes`. */
export function is(octet: u32, classes: u32): bool {
  return (load<u8>(Memory.CLASSES + octet) & classes) !== 0;
}

export function isDigit(octet: u32): bool {
  return octet - DIGIT_0 < 10;
}

function lowerCase(octet: u32): u32 {
  return octet - CAPITAL_A < 26 ? octet | CASE_BIT : octet;
}

/** Controls that no line of a head may hold: all of CTL but HTAB (RFC 5234 B.1; RFC 9110 §5.5). */
export function isControl(octet: u32): bool {
  return (octet < SP && octet !== HTAB) || octet === DEL;
}

/** The value of a HEXDIG. */
export function hexValue(octet: u32): u32 {
  return octet <= DIGIT_9 ? octet - DIGIT_0 : (octet | CASE_BIT) - (SMALL_A - 10);
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
