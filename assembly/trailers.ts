// In:    octets from the first after the last chunk on; the limits of a trailer section.
// Out:   the records of its lines, as those of a head; or the refusal.
// Never: reads a value: what means something to a message is only allowed in its head.

import { FieldName, Flag, Head, Memory, OctetClass, Option, Status } from "./abi";
import { COLON, CR } from "./ascii";
import { readFieldLine } from "./field-line";
import { fieldName } from "./field-name";
import { equalsWord } from "./octets";
import { tokenEnd } from "./scan";
import { readCrlf, refuse, wait } from "./stop";

/** The names that the kernel reads and that a trailer section must not have. */
const HEAD_ONLY: u32 =
  (1 << FieldName.HOST) |
  (1 << FieldName.CONNECTION) |
  (1 << FieldName.UPGRADE) |
  (1 << FieldName.CONTENT_LENGTH) |
  (1 << FieldName.TRANSFER_ENCODING) |
  (1 << FieldName.EXPECT) |
  (1 << FieldName.PROXY_CONNECTION);

/**
 * trailer-section = *( field-line CRLF )                                (RFC 9112 §7.1.2)
 *
 * Reads it with the CRLF that ends chunked-body. `limit` is the most octets of its lines, `maxLines` their largest number.
 */
export function readTrailers(start: usize, end: usize, options: u32, limit: u32, maxLines: u32): Status {
  const window = <usize>limit < end - start ? start + limit : end;
  let at = start;
  if (options & Option.RESUME) {
    at = Memory.INPUT + load<u32>(Memory.RECORD, Head.LINE_START);
  } else {
    store<u32>(Memory.RECORD, Flag.IN_FIELD_LINES, Head.FLAGS);
    store<u32>(Memory.RECORD, 0, Head.FIELD_LINES);
    store<u32>(Memory.RECORD, start - Memory.INPUT, Head.FIELDS_START);
    store<u64>(Memory.RECORD, 0, Head.SEEN);
  }
  // Bounds: at < end before each load; FIELD_LINES stays at or below maxLines, which the record has room for.
  while (at !== 0) {
    store<u32>(Memory.RECORD, at - Memory.INPUT, Head.LINE_START);
    const lines = load<u32>(Memory.RECORD, Head.FIELD_LINES);
    if (at === end) {
      at = wait(end, lines < maxLines && at < start + limit ? OctetClass.TOKEN : 0);
    } else if (load<u8>(at) === CR) {
      // The empty line is not counted.
      at = readCrlf(at, end);
      // As everywhere, the record has the reason and the place where reading stops.
      if (at !== 0) at = refuse(Status.COMPLETE, at);
    } else if (at >= window) {
      at = refuse(Status.TRAILERS_TOO_LARGE, at);
    } else if (lines === maxLines) {
      at = refuse(Status.FIELD_LINES_TOO_MANY, at);
    } else {
      at = readTrailerLine(at, window, lines);
      store<u32>(Memory.RECORD, lines + <u32>(at !== 0), Head.FIELD_LINES);
    }
  }
  // What would have to wait for octets past the limit never becomes a section.
  const waits = load<u32>(Memory.RECORD, Head.STATUS) === Status.PARTIAL;
  if (waits && window < end && load<u32>(Memory.RECORD, Head.OFFSET) === <u32>(window - Memory.INPUT)) {
    refuse(Status.TRAILERS_TOO_LARGE, window);
  }
  return load<u32>(Memory.RECORD, Head.STATUS);
}

function readTrailerLine(at: usize, end: usize, index: u32): usize {
  const nameEnd = tokenEnd(at, end);
  // Bounds: nameEnd < end before its load.
  if (nameEnd < end && load<u8>(nameEnd) === COLON && isHeadOnly(at, nameEnd))
    return refuse(Status.TRAILER_FIELD, nameEnd);
  return readFieldLine(at, end, index);
}

/**
 * Fields about framing, routing and the connection must not be in a trailer section (RFC 9110 §6.5.1): parsers differ on
 * whether they obey them there, and llhttp obeys `Connection: close` (corpus: TRAILER-20).
 */
function isHeadOnly(at: usize, end: usize): bool {
  if (at === end) return false;
  if ((HEAD_ONLY >> fieldName(at, end)) & 1) return true;
  return equalsWord(at, end, "te") || equalsWord(at, end, "trailer") || equalsWord(at, end, "keep-alive");
}
