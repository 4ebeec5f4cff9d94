// In:    octets that may hold lines.
// Out:   where lines end, as addresses at Memory.LINE_ENDS, found many octets at a time.
// Never: says that a line is right; the octet at a line end has still to be proved a CRLF.

import { Capacity, Memory, Vector } from "./abi";

/** Forgets the line ends of the head before; `at` is where to begin. */
export function beginLineEnds(at: usize): void {
  store<u32>(Memory.LINE_ENDS_STATE, Memory.LINE_ENDS);
  store<u32>(Memory.LINE_ENDS_STATE, Memory.LINE_ENDS, 4);
  store<u32>(Memory.LINE_ENDS_STATE, at, 8);
}

/**
 * Finds the first octet of each run of unusual octets in the next octets, from `at` on at the earliest: controls, DEL
 * and everything above ASCII. The end of a line is such an octet; so is a control where none may be, and obs-text
 * where it may. Only those count that have room for a CRLF. Returns false where there are no more octets in front of
 * `end`.
 */
export function findLineEnds(at: usize, end: usize): bool {
  let from: usize = load<u32>(Memory.LINE_ENDS_STATE, 8);
  if (from < at) from = at;
  if (from >= end) return false;
  const to = min<usize>(end, from + Capacity.INDEXED);
  const one = v128.load(Memory.VECTORS + Vector.ONE);
  const limit = v128.load(Memory.VECTORS + Vector.FIRST_VISIBLE);
  let out: usize = Memory.LINE_ENDS;
  let before: u64 = 0; // 1 where the octet in front of the block is unusual
  // Bounds: from < end, and SLACK octets follow the input, so that a block's 64 octets can be read. A block has at most
  // 32 runs, and two words are written for one that has fewer: LINE_ENDS has room for INDEXED / 2 + 2.
  for (; from < to; from += 64) {
    // Adding 1 moves DEL and all above it to the negative numbers, so that one signed comparison finds them, the
    // controls and HTAB.
    const a = i8x16.lt_s(i8x16.add(v128.load(from), one), limit);
    const b = i8x16.lt_s(i8x16.add(v128.load(from, 16), one), limit);
    const c = i8x16.lt_s(i8x16.add(v128.load(from, 32), one), limit);
    const d = i8x16.lt_s(i8x16.add(v128.load(from, 48), one), limit);
    if (!v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) {
      before = 0;
      continue;
    }
    const low = <u64>(<u32>i8x16.bitmask(a) | ((<u32>i8x16.bitmask(b)) << 16));
    const high = <u64>(<u32>i8x16.bitmask(c) | ((<u32>i8x16.bitmask(d)) << 16));
    const all = low | (high << 32);
    let first = all & ~((all << 1) | before);
    before = all >> 63;
    // Most blocks have at most two line ends: writing both costs less than asking.
    const next = out + ((<usize>popcnt(first)) << 2);
    store<u32>(out, from + <usize>ctz(first));
    first &= first - 1;
    store<u32>(out, from + <usize>ctz(first), 4);
    first &= first - 1;
    for (out += 8; out < next; out += 4) {
      store<u32>(out, from + <usize>ctz(first));
      first &= first - 1;
    }
    out = next;
  }
  // What lies behind the octets that have come in, or has no room for its CRLF, is no line end yet.
  while (out > <usize>Memory.LINE_ENDS && <usize>load<u32>(out - 4) + 2 > end) out -= 4;
  store<u32>(Memory.LINE_ENDS_STATE, Memory.LINE_ENDS);
  store<u32>(Memory.LINE_ENDS_STATE, out, 4);
  store<u32>(Memory.LINE_ENDS_STATE, from, 8);
  return true;
}
