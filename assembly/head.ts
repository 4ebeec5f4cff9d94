// In:    octets, the options and limits of one parse, and a place for the record.
// Out:   a whole head record, or the word why there is none.
// Never: looks behind the head.

import { AuthorityBlock, AuthorityKind, Capacity, FieldName, Flag, Head, OctetClass, Option, Status } from "./abi";
import { readFieldLine } from "./field-line";
import { beginLineEnds } from "./line-ends";
import { CR } from "./octets";
import { readRequestLine } from "./request-line";
import { readCrlf, refuse, wait } from "./stop";
import { readUsualLines } from "./usual-lines";

/**
 * request-line *( field-line CRLF ) CRLF                                (RFC 9112 §2.1)
 *
 * `limit` is the head's largest size in octets, `maxLines` the most field lines, `end` one behind the last octet
 * that has come in.
 */
export function readHead(record: usize, base: usize, end: usize, options: u32, limit: u32, maxLines: u32): Status {
  const window = <usize>limit < end - base ? base + limit : end;
  if (!(options & Option.RESUME)) clear(record);
  const most = min<u32>(maxLines, Capacity.FIELD_LINES);
  if (readLines(record, base, window, options, most, !(options & Option.RESUME)) === 0) {
    // What would have to wait behind the limit never becomes a head.
    const waits = load<u32>(record, Head.STATUS) === Status.PARTIAL;
    if (waits && window < end) refuse(record, base, Status.HEAD_TOO_LARGE, window);
  }
  return load<u32>(record, Head.STATUS);
}

function clear(record: usize): void {
  // Bounds: KNOWN has 32 words, two a round, and READ_END is even and below.
  const known = record + Head.KNOWN;
  for (let name: usize = 0; name < <usize>FieldName.READ_END; name += 2) store<u64>(known + (name << 2), 0);
  store<u32>(record, 0, Head.LINE_START);
  store<u32>(record, 0, Head.FLAGS);
  store<u32>(record, 0, Head.FIELD_LINES);
  store<u32>(record, 0, Head.TARGET_FORM);
  store<u32>(record, AuthorityKind.ABSENT, Head.HOST + AuthorityBlock.KIND);
  store<u32>(record, AuthorityKind.ABSENT, Head.TARGET_AUTHORITY + AuthorityBlock.KIND);
  store<u64>(record, 0, Head.CONTENT_LENGTH_LOW);
}

/**
 * Reads line by line; where it has to wait, LINE_START, FLAGS and FIELD_LINES let it go on from the last line. `usual`:
 * lines in a usual form may be read many at a time.
 */
function readLines(record: usize, base: usize, end: usize, options: u32, maxLines: u32, usual: bool): usize {
  let at = base + load<u32>(record, Head.LINE_START);
  if (!(load<u32>(record, Head.FLAGS) & Flag.IN_FIELD_LINES)) {
    at = readRequestLine(record, base, at, end);
    if (at === 0) return 0;
    store<u32>(record, load<u32>(record, Head.FLAGS) | Flag.IN_FIELD_LINES, Head.FLAGS);
  }
  let lines = load<u32>(record, Head.FIELD_LINES);
  if (ASC_FEATURE_SIMD && usual) beginLineEnds(at);
  // Bounds: at < end before the load; lines stays at or below maxLines, which the record has room for.
  while (true) {
    store<u32>(record, lines, Head.FIELD_LINES);
    if (ASC_FEATURE_SIMD && usual) {
      at = readUsualLines(record, base, at, end, maxLines);
      if (at === 0) {
        clear(record);
        return readLines(record, base, end, options, maxLines, false);
      }
      lines = load<u32>(record, Head.FIELD_LINES);
    }
    store<u32>(record, at - base, Head.LINE_START);
    // A name may begin here, where another line may.
    if (at === end) return wait(record, base, end, lines < maxLines ? OctetClass.TOKEN : 0);
    if (load<u8>(at) === CR) return finish(record, base, at, end, options);
    if (lines === maxLines) return refuse(record, base, Status.FIELD_LINES_TOO_MANY, at);
    at = readFieldLine(record, base, at, end, lines);
    if (at === 0) return 0;
    lines++;
  }
}

/** The empty line, and what only a whole head shows. */
function finish(record: usize, base: usize, at: usize, end: usize, options: u32): usize {
  const next = readCrlf(record, base, at, end);
  if (next === 0) return 0;
  const flags = load<u32>(record, Head.FLAGS);
  // An HTTP/1.1 request without Host is answered 400                     (RFC 9112 §3.2)
  const mustHaveHost = (flags & Flag.VERSION_1_1) !== 0 && !(options & Option.HOST_OPTIONAL);
  if (mustHaveHost && !(flags & Flag.HOST)) return refuse(record, base, Status.HOST_MISSING, at);
  store<u32>(record, Status.COMPLETE, Head.STATUS);
  store<u32>(record, next - base, Head.OFFSET);
  return next;
}
