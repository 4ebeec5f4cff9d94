// In:    octets that may hold lines.
// Out:   where lines end, as addresses at Memory.LINE_ENDS, found many octets at a time.
// Never: says that a line is right; the octet at a line end has still to be proved a CRLF.

import { Capacity, Memory } from "./abi";

/** Forgets the line ends of the head before; `at` is where to begin. */
export function beginLineEnds(at: usize): void {
  store<u32>(Memory.LINE_ENDS_STATE, Memory.LINE_ENDS);
  store<u32>(Memory.LINE_ENDS_STATE, Memory.LINE_ENDS, 4);
  store<u32>(Memory.LINE_ENDS_STATE, at, 8);
}

/**
 * Finds the first octet of each run of controls (HTAB is none here) in the next octets, from `at` on at the
 * earliest. The end of a line is such an octet; so is a control where none may be. Returns false where there are no
 * more octets in front of `end`, or where a DEL is among them: this search does not place it, and gives up.
 */
export function findLineEnds(at: usize, end: usize): bool {
  let from: usize = load<u32>(Memory.LINE_ENDS_STATE, 8);
  if (from < at) from = at;
  let out: usize = Memory.LINE_ENDS;
  if (from >= end) return false;
  const to = min<usize>(end, from + Capacity.INDEXED);
  let greatest = i8x16.splat(0);
  let before: u64 = 0; // 1 where the octet in front of the block is a control
  // Bounds: from < end, and SLACK octets follow the input, so that a block's 64 octets can be read. A block has at most
  // 32 runs, and INDEXED octets fewer than LINE_ENDS has room for.
  for (; from < to; from += 64) {
    const a = v128.load(from);
    const b = v128.load(from, 16);
    const c = v128.load(from, 32);
    const d = v128.load(from, 48);
    greatest = i8x16.max_s(i8x16.max_s(greatest, i8x16.max_s(a, b)), i8x16.max_s(c, d));
    const inA = controls(a);
    const inB = controls(b);
    const inC = controls(c);
    const inD = controls(d);
    if (!v128.any_true(v128.or(v128.or(inA, inB), v128.or(inC, inD)))) {
      before = 0;
      continue;
    }
    const low = <u64>(<u32>i8x16.bitmask(inA) | ((<u32>i8x16.bitmask(inB)) << 16));
    const high = <u64>(<u32>i8x16.bitmask(inC) | ((<u32>i8x16.bitmask(inD)) << 16));
    const all = low | (high << 32);
    let first = all & ~((all << 1) | before);
    before = all >> 63;
    while (first) {
      store<u32>(out, from + <usize>ctz(first));
      out += 4;
      first &= first - 1;
    }
  }
  const hasDel = v128.any_true(i8x16.eq(greatest, i8x16.splat(0x7f)));
  store<u32>(Memory.LINE_ENDS_STATE, Memory.LINE_ENDS);
  store<u32>(Memory.LINE_ENDS_STATE, hasDel ? Memory.LINE_ENDS : out, 4);
  store<u32>(Memory.LINE_ENDS_STATE, hasDel ? end : from, 8);
  return !hasDel;
}

/**
 * Lanes of all ones where an octet is a control other than HTAB or DEL: the exclusive or moves HTAB to 0 and keeps the
 * other controls in 1..31, the sum moves those, and only those, to the least signed values.
 */
function controls(octets: v128): v128 {
  const moved = i8x16.add(v128.xor(octets, i8x16.splat(0x09)), i8x16.splat(0x7f));
  return i8x16.lt_s(moved, i8x16.splat(-97));
}
