// In:    octets from the first of a head, or of one of its field lines, on; what was read of the head so far.
// Out:   request line and field lines in the common form, recorded; where the first one is that has another form.
// Never: refuses anything: what is not common is left to request-line.ts and field-line.ts, from its first octet on.
//
// Common are: GET, an origin-form, HTTP/1.1; a known name in a common spelling, or an unknown one, ": ", and a value with no
// white space around it. Since line ends are found first, lines are independent of each other and the processor reads
// several at once. Nothing here is called in a loop, so that everything stays in registers; for the
// same reason conditions are not joined.

import { FieldLine, FieldSpelling, Flag, Head, Memory, NameEntry, Vector } from "./abi";
import { COLON_SP, CRLF, GET_SP, HTTP_1_1, SLASH, SP } from "./ascii";
import { CASE_BITS, isSuspect, nameEntry, spellingMask } from "./field-name";

/** The first field-line record. */
const FIRST_LINE: usize = Memory.RECORD + Head.SIZE;

/**
 * Reads from `at` on, the request line first where FLAGS does not say that it was read, and returns where the first
 * line begins that it leaves. FLAGS, SEEN, FIELD_LINES and FIELDS_START count up to there; FIELD_LINES is above `maxLines`
 * where there are too many. Line ends are sought in `indexed` octets at a time. Here, positions count from Memory.INPUT.
 */
export function readCommonLines(at: usize, end: usize, maxLines: u32, indexed: u32): usize {
  const colon = v128.load(Memory.VECTORS + Vector.COLON);
  let seen = load<u32>(Memory.RECORD, Head.SEEN);
  let line: usize = FIRST_LINE + load<u32>(Memory.RECORD, Head.FIELD_LINES) * FieldLine.SIZE;
  const lineLimit: usize = FIRST_LINE + maxLines * FieldLine.SIZE;
  let from = at;
  while (from < end) {
    if (line > lineLimit) break;
    const to = min<usize>(end, from + indexed);
    const isFirst = !(load<u32>(Memory.RECORD, Head.FLAGS) & Flag.IN_FIELD_LINES);
    const ends = isFirst ? Memory.RECORD + Head.REQUEST_LINE : line;
    const last = findLineEnds(from, to, end, ends);
    from = to;
    if (ends === last) continue;
    if (isFirst) {
      const fieldsStart = readCommonRequestLine(at, load<u32>(ends, FieldLine.END));
      if (fieldsStart === 0) break;
      at = fieldsStart;
    }

    // Bounds: a record has room for maxLines and for one line more in every two octets that are sought. No line end is
    // found whose CRLF is not inside the input. Vector loads at `at` reach at most 31 octets past that, and those at
    // the colon two, into SLACK; the hash reads at most four octets before `at`, where an earlier line ends.
    while (line < last) {
      const lineEnd: usize = load<u32>(line, FieldLine.END);
      if (load<u16>(lineEnd, Memory.INPUT) !== CRLF) break;
      const first = v128.load(at, Memory.INPUT);
      const second = v128.load(at, Memory.INPUT + 16);
      const nameEnd = at + <usize>ctz(octetBits(i8x16.eq(first, colon), i8x16.eq(second, colon)));
      // No white space after the one SP, and none before the line's end. (Controls are line ends.)
      if (load<u8>(nameEnd, Memory.INPUT + 2) === SP) break;
      if (load<u8>(lineEnd, Memory.INPUT - 1) === SP) break;

      const entry = nameEntry(load<u32>(at, Memory.INPUT), load<u32>(nameEnd, Memory.INPUT - 4));
      const same = octetBits(
        i8x16.eq(first, v128.load(entry, Memory.NAMES)),
        i8x16.eq(second, v128.load(entry, Memory.NAMES + 16)),
      );
      // CODE, and MASK above it: one load, and a register less.
      const known = load<u64>(entry, Memory.NAMES + NameEntry.CODE);
      let code = <u32>known;
      if (~same & <u32>(known >> 32)) {
        if (!isOtherName(at, nameEnd, first, second)) break;
        code = 0;
      } else {
        // A name that came before is read in order.
        const bit = load<u32>(entry, Memory.NAMES + NameEntry.BIT);
        if (seen & bit) break;
        seen |= bit;
        store<u32>(<usize>load<u32>(entry, Memory.NAMES + NameEntry.KNOWN), line);
      }
      store<u32>(line, ((<u32>nameEnd) << FieldSpelling.BITS) | code, FieldLine.NAME);
      line += FieldLine.SIZE;
      at = lineEnd + 2;
    }
    if (line < last) break;
  }
  store<u32>(Memory.RECORD, seen, Head.SEEN);
  store<u32>(Memory.RECORD, (line - FIRST_LINE) / FieldLine.SIZE, Head.FIELD_LINES);
  return at;
}

/**
 * Finds the first octet of each run of controls, DEL and octets above ASCII in from..to. The end of a line is such an
 * octet; so is a control where none may be, and obs-text where it may. Only those count that have room for a CRLF before
 * `end`. Each becomes the END of a field-line record, from the one at `out` on; returns where these records end.
 */
function findLineEnds(from: usize, to: usize, end: usize, out: usize): usize {
  const one = v128.load(Memory.VECTORS + Vector.ONE);
  const limit = v128.load(Memory.VECTORS + Vector.FIRST_VISIBLE);
  const begin = out;
  let before: u64 = 0; // 1 where the octet before the block is one of these
  // Bounds: from < to <= end, and SLACK octets follow the input, so that a block's 64 octets can be read. A block has at
  // most 32 runs, and two are written for one that has fewer: a record has room for INDEXED / 2 + 2 more.
  for (; from < to; from += 64) {
    // Adding 1 moves DEL and all above it to the negative numbers, so that one signed comparison finds them, the
    // controls and HTAB.
    const low = octetBits(
      i8x16.lt_s(i8x16.add(v128.load(from, Memory.INPUT), one), limit),
      i8x16.lt_s(i8x16.add(v128.load(from, Memory.INPUT + 16), one), limit),
    );
    const high = octetBits(
      i8x16.lt_s(i8x16.add(v128.load(from, Memory.INPUT + 32), one), limit),
      i8x16.lt_s(i8x16.add(v128.load(from, Memory.INPUT + 48), one), limit),
    );
    const all = <u64>low | ((<u64>high) << 32);
    if (!all) {
      before = 0;
      continue;
    }
    let first = all & ~((all << 1) | before);
    before = all >> 63;
    // Most blocks have at most two line ends: writing both costs less than asking.
    const next = out + <usize>popcnt(first) * FieldLine.SIZE;
    store<u32>(out, from + <usize>ctz(first), FieldLine.END);
    first &= first - 1;
    store<u32>(out, from + <usize>ctz(first), FieldLine.SIZE + FieldLine.END);
    for (out += 2 * FieldLine.SIZE; out < next; out += FieldLine.SIZE) {
      first &= first - 1;
      store<u32>(out, from + <usize>ctz(first), FieldLine.END);
    }
    out = next;
  }
  // What lies past the octets that have come in, or has no room for its CRLF, is not a line end yet.
  for (; out > begin; out -= FieldLine.SIZE) {
    if (<usize>load<u32>(out - FieldLine.SIZE, FieldLine.END) + 2 <= end) break;
  }
  return out;
}

/** GET of an origin-form in HTTP/1.1, its CRLF at `lineEnd`; 0 for anything else. */
function readCommonRequestLine(at: usize, lineEnd: usize): usize {
  // Bounds: `lineEnd` has room for a CRLF; the version is loaded where the shortest line fits before it.
  if (lineEnd < at + 14) return 0;
  if (load<u16>(lineEnd, Memory.INPUT) !== CRLF) return 0;
  if (load<u8>(lineEnd, Memory.INPUT - 9) !== SP) return 0;
  if (load<u64>(lineEnd, Memory.INPUT - 8) !== HTTP_1_1) return 0;
  if (load<u32>(at, Memory.INPUT) !== GET_SP) return 0;
  if (load<u8>(at, Memory.INPUT + 4) !== SLASH) return 0;
  const target = at + 4;
  const spaceAt = lineEnd - 9;
  const limit = v128.load(Memory.VECTORS + Vector.AFTER_HASH);
  const questionMark = v128.load(Memory.VECTORS + Vector.QUESTION_MARK);
  let query = spaceAt;
  let from = target;
  // What no target holds lies below "$"; so do "!" and the quote, which few have. Controls and octets above ASCII
  // would have been line ends. Bounds: a "1" or an earlier octet below "$" ends the loop at the line's end at the latest.
  while (true) {
    const octets = v128.load(from, Memory.INPUT);
    // Of all marks the first one counts, and none past the target.
    const marks = i8x16.bitmask(i8x16.eq(octets, questionMark));
    query = min<usize>(query, marks ? from + <usize>ctz(marks) : spaceAt);
    const stops = i8x16.bitmask(i8x16.lt_s(octets, limit));
    if (stops) {
      if (from + <usize>ctz(stops) !== spaceAt) return 0;
      break;
    }
    from += 16;
  }
  store<u32>(Memory.RECORD, Flag.METHOD_GET | Flag.VERSION_1_1 | Flag.IN_FIELD_LINES, Head.FLAGS);
  store<u32>(Memory.RECORD, at, Head.METHOD_START);
  store<u32>(Memory.RECORD, at + 3, Head.METHOD_END);
  store<u32>(Memory.RECORD, target, Head.TARGET_START);
  store<u32>(Memory.RECORD, spaceAt, Head.TARGET_END);
  store<u32>(Memory.RECORD, target, Head.PATH_START);
  store<u32>(Memory.RECORD, query, Head.QUERY_START);
  store<u32>(Memory.RECORD, lineEnd + 2, Head.FIELDS_START);
  return lineEnd + 2;
}

/**
 * True for a token of up to 30 octets with ": " after it that is not another spelling of a name that the kernel reads;
 * `first` and `second` are the 32 octets from `at` on.
 */
function isOtherName(at: usize, nameEnd: usize, first: v128, second: v128): bool {
  const length = nameEnd - at;
  if (length - 1 > 29) return false;
  if (load<u16>(nameEnd, Memory.INPUT) !== COLON_SP) return false;
  if (isSuspect(load<u8>(at, Memory.INPUT), length)) {
    // Few of those end with the letters of one. (V8 would keep the two words of the loop in registers for this.)
    const last = <u32>load<u64>(nameEnd, Memory.INPUT - 4);
    const entry = nameEntry(i32x4.extract_lane(first, 0) | CASE_BITS, last | CASE_BITS);
    if (load<u32>(entry, Memory.NAMES + NameEntry.MASK) === spellingMask(length)) return false;
  }
  return octetBits(noTokens(first), noTokens(second)) << (32 - <u32>length) === 0;
}

/** The octets that are not tchar. */
function noTokens(octets: v128): v128 {
  const low = i8x16.swizzle(v128.load(Memory.TOKEN_NIBBLES), v128.and(octets, i8x16.splat(15)));
  const high = i8x16.swizzle(v128.load(Memory.TOKEN_NIBBLES, 16), v128.and(i16x8.shr_u(octets, 4), i8x16.splat(15)));
  return i8x16.eq(v128.and(low, high), i8x16.splat(0));
}

/** One bit for each lane of two vectors, the first octet's lowest. */
function octetBits(first: v128, second: v128): u32 {
  return <u32>i8x16.bitmask(first) | ((<u32>i8x16.bitmask(second)) << 16);
}
