// In:    octets from the first of a field line on, and the head's flags so far.
// Out:   the line's record, the Host block, the Content-Length, the flags; or the refusal.
// Never: decides whether fields fit each other at the end of the head; head.ts does that.

import { FieldLine, FieldName, Head, OctetClass, Status } from "./abi";
import { authorityMayEnd, authorityRefusal, authorityRun, finishAuthority, readAuthority } from "./authority";
import { fieldName } from "./field-name";
import { readValue } from "./field-value";
import { COLON, HTAB, isDigit, SP } from "./octets";
import { controlAt, tokenEnd, whitespaceEnd, whitespaceStart } from "./scan";
import { octetRefusal, readCrlf, refuse, wait } from "./stop";

/** The largest integer that JavaScript keeps exactly, and far above any body. */
const CONTENT_LENGTH_MAX: u64 = (1 << 53) - 1;

/**
 * field-line = field-name ":" OWS field-value OWS                       (RFC 9112 §5)
 *
 * Reads one line with its CRLF into the record at `line`, its `index` counting from 0.
 */
export function readFieldLine(record: usize, base: usize, at: usize, end: usize, index: u32): usize {
  const nameEnd = tokenEnd(at, end);
  if (nameEnd === end) return wait(record, base, end, OctetClass.TOKEN);
  const octet: u32 = load<u8>(nameEnd);
  if (octet !== COLON || nameEnd === at) return refuse(record, base, nameRefusal(octet, nameEnd === at), nameEnd);

  const name = fieldName(at, nameEnd);
  const valueStart = whitespaceEnd(nameEnd + 1, end);
  const lineEnd = controlAt(valueStart, end);
  const valueEnd = whitespaceStart(valueStart, lineEnd);
  let run: u32 = OctetClass.VALUE;
  if (name === FieldName.HOST) {
    run = readHost(record, base, valueStart, valueEnd, lineEnd, end);
  } else if (name === FieldName.CONTENT_LENGTH) {
    run = readContentLength(record, base, valueStart, valueEnd, lineEnd);
  }
  if (run === REFUSED) return 0;
  if (lineEnd === end) return wait(record, base, end, run);
  const next = readCrlf(record, base, lineEnd, end);
  if (next === 0) return 0;

  const line = record + Head.SIZE + index * FieldLine.SIZE;
  store<u32>(line, at - base, FieldLine.NAME_START);
  store<u32>(line, ((<u32>(nameEnd - base)) << 8) | name, FieldLine.NAME);
  store<u32>(line, valueStart - base, FieldLine.VALUE_START);
  store<u32>(line, valueEnd - base, FieldLine.VALUE_END);
  if (name === FieldName.UNKNOWN) return next;
  const known = record + Head.KNOWN + ((<usize>name) << 2);
  const seen = load<u32>(known);
  store<u32>(known, (seen ? seen : index + 1) + 0x10000);

  const isList = name === FieldName.CONNECTION || name === FieldName.TRANSFER_ENCODING;
  let status = readValue(record, name, valueStart, isList ? lineEnd : valueEnd);
  if (status !== Status.COMPLETE) return refuse(record, base, status, at);
  if (name !== FieldName.HOST) return next;
  status = finishAuthority(record + Head.HOST, base);
  return status === Status.COMPLETE ? next : refuse(record, base, status, valueStart);
}

/** What stands where a name should end. */
function nameRefusal(octet: u32, isFirst: bool): Status {
  if (octet === SP || octet === HTAB) {
    // obs-fold, or white space in front of the first field line         (RFC 9112 §5.2, §2.2)
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
export function readHost(record: usize, base: usize, at: usize, valueEnd: usize, lineEnd: usize, end: usize): u32 {
  const block = record + Head.HOST;
  const stop = readAuthority(block, base, at, valueEnd);
  if (stop === valueEnd && authorityMayEnd(block)) {
    if (valueEnd < lineEnd || stop === at) return OctetClass.WHITESPACE;
    return authorityRun(block);
  }
  // The value is not whole: wait where nothing followed it yet, else blame what did.
  if (stop === end) return authorityRun(block);
  let octet: u32 = load<u8>(stop);
  let blamed = stop;
  if (authorityMayEnd(block)) {
    // White space may still have ended the value; what came behind it shows that it did not.
    blamed = whitespaceEnd(stop, valueEnd);
    octet = load<u8>(blamed);
  }
  const because = blamed === stop ? authorityRefusal(block, octet) : Status.AUTHORITY_INVALID;
  refuse(record, base, octetRefusal(octet, because, because), blamed);
  return REFUSED;
}

/**
 * Content-Length = 1*DIGIT                                              (RFC 9110 §8.6)
 *
 * Deviation: the digit that goes above 2^53 - 1 is refused (corpus: FRAMING-06).
 */
export function readContentLength(record: usize, base: usize, at: usize, valueEnd: usize, lineEnd: usize): u32 {
  const start = at;
  let length: u64 = 0;
  // Bounds: at < valueEnd before every load; stopping above 2^53 - 1 keeps length far below 2^64.
  for (; at < valueEnd; at++) {
    const octet: u32 = load<u8>(at);
    length = isDigit(octet) ? length * 10 + (octet - 0x30) : CONTENT_LENGTH_MAX + 1;
    if (length > CONTENT_LENGTH_MAX) {
      refuse(record, base, Status.CONTENT_LENGTH_INVALID, whitespaceEnd(at, valueEnd));
      return REFUSED;
    }
  }
  store<u32>(record, <u32>length, Head.CONTENT_LENGTH_LOW);
  store<u32>(record, <u32>(length >> 32), Head.CONTENT_LENGTH_HIGH);
  if (valueEnd < lineEnd || valueEnd === start) return OctetClass.WHITESPACE;
  return length === 0 ? OctetClass.ZERO : 0;
}
