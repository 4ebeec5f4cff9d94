// In:    a window at..end of the input.
// Out:   where the first octet is that ends a run; `end` where none does.
// Never: decides what that octet means.
//
// Every scan has a vector body and a scalar twin with the same answer; the compiler keeps one of them.
// Bounds of every vector load here: at < end, so it reads at most 15 octets past `end`, and `end` is never
// past the input window, which SLACK octets follow. What it finds there is cut off by `earlier`.

import { Memory, OctetClass } from "./abi";
import { DEL, FIRST_VISIBLE, HASH, HTAB, SP } from "./ascii";
import { is, isControl } from "./octets";

function earlier(found: usize, end: usize): usize {
  return found < end ? found : end;
}

/** The first octet that is not a tchar (RFC 9110 §5.6.2). */
export function tokenEnd(at: usize, end: usize): usize {
  if (ASC_FEATURE_SIMD) return nibblesEnd(at, end, Memory.TOKEN_NIBBLES);
  while (at < end && is(load<u8>(at), OctetClass.TOKEN)) at++;
  return at;
}

/** The first octet that is neither unreserved nor a sub-delim (RFC 3986 §2.2, §2.3). */
export function regNameEnd(at: usize, end: usize): usize {
  if (ASC_FEATURE_SIMD) return nibblesEnd(at, end, Memory.REG_NAME_NIBBLES);
  while (at < end && is(load<u8>(at), OctetClass.REG_NAME)) at++;
  return at;
}

/** The first octet that does not belong to the class of a table of nibbles. */
function nibblesEnd(at: usize, end: usize, table: usize): usize {
  for (; at < end; at += 16) {
    const octets = v128.load(at);
    const byLow = i8x16.swizzle(v128.load(table), v128.and(octets, i8x16.splat(15)));
    const byHigh = i8x16.swizzle(v128.load(table, 16), v128.and(i16x8.shr_u(octets, 4), i8x16.splat(15)));
    const others = i8x16.bitmask(i8x16.eq(v128.and(byLow, byHigh), i8x16.splat(0)));
    if (others) return earlier(at + ctz(others), end);
  }
  return end;
}

/** The first octet that no path or query may hold: "#", SP, controls, DEL, everything above ASCII. */
export function targetEnd(at: usize, end: usize): usize {
  if (ASC_FEATURE_SIMD) {
    for (; at < end; at += 16) {
      const octets = v128.load(at);
      // Signed: octets from 0x80 up are negative, so one comparison finds them, the controls and SP.
      const low = i8x16.lt_s(octets, i8x16.splat(<i8>FIRST_VISIBLE));
      const others = v128.or(i8x16.eq(octets, i8x16.splat(<i8>HASH)), i8x16.eq(octets, i8x16.splat(<i8>DEL)));
      const mask = i8x16.bitmask(v128.or(low, others));
      if (mask) return earlier(at + ctz(mask), end);
    }
    return end;
  }
  while (at < end && is(load<u8>(at), OctetClass.TARGET)) at++;
  return at;
}

/** The first control octet other than HTAB. */
export function controlAt(at: usize, end: usize): usize {
  if (ASC_FEATURE_SIMD) {
    for (; at < end; at += 16) {
      const octets = v128.load(at);
      const low = v128.andnot(i8x16.lt_u(octets, i8x16.splat(<i8>SP)), i8x16.eq(octets, i8x16.splat(<i8>HTAB)));
      const mask = i8x16.bitmask(v128.or(low, i8x16.eq(octets, i8x16.splat(<i8>DEL))));
      if (mask) return earlier(at + ctz(mask), end);
    }
    return end;
  }
  while (at < end && !isControl(load<u8>(at))) at++;
  return at;
}

/** The first octet equal to `octet`. */
export function octetAt(at: usize, end: usize, octet: u32): usize {
  if (ASC_FEATURE_SIMD) {
    const wanted = i8x16.splat(<u8>octet);
    for (; at < end; at += 16) {
      const mask = i8x16.bitmask(i8x16.eq(v128.load(at), wanted));
      if (mask) return earlier(at + ctz(mask), end);
    }
    return end;
  }
  while (at < end && load<u8>(at) !== octet) at++;
  return at;
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
