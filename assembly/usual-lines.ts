// In:    octets from the first of a field line on; what was read of the head so far.
// Out:   the records of all field lines that stand in a usual form, up to the first that does not.
// Never: refuses anything: what is not usual is left to field-line.ts, from its first octet on.
//
// A usual line is: a known name in a usual spelling, or an unknown one; ": "; a value with no white space around it;
// CRLF. Since line ends are found first, lines are independent of each other and the processor reads several at once.

import { FieldLine, FieldName, Head, Memory, NameEntry, Status } from "./abi";
import { finishAuthority } from "./authority";
import { REFUSED, readContentLength, readHost } from "./field-line";
import { nameHash } from "./field-name";
import { readValue } from "./field-value";
import { findLineEnds } from "./line-ends";

const CRLF: u32 = 0x0a0d;
const COLON_SP: u32 = 0x203a;

/** Names whose value the kernel reads, as bits. */
const READ_BY_KERNEL: u32 =
  (1 << FieldName.HOST) |
  (1 << FieldName.CONNECTION) |
  (1 << FieldName.UPGRADE) |
  (1 << FieldName.CONTENT_LENGTH) |
  (1 << FieldName.TRANSFER_ENCODING) |
  (1 << FieldName.EXPECT) |
  (1 << FieldName.PROXY_CONNECTION);

/**
 * Reads field lines from `at` on and returns where the first one begins that it leaves, FIELD_LINES being counted up
 * to it; or 0 where a value is refused, so that all has to be read again in order.
 */
export function readUsualLines(record: usize, base: usize, at: usize, end: usize, maxLines: u32): usize {
  let lines = load<u32>(record, Head.FIELD_LINES);
  let names: u32 = 0;
  do {
    at = readIndexedLines(record, base, at, end, maxLines, lines, names);
    lines = load<u32>(record, Head.FIELD_LINES);
    names = load<u32>(Memory.LINE_ENDS_STATE, 12);
    // Where the known line ends are used up, more of them may be found.
    if (load<u32>(Memory.LINE_ENDS_STATE) !== load<u32>(Memory.LINE_ENDS_STATE, 4)) break;
  } while (findLineEnds(at, end));
  return settle(record, base, names & READ_BY_KERNEL) ? at : 0;
}

/** The loop itself. It calls nothing, so that everything it needs stays in registers. */
function readIndexedLines(
  record: usize,
  base: usize,
  at: usize,
  end: usize,
  maxLines: u32,
  lines: u32,
  names: u32,
): usize {
  const low = v128.load(Memory.TOKEN_NIBBLES);
  const high = v128.load(Memory.TOKEN_NIBBLES + 16);
  let next: usize = load<u32>(Memory.LINE_ENDS_STATE);
  const last: usize = load<u32>(Memory.LINE_ENDS_STATE, 4);
  let line: usize = record + Head.SIZE + lines * FieldLine.SIZE;
  // Bounds: lines < maxLines keeps `line` inside the record; lineEnd + 2 <= end keeps the CRLF, and so all of the line,
  // inside the input; vector loads at `at` reach at most 31 octets behind `end`, into SLACK; colon >= 4 keeps the
  // hash's loads inside the line.
  while (next < last && lines < maxLines) {
    const lineEnd: usize = load<u32>(next);
    if (lineEnd < at) {
      next += 4;
      continue;
    }
    if (lineEnd + 2 > end || load<u16>(lineEnd) !== CRLF) break;
    const first = v128.load(at);
    const second = v128.load(at, 16);
    const colons =
      <u32>i8x16.bitmask(i8x16.eq(first, i8x16.splat(0x3a))) |
      ((<u32>i8x16.bitmask(i8x16.eq(second, i8x16.splat(0x3a)))) << 16);
    const length = <usize>ctz(colons);
    if (length - 4 > <usize>(NameEntry.LONGEST - 4)) break;
    const valueStart = at + length + 2;
    // One SP behind the colon, and no white space or nothing behind that; none in front of the line's end.
    if (valueStart >= lineEnd || load<u8>(valueStart) <= 0x20 || load<u8>(lineEnd - 1) <= 0x20) break;

    const entry: usize =
      <usize>Memory.NAMES + ((<usize>load<u8>(<usize>Memory.NAME_HASHES + nameHash(at, at + length))) << 6);
    const same =
      <u32>i8x16.bitmask(i8x16.eq(first, v128.load(entry))) |
      ((<u32>i8x16.bitmask(i8x16.eq(second, v128.load(entry, 16)))) << 16);
    let code: u32 = 0;
    if ((same | (((<u32>-1) << (<u32>(length + 1))) << 1)) === <u32>-1) {
      code = load<u32>(entry, NameEntry.CODE);
      const name = code & 63;
      if (name < <u32>FieldName.COMMON) {
        const known = record + Head.KNOWN + ((<usize>name) << 2);
        // A name that came before is read in order.
        if (load<u32>(known) !== 0) break;
        store<u32>(known, 0x10000 + lines + 1);
        names |= 1 << name;
      }
    } else {
      if (load<u16>(at + length) !== COLON_SP) break;
      // A name that the kernel reads may be spelt in another way.
      const initial: u32 = (load<u8>(at) | 0x20) - 0x61;
      if ((load<u32>(<usize>Memory.SUSPECTS + (length << 2)) >> initial) & 1) break;
      const others =
        <u32>i8x16.bitmask(i8x16.eq(nibbles(first, low, high), i8x16.splat(0))) |
        ((<u32>i8x16.bitmask(i8x16.eq(nibbles(second, low, high), i8x16.splat(0)))) << 16);
      if (<usize>ctz(others) !== length) break;
    }
    store<u32>(line, at - base, FieldLine.NAME_START);
    store<u32>(line, ((<u32>(at + length - base)) << 8) | code, FieldLine.NAME);
    store<u32>(line, valueStart - base, FieldLine.VALUE_START);
    store<u32>(line, lineEnd - base, FieldLine.VALUE_END);
    line += FieldLine.SIZE;
    lines++;
    next += 4;
    at = lineEnd + 2;
  }
  store<u32>(Memory.LINE_ENDS_STATE, next);
  store<u32>(Memory.LINE_ENDS_STATE, names, 12);
  store<u32>(record, lines, Head.FIELD_LINES);
  return at;
}

/** Lanes that are not zero where an octet belongs to the class of a table of nibbles. */
function nibbles(octets: v128, low: v128, high: v128): v128 {
  const byLow = i8x16.swizzle(low, v128.and(octets, i8x16.splat(15)));
  return v128.and(byLow, i8x16.swizzle(high, v128.and(i16x8.shr_u(octets, 4), i8x16.splat(15))));
}

/** Reads the values that decide how the message is read. False where one is refused. */
function settle(record: usize, base: usize, names: u32): bool {
  while (names) {
    const name = <FieldName>ctz(names);
    names &= names - 1;
    const index = (load<u32>(record + Head.KNOWN + ((<usize>name) << 2)) & 0xffff) - 1;
    const line = record + Head.SIZE + <usize>index * FieldLine.SIZE;
    const start = base + load<u32>(line, FieldLine.VALUE_START);
    const end = base + load<u32>(line, FieldLine.VALUE_END);
    if (name === FieldName.HOST) {
      if (readHost(record, base, start, end, end, end + 2) === REFUSED) return false;
      if (finishAuthority(record + Head.HOST, base) !== Status.COMPLETE) return false;
    } else if (name === FieldName.CONTENT_LENGTH) {
      if (readContentLength(record, base, start, end, end) === REFUSED) return false;
    }
    if (readValue(record, name, start, end) !== Status.COMPLETE) return false;
  }
  return true;
}
