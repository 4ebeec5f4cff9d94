// In:    octets from the first of a field line on, and the head's flags so far.
// Out:   the line's record, the Host block, the Content-Length, the flags; or the refusal.
// Never: decides whether fields fit each other at the end of the head; head.ts does that.

import { FieldLine, FieldName, FieldSpelling, Flag, Head, Memory, OctetClass, Status } from "./abi";
import { COLON, DIGIT_0, HTAB, SP } from "./ascii";
import { authorityMayEnd, authorityRefusal, authorityRun, finishAuthority, readAuthority } from "./authority";
import { fieldName } from "./field-name";
import { readValue } from "./field-value";
import { isDigit } from "./octets";
import { controlAt, tokenEnd, whitespaceEnd, whitespaceStart } from "./scan";
import { octetRefusal, readCrlf, refuse, wait } from "./stop";

/** The largest integer that JavaScript keeps exactly, and far above any body. */
const CONTENT_LENGTH_MAX: u64 = (1 << 53) - 1;

/**
 * field-line = field-name ":" OWS field-value OWS                       (RFC 9112 §5)
 *
 * Reads one line with its CRLF into the record at `line`, its `index` counting from 0.
 */
export function readFieldLine(at: usize, end: usize, index: u32): usize {
  const nameEnd = tokenEnd(at, end);
  if (nameEnd === end) return wait(end, OctetClass.TOKEN);
  const octet: u32 = load<u8>(nameEnd);
  if (octet !== COLON || nameEnd === at) return refuse(nameRefusal(octet, nameEnd === at), nameEnd);

  const name = fieldName(at, nameEnd);
  const valueStart = whitespaceEnd(nameEnd + 1, end);
  const lineEnd = controlAt(valueStart, end);
  const valueEnd = whitespaceStart(valueStart, lineEnd);
  let run: u32 = OctetClass.VALUE;
  const isHost = name === FieldName.HOST && !(load<u32>(Memory.RECORD, Head.FLAGS) & Flag.HOST_UNCHECKED);
  if (isHost) {
    run = readHost(valueStart, valueEnd, lineEnd, end);
  } else if (name === FieldName.CONTENT_LENGTH) {
    run = readContentLength(valueStart, valueEnd, lineEnd);
  }
  if (run === REFUSED) return 0;
  if (lineEnd === end) return wait(end, run);
  const next = readCrlf(lineEnd, end);
  if (next === 0) return 0;

  const line = Memory.RECORD + Head.SIZE + index * FieldLine.SIZE;
  store<u32>(
    line,
    ((<u32>(nameEnd - Memory.INPUT)) << FieldSpelling.BITS) | FieldSpelling.PADDED | name,
    FieldLine.NAME,
  );
  store<u32>(line, lineEnd - Memory.INPUT, FieldLine.END);
  store<u32>(line, valueStart - Memory.INPUT, FieldLine.VALUE_START);
  store<u32>(line, valueEnd - Memory.INPUT, FieldLine.VALUE_END);
  if (name === FieldName.UNKNOWN) return next;
  const seen = load<u32>(Memory.RECORD, Head.SEEN);
  const bit: u32 = 1 << name;
  if (seen & bit) {
    store<u32>(Memory.RECORD, load<u32>(Memory.RECORD, Head.REPEATED) | bit, Head.REPEATED);
  } else {
    store<u32>(Memory.RECORD, seen | bit, Head.SEEN);
    store<u32>(<usize>Memory.RECORD + ((<usize>name) << 2), line, Head.KNOWN);
  }

  // Its white space counts.
  const isRaw = name === FieldName.TRANSFER_ENCODING;
  let status = readValue(name, isRaw ? nameEnd + 1 : valueStart, isRaw ? lineEnd : valueEnd);
  if (status !== Status.COMPLETE) return refuse(status, at);
  if (!isHost) return next;
  status = finishAuthority(Memory.RECORD + Head.HOST);
  return status === Status.COMPLETE ? next : refuse(status, valueStart);
}

/** Why a name does not end as it should. */
function nameRefusal(octet: u32, isFirst: bool): Status {
  if (octet === SP || octet === HTAB) {
    // obs-fold, or white space before the first field line             (RFC 9112 §5.2, §2.2)
    // No white space is allowed between name and colon                  (RFC 9112 §5.1)
    return isFirst ? Status.OBS_FOLD : Status.FIELD_NAME_SPACE;
  }
  if (octet === COLON) return Status.FIELD_NAME_EMPTY;
  return octetRefusal(octet, Status.FIELD_LINE_NO_COLON, Status.FIELD_NAME_INVALID);
}

/** What `readHost` and `readContentLength` return after a refusal, instead of a run. */
export const REFUSED: u32 = 0xffffffff;

/**
 * Host = uri-host [ ":" port ]                                          (RFC 9110 §7.2)
 *
 * Reads what has come in of the value and returns the octets that may follow without changing anything.
 */
export function readHost(at: usize, valueEnd: usize, lineEnd: usize, end: usize): u32 {
  const block = Memory.RECORD + Head.HOST;
  const stop = readAuthority(block, at, valueEnd);
  if (stop === valueEnd && authorityMayEnd(block)) {
    if (valueEnd < lineEnd || stop === at) return OctetClass.WHITESPACE;
    return authorityRun(block);
  }
  // The value is incomplete: wait where nothing followed it yet, else what did is the offending octet.
  if (stop === end) return authorityRun(block);
  let octet: u32 = load<u8>(stop);
  let offending = stop;
  if (authorityMayEnd(block)) {
    // White space may still have ended the value; what came after it shows that it did not.
    offending = whitespaceEnd(stop, valueEnd);
    octet = load<u8>(offending);
  }
  const because = offending === stop ? authorityRefusal(block, octet) : Status.AUTHORITY_INVALID;
  refuse(octetRefusal(octet, because, because), offending);
  return REFUSED;
}

/**
 * Content-Length = 1*DIGIT                                              (RFC 9110 §8.6)
 *
 * Deviation: the digit that goes above 2^53 - 1 is refused (corpus: FRAMING-06).
 */
export function readContentLength(at: usize, valueEnd: usize, lineEnd: usize): u32 {
  const start = at;
  let length: u64 = 0;
  // Bounds: at < valueEnd before every load; stopping above 2^53 - 1 keeps length far below 2^64.
  for (; at < valueEnd; at++) {
    const octet: u32 = load<u8>(at);
    length = isDigit(octet) ? length * 10 + (octet - DIGIT_0) : CONTENT_LENGTH_MAX + 1;
    if (length > CONTENT_LENGTH_MAX) {
      refuse(Status.CONTENT_LENGTH_INVALID, whitespaceEnd(at, valueEnd));
      return REFUSED;
    }
  }
  store<u32>(Memory.RECORD, <u32>length, Head.CONTENT_LENGTH_LOW);
  store<u32>(Memory.RECORD, <u32>(length >> 32), Head.CONTENT_LENGTH_HIGH);
  if (valueEnd < lineEnd || valueEnd === start) return OctetClass.WHITESPACE;
  return length === 0 ? OctetClass.ZERO : 0;
}
