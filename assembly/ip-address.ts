// In:    octets that may spell an IPv4address, or the inside of an IP-literal.
// Out:   where the spelling ends or fails; the value of an IPv6 address.
// Never: reads brackets' surroundings, ports or names.

import { AuthorityBlock, AuthorityReading, OctetClass } from "./abi";
import { CLOSING_BRACKET, COLON, DIGIT_0, DOT } from "./ascii";
import { hexValue, is, isDigit } from "./octets";

/**
 * IPv4address = dec-octet "." dec-octet "." dec-octet "." dec-octet     (RFC 3986 §3.2.2)
 *
 * Returns one past the last octet of a whole address, or 0.
 */
export function ipv4End(at: usize, end: usize): usize {
  for (let i = 0; i < 3; i++) {
    at = decOctetEnd(at, end);
    if (at === 0 || at === end || load<u8>(at) !== DOT) return 0;
    at++;
  }
  return decOctetEnd(at, end);
}

/** dec-octet = 0..255 without leading zeros (RFC 3986 §3.2.2). One past its longest spelling, or 0 for none. */
function decOctetEnd(at: usize, end: usize): usize {
  const start = at;
  let value: u32 = 0;
  // Bounds: at < end before every load; value stays below 2560.
  while (at < end && isDigit(load<u8>(at))) {
    if (at > start && value === 0) return at;
    const next = value * 10 + load<u8>(at) - DIGIT_0;
    if (next > 255) return at;
    value = next;
    at++;
  }
  return at > start ? at : 0;
}

/** The value of the decimal digits at..end, at most three of them. */
function decimal(at: usize, end: usize): u32 {
  let value: u32 = 0;
  // Bounds: callers pass a dec-octet.
  for (; at < end; at++) value = value * 10 + load<u8>(at) - DIGIT_0;
  return value;
}

/**
 * IPv6address, in all nine forms of RFC 3986 §3.2.2: eight h16 of one to four HEXDIG, of which one run of one
 * or more may be written "::", and of which the last two may be written as an IPv4address. The RFC's own
 * grammar lets "::" be a single h16, and so does this.
 *
 * `at` is after the opening bracket. Returns one past the closing bracket with READING set to LITERAL_CLOSED; otherwise,
 * with READING set to LITERAL, `end` or the first octet that does not belong there.
 */
export function readIpv6(block: usize, at: usize, end: usize): usize {
  store<u32>(block, AuthorityReading.LITERAL, AuthorityBlock.READING);
  const value = block + AuthorityBlock.IPV6;
  let pieces: u32 = 0; // h16 read so far
  let elided: i32 = -1; // how many of them are before "::"
  if (at === end) return at;
  if (load<u8>(at) === COLON) {
    if (++at === end || load<u8>(at) !== COLON) return at;
    elided = 0;
    at++;
  }
  let mayClose = elided === 0;

  // Bounds: at < end before every load; `maxPieces` keeps pieces at 8 or below, so stores stay in the 16 octets.
  while (at < end) {
    const maxPieces: u32 = elided < 0 ? 8 : 7;
    if (mayClose && load<u8>(at) === CLOSING_BRACKET) return close(block, at, pieces, elided);
    if (pieces === maxPieces) return at;

    const start = at;
    let piece: u32 = 0;
    while (at < end && at - start < 4 && is(load<u8>(at), OctetClass.HEXDIG)) {
      piece = (piece << 4) | hexValue(load<u8>(at));
      at++;
    }
    if (at === end || at === start) return at;
    const octet: u32 = load<u8>(at);

    if (octet === DOT && pieces + 2 <= maxPieces && (elided >= 0 || pieces === 6) && decOctetEnd(start, at) === at) {
      return readEmbeddedIpv4(block, start, at, end, pieces, elided);
    }
    // The last piece without "::" is the eighth; with it, any.
    if (octet === CLOSING_BRACKET && (elided >= 0 || pieces === 7)) {
      store<u16>(value + (pieces << 1), piece);
      return close(block, at, pieces + 1, elided);
    }
    if (octet !== COLON || pieces + 1 === maxPieces) return at;
    store<u16>(value + (pieces << 1), piece);
    pieces++;
    if (++at === end) return at;
    mayClose = load<u8>(at) === COLON;
    if (mayClose) {
      if (elided >= 0) return at;
      elided = pieces;
      at++;
    }
  }
  return at;
}

/** ls32 = ... / IPv4address: `start..at` is its first dec-octet, and `at` its first dot. */
function readEmbeddedIpv4(block: usize, start: usize, at: usize, end: usize, pieces: u32, elided: i32): usize {
  let address = decimal(start, at);
  // Bounds: at < end before every load; decOctetEnd keeps at <= end.
  for (let i = 0; i < 3; i++) {
    if (++at === end) return at;
    const next = decOctetEnd(at, end);
    if (next === 0) return at;
    address = (address << 8) | decimal(at, next);
    at = next;
    if (at === end) return at;
    if (load<u8>(at) !== (i < 2 ? DOT : CLOSING_BRACKET)) return at;
  }
  const value = block + AuthorityBlock.IPV6 + (pieces << 1);
  store<u16>(value, address >> 16);
  store<u16>(value, address, 2);
  return close(block, at, pieces + 2, elided);
}

/** Moves the pieces after "::" to the end, fills the gap with zeros, and steps over the bracket at `at`. */
function close(block: usize, at: usize, pieces: u32, elided: i32): usize {
  const value = block + AuthorityBlock.IPV6;
  if (elided >= 0) {
    const moved = pieces - elided;
    // Bounds: elided <= pieces <= 7, so every index is within the eight pieces.
    for (let i: u32 = 1; i <= moved; i++) {
      store<u16>(value + ((8 - i) << 1), load<u16>(value + ((pieces - i) << 1)));
    }
    for (let i: u32 = elided; i < 8 - moved; i++) store<u16>(value + (i << 1), 0);
  }
  store<u32>(block, AuthorityReading.LITERAL_CLOSED, AuthorityBlock.READING);
  return at + 1;
}
