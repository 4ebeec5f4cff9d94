// In:    a window at..end of the input.
// Out:   where the first octet is that ends a run; `end` where none does.
// Never: decides what that octet means.
//
// Octets are examined in blocks: vectors of 16, words of 8 where there are no vectors, single ones in the JavaScript
// build, where a word would be put together from them. Each question to a block has a body for each, with the same
// answer, and the compiler keeps one.
// Bounds of every block: at < end, so it reads at most 15 octets past `end`, and `end` is never
// past the input window, which SLACK octets follow. What it finds there is cut off by `earlier`.

import { Memory, OctetClass } from "./abi";
import { CASE_BIT, DEL, DIGIT_9, FIRST_VISIBLE, HASH, HTAB, MINUS, SLASH, SMALL_A, SMALL_Z, SP } from "./ascii";
import { EACH_OCTET, is, isControl } from "./octets";

/** Octets of a block. `WORDS` is set by asconfig.json. */
const BLOCK: usize = ASC_FEATURE_SIMD ? 16 : WORDS ? 8 : 1;

function earlier(found: usize, end: usize): usize {
  return found < end ? found : end;
}

/** The first octet that is not a tchar (RFC 9110 §5.6.2). */
export function tokenEnd(at: usize, end: usize): usize {
  return classEnd(at, end, Memory.TOKEN_NIBBLES, OctetClass.TOKEN);
}

/** The first octet that is neither unreserved nor a sub-delim (RFC 3986 §2.2, §2.3). */
export function regNameEnd(at: usize, end: usize): usize {
  return classEnd(at, end, Memory.REG_NAME_NIBBLES, OctetClass.REG_NAME);
}

/** The first octet that does not belong to the class, which has letters, digits, "-" and "."; vectors need its nibbles. */
function classEnd(at: usize, end: usize, nibbles: usize, octetClass: u32): usize {
  while (at < end) {
    const run = ASC_FEATURE_SIMD ? nibblesRun(at, nibbles) : WORDS ? commonRun(at) : <usize>0;
    if (run === BLOCK) {
      at += BLOCK;
      continue;
    }
    at += run;
    // A word stops at what the class may have besides.
    if (ASC_FEATURE_SIMD || at >= end || !is(load<u8>(at), octetClass)) break;
    at++;
  }
  return earlier(at, end);
}

/** How many octets of a vector, from its first on, belong to the class of a table of nibbles. */
function nibblesRun(at: usize, table: usize): usize {
  const octets = v128.load(at);
  const byLow = i8x16.swizzle(v128.load(table), v128.and(octets, i8x16.splat(15)));
  const byHigh = i8x16.swizzle(v128.load(table, 16), v128.and(i16x8.shr_u(octets, 4), i8x16.splat(15)));
  return laneRun(i8x16.eq(v128.and(byLow, byHigh), i8x16.splat(0)));
}

/** How many lanes come before the first of the others; 16 where there is none. */
function laneRun(others: v128): usize {
  return ctz(<u32>i8x16.bitmask(others) | (1 << 16));
}

// In words, an octet is marked by its highest bit, HIGH_BITS. Sums that stay below 256 in each octet mark exactly what they
// should; `below` may also mark octets after the first that is marked, which do not count.

const HIGH_BITS: u64 = 0x80 * EACH_OCTET;

/** How many octets come before the first of those that are marked; 8 where none is. */
function wordRun(marked: u64): usize {
  return <usize>(ctz(marked & HIGH_BITS) >> 3);
}

/** Marks the octets below `least`, which is at most 128. */
function below(word: u64, least: u64): u64 {
  return (word - least * EACH_OCTET) & ~word;
}

/** Marks octets in `first`..`last` among octets below 128. */
function within(word: u64, first: u64, last: u64): u64 {
  return (word + (0x80 - first) * EACH_OCTET) & ~(word + (0x7f - last) * EACH_OCTET);
}

/** How many octets of a word, from its first on, are letters, digits, "-" or ".". */
function commonRun(at: usize): usize {
  const word = load<u64>(at);
  const low = word & ~HIGH_BITS;
  const letters = within(low | (CASE_BIT * EACH_OCTET), SMALL_A, SMALL_Z);
  const notSlash = (low ^ (SLASH * EACH_OCTET)) + 0x7f * EACH_OCTET;
  return wordRun(~(letters | (within(low, MINUS, DIGIT_9) & notSlash)) | word);
}

/** The first octet that no path or query may hold: "#", SP, controls, DEL, everything above ASCII. */
export function targetEnd(at: usize, end: usize): usize {
  while (at < end) {
    const run = targetRun(at);
    if (run < BLOCK) return earlier(at + run, end);
    at += BLOCK;
  }
  return earlier(at, end);
}

function targetRun(at: usize): usize {
  if (ASC_FEATURE_SIMD) {
    const octets = v128.load(at);
    // Signed: octets from 0x80 up are negative, so one comparison finds them, the controls and SP.
    const low = i8x16.lt_s(octets, i8x16.splat(<i8>FIRST_VISIBLE));
    const others = v128.or(i8x16.eq(octets, i8x16.splat(<i8>HASH)), i8x16.eq(octets, i8x16.splat(<i8>DEL)));
    return laneRun(v128.or(low, others));
  }
  if (WORDS) {
    const word = load<u64>(at);
    // Adding 1 makes DEL one of those above ASCII.
    const low = below(word, FIRST_VISIBLE) | below(word ^ (HASH * EACH_OCTET), 1);
    return wordRun(low | word | (word + EACH_OCTET));
  }
  return <usize>is(load<u8>(at), OctetClass.TARGET);
}

/** The first control octet other than HTAB. */
export function controlAt(at: usize, end: usize): usize {
  while (at < end) {
    const run = valueRun(at);
    if (run === BLOCK) {
      at += BLOCK;
      continue;
    }
    at += run;
    // A word stops at HTAB as well.
    if (!WORDS || at >= end || load<u8>(at) !== HTAB) break;
    at++;
  }
  return earlier(at, end);
}

function valueRun(at: usize): usize {
  if (ASC_FEATURE_SIMD) {
    const octets = v128.load(at);
    const low = v128.andnot(i8x16.lt_u(octets, i8x16.splat(<i8>SP)), i8x16.eq(octets, i8x16.splat(<i8>HTAB)));
    return laneRun(v128.or(low, i8x16.eq(octets, i8x16.splat(<i8>DEL))));
  }
  if (WORDS) {
    const word = load<u64>(at);
    return wordRun(below(word, SP) | below(word ^ (DEL * EACH_OCTET), 1));
  }
  return <usize>!isControl(load<u8>(at));
}

/** The first octet equal to `octet`. */
export function octetAt(at: usize, end: usize, octet: u32): usize {
  while (at < end) {
    const run = otherRun(at, octet);
    if (run < BLOCK) return earlier(at + run, end);
    at += BLOCK;
  }
  return earlier(at, end);
}

function otherRun(at: usize, octet: u32): usize {
  if (ASC_FEATURE_SIMD) return laneRun(i8x16.eq(v128.load(at), i8x16.splat(<u8>octet)));
  if (WORDS) return wordRun(below(load<u64>(at) ^ (octet * EACH_OCTET), 1));
  return <usize>(load<u8>(at) !== octet);
}

/** The first octet that is neither SP nor HTAB. */
export function whitespaceEnd(at: usize, end: usize): usize {
  while (at < end && is(load<u8>(at), OctetClass.WHITESPACE)) at++;
  return at;
}

/** One past the last octet of at..end that is neither SP nor HTAB. */
export function whitespaceStart(at: usize, end: usize): usize {
  while (end > at && is(load<u8>(end - 1), OctetClass.WHITESPACE)) end--;
  return end;
}
