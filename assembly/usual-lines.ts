// In:    octets from the first of a field line on; what was read of the head so far.
// Out:   the records of all field lines that stand in a usual form, up to the first that does not.
// Never: refuses anything: what is not usual is left to field-line.ts, from its first octet on.
//
// A usual line is: a known name in a usual spelling, or an unknown one; ": "; a value with no white space around it;
// CRLF. Since line ends are found first, lines are independent of each other and the processor reads several at once.

import { FieldLine, FieldName, FieldSpelling, Head, Memory, NameEntry, Status, Vector } from "./abi";
import { finishAuthority, readUsualAuthority } from "./authority";
import { REFUSED, readContentLength, readHost } from "./field-line";
import { nameHash } from "./field-name";
import { readValue } from "./field-value";
import { findLineEnds } from "./line-ends";
import { CRLF } from "./octets";
import { tokenEnd } from "./scan";

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
  store<u32>(Memory.LINE_ENDS_STATE, 0, 12);
  do {
    at = readIndexedLines(record, base, at, maxLines);
    // Where the known line ends are used up, more of them may be found.
    if (load<u32>(Memory.LINE_ENDS_STATE) !== load<u32>(Memory.LINE_ENDS_STATE, 4)) break;
  } while (findLineEnds(at, end));
  return settle(record, base, load<u32>(Memory.LINE_ENDS_STATE, 12) & READ_BY_KERNEL) ? at : 0;
}

/**
 * The loop itself. It calls nothing and keeps little, so that all of it stays in registers; for the same reason each
 * condition stands alone.
 */
function readIndexedLines(record: usize, base: usize, at: usize, maxLines: u32): usize {
  const colon = v128.load(Memory.VECTORS + Vector.COLON);
  const before = load<u32>(record, Head.FIELD_LINES);
  let line: usize = record + Head.SIZE + before * FieldLine.SIZE;
  let next: usize = load<u32>(Memory.LINE_ENDS_STATE);
  let last: usize = load<u32>(Memory.LINE_ENDS_STATE, 4);
  // Line ends of a line that was read singly
  while (next < last && <usize>load<u32>(next) < at) next += 4;
  last = min<usize>(last, next + ((maxLines - before) << 2));

  // Bounds: `last` keeps `line` inside the record. findLineEnds gives no line end whose CRLF is not inside the input.
  // Vector loads at `at` reach at most 31 octets behind that, and those at the colon two, into SLACK; the hash reads at
  // most four octets in front of `at`, where an earlier line ends.
  while (next < last) {
    const lineEnd: usize = load<u32>(next);
    if (load<u16>(lineEnd) !== CRLF) break;
    const first = v128.load(at);
    const second = v128.load(at, 16);
    const nameEnd = at + <usize>ctz(octetBits(i8x16.eq(first, colon), i8x16.eq(second, colon)));
    // No white space behind the one SP, and none in front of the line's end; an empty value begins with its CR.
    if (load<u8>(nameEnd, 2) <= 0x20) break;
    if (load<u8>(lineEnd - 1) <= 0x20) break;

    const number = <usize>load<u8>(<usize>Memory.NAME_HASHES + nameHash(at, nameEnd));
    const entry = <usize>Memory.NAMES + number * NameEntry.SIZE;
    const same = octetBits(i8x16.eq(first, v128.load(entry)), i8x16.eq(second, v128.load(entry, 16)));
    let code = load<u32>(entry, NameEntry.CODE);
    if (~same & load<u32>(entry, NameEntry.MASK)) {
      if (!isOtherName(at, nameEnd)) break;
      code = 0;
    } else {
      const bit = load<u32>(entry, NameEntry.BIT);
      if (bit) {
        // A name that came before is read in order.
        const known = record + Head.KNOWN + ((<usize>code & FieldSpelling.NAME) << 2);
        if (load<u32>(known)) break;
        store<u32>(known, 0x10001 + (line - record - Head.SIZE) / FieldLine.SIZE);
        store<u32>(Memory.LINE_ENDS_STATE, load<u32>(Memory.LINE_ENDS_STATE, 12) | bit, 12);
      }
    }
    store<u32>(line, at - base, FieldLine.NAME_START);
    store<u32>(line, ((<u32>(nameEnd - base)) << 8) | code, FieldLine.NAME);
    store<u32>(line, nameEnd + 2 - base, FieldLine.VALUE_START);
    store<u32>(line, lineEnd - base, FieldLine.VALUE_END);
    line += FieldLine.SIZE;
    next += 4;
    at = lineEnd + 2;
  }
  store<u32>(Memory.LINE_ENDS_STATE, next);
  store<u32>(record, (line - record - Head.SIZE) / FieldLine.SIZE, Head.FIELD_LINES);
  return at;
}

/** True for a token with ": " behind it, shorter than 32 octets, that is no other spelling of a name that the kernel reads. */
function isOtherName(at: usize, nameEnd: usize): bool {
  const length = nameEnd - at;
  if (length - 1 > 30) return false;
  if (load<u16>(nameEnd) !== COLON_SP) return false;
  const initial: u32 = (load<u8>(at) | 0x20) - 0x61;
  if ((load<u32>(<usize>Memory.SUSPECTS + (length << 2)) >> initial) & 1) return false;
  return tokenEnd(at, nameEnd) === nameEnd;
}

/** One bit for each lane of two vectors, the first octet's lowest. */
function octetBits(first: v128, second: v128): u32 {
  return <u32>i8x16.bitmask(first) | ((<u32>i8x16.bitmask(second)) << 16);
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
    const block = record + Head.HOST;
    if (name === FieldName.HOST && !readUsualAuthority(block, base, start, end)) {
      if (readHost(record, base, start, end, end, end + 2) === REFUSED) return false;
      if (finishAuthority(block, base) !== Status.COMPLETE) return false;
    } else if (name === FieldName.CONTENT_LENGTH) {
      if (readContentLength(record, base, start, end, end) === REFUSED) return false;
    }
    if (readValue(record, name, start, end) !== Status.COMPLETE) return false;
  }
  return true;
}
