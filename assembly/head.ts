// In:    octets, the options and limits of one parse, and a place for the record.
// Out:   a complete head record, or the status of a refusal.
// Never: looks past the head.

import {
  AuthorityBlock,
  AuthorityKind,
  Capacity,
  FieldName,
  Flag,
  Head,
  Memory,
  OctetClass,
  Option,
  Status,
  TargetForm,
} from "./abi";
import { CR, CRLF } from "./ascii";
import { readCommonLines } from "./common-lines";
import { readCommonValues } from "./common-values";
import { readFieldLine } from "./field-line";
import { readRequestLine } from "./request-line";
import { mayHaveContent, readStatusLine } from "./status-line";
import { readCrlf, refuse, wait } from "./stop";

/** The options that are also flags, at the same bits: those of a head's flags from the beginning. */
const KINDS: u32 = Option.RESPONSE | Option.HOST_UNCHECKED;

/**
 * start-line *( field-line CRLF ) CRLF                                  (RFC 9112 §2.1)
 *
 * `limit` is the head's largest size in octets, `maxLines` the most field lines, `end` one past the last octet
 * that has come in.
 */
export function readHead(start: usize, end: usize, options: u32, limit: u32, maxLines: u32): Status {
  const window = <usize>limit < end - start ? start + limit : end;
  const lineLimit = min<u32>(maxLines, Capacity.FIELD_LINES);
  let at = start;
  let many = ASC_FEATURE_SIMD && !(options & Option.RESUME);
  if (options & Option.RESUME) {
    at = Memory.INPUT + load<u32>(Memory.RECORD, Head.LINE_START);
  } else {
    clear(options);
    if (ASC_FEATURE_SIMD && !(options & KINDS)) {
      // Most heads are read by this alone; others go on from where it stops.
      at = Memory.INPUT + readCommonLines(start - Memory.INPUT, window - Memory.INPUT, lineLimit, Capacity.INDEXED);
      many = valuesAccepted(0, lineLimit);
      if (!many) {
        at = restart(start, options);
      } else if (at > start) {
        // The request line was common.
        if (at + 2 <= window) {
          if (load<u16>(at) === CRLF) return finish(at, options);
        }
      }
    }
  }
  if (readLines(start, at, window, options, lineLimit, many) === 0) {
    // What would have to wait for octets past the limit never becomes a head.
    const waits = load<u32>(Memory.RECORD, Head.STATUS) === Status.PARTIAL;
    if (waits && window < end) refuse(Status.HEAD_TOO_LARGE, window);
  }
  return load<u32>(Memory.RECORD, Head.STATUS);
}

/** Reads the values of the common lines; `seen` names had been read before. False where one, or their number, is refused. */
function valuesAccepted(seen: u32, maxLines: u32): bool {
  if (load<u32>(Memory.RECORD, Head.FIELD_LINES) > maxLines) return false;
  return readCommonValues(load<u32>(Memory.RECORD, Head.SEEN) & ~seen);
}

/** Goes back to where the head begins in which something is refused: read in order, its first fault is found. */
function restart(start: usize, options: u32): usize {
  clear(options);
  return start;
}

/** The bit of Host in SEEN. */
const HOST: u32 = 1 << FieldName.HOST;

function clear(options: u32): void {
  store<u32>(Memory.RECORD, 0, Head.LINE_START);
  store<u32>(Memory.RECORD, options & KINDS, Head.FLAGS);
  store<u32>(Memory.RECORD, 0, Head.FIELD_LINES);
  store<u32>(Memory.RECORD, TargetForm.ORIGIN, Head.TARGET_FORM);
  store<u32>(Memory.RECORD, AuthorityKind.ABSENT, Head.HOST + AuthorityBlock.KIND);
  store<u32>(Memory.RECORD, AuthorityKind.ABSENT, Head.TARGET_AUTHORITY + AuthorityBlock.KIND);
  store<u64>(Memory.RECORD, 0, Head.CONTENT_LENGTH_LOW);
  store<u64>(Memory.RECORD, 0, Head.SEEN);
}

/**
 * Reads lines singly, and where `many`, the common ones after each many at a time. Where it has to wait, LINE_START, FLAGS
 * and FIELD_LINES let it go on from the last line.
 */
function readLines(start: usize, at: usize, end: usize, options: u32, maxLines: u32, many: bool): usize {
  // Bounds: at < end before each load; FIELD_LINES stays at or below maxLines, which the record has room for.
  while (true) {
    if (ASC_FEATURE_SIMD && many) {
      const flags = load<u32>(Memory.RECORD, Head.FLAGS);
      // A common request line sets all flags.
      if (!(flags & KINDS) || (flags & Flag.IN_FIELD_LINES) !== 0) {
        // A Host that is not checked counts as read.
        const seen = load<u32>(Memory.RECORD, Head.SEEN) | (flags & Flag.HOST_UNCHECKED ? HOST : 0);
        at = Memory.INPUT + readCommonLines(at - Memory.INPUT, end - Memory.INPUT, maxLines, Capacity.INDEXED_AGAIN);
        many = valuesAccepted(seen, maxLines);
        if (!many) at = restart(start, options);
      }
    }
    store<u32>(Memory.RECORD, at - Memory.INPUT, Head.LINE_START);
    if (!(load<u32>(Memory.RECORD, Head.FLAGS) & Flag.IN_FIELD_LINES)) {
      at = options & Option.RESPONSE ? readStatusLine(at, end) : readRequestLine(at, end);
      if (at === 0) return 0;
      store<u32>(Memory.RECORD, load<u32>(Memory.RECORD, Head.FLAGS) | Flag.IN_FIELD_LINES, Head.FLAGS);
      store<u32>(Memory.RECORD, at - Memory.INPUT, Head.FIELDS_START);
      continue;
    }
    if (at + 2 <= end && load<u16>(at) === CRLF) return finish(at, options) === Status.COMPLETE ? at + 2 : 0;
    const lines = load<u32>(Memory.RECORD, Head.FIELD_LINES);
    // A name may begin here, where another line may.
    if (at === end) return wait(end, lines < maxLines ? OctetClass.TOKEN : 0);
    // It is incomplete, or no LF follows.
    if (load<u8>(at) === CR) return readCrlf(at, end);
    if (lines === maxLines) return refuse(Status.FIELD_LINES_TOO_MANY, at);
    at = readFieldLine(at, end, lines);
    if (at === 0) return 0;
    store<u32>(Memory.RECORD, lines + 1, Head.FIELD_LINES);
  }
}

/** What only a complete head shows, at its empty line. */
function finish(at: usize, options: u32): Status {
  const status = wholeRefusal(options);
  if (status !== Status.COMPLETE) {
    refuse(status, at);
    return status;
  }
  store<u32>(Memory.RECORD, Status.COMPLETE, Head.STATUS);
  store<u32>(Memory.RECORD, at + 2 - Memory.INPUT, Head.OFFSET);
  return Status.COMPLETE;
}

/**
 * Why a complete head is refused, or COMPLETE. An HTTP/1.1 request must have a Host (RFC 9112 §3.2). A response with status 1xx or 204,
 * and a CONNECT, have no content, and must not declare any (RFC 9112 §6.1, RFC 9110 §8.6, §9.3.6): a recipient that obeyed them
 * would take what follows for content.
 *
 * Deviation: a Content-Length of 0 passes, since all recipients agree on it (corpus: RESPONSE-14, FRAMING-86).
 */
function wholeRefusal(options: u32): Status {
  const flags = load<u32>(Memory.RECORD, Head.FLAGS);
  if ((flags & HOSTED) === Flag.VERSION_1_1 && !(options & Option.HOST_OPTIONAL)) return Status.HOST_MISSING;
  // In a resumed parse these words of the record may be those of another head; all of the head is read again after it.
  if (!(flags & FRAMED) || (options & Option.RESUME) !== 0) return Status.COMPLETE;
  // Both words at once.
  const isEmpty = load<u64>(Memory.RECORD, Head.CONTENT_LENGTH_LOW) === 0;
  if (isEmpty && !(flags & Flag.TRANSFER_ENCODING)) return Status.COMPLETE;
  if (options & Option.RESPONSE) return mayHaveContent() ? Status.COMPLETE : Status.RESPONSE_FRAMING;
  const isConnect = load<u32>(Memory.RECORD, Head.TARGET_FORM) === TargetForm.AUTHORITY;
  return isConnect ? Status.CONNECT_FRAMING : Status.COMPLETE;
}

const HOSTED: u32 = Flag.HOST | Flag.VERSION_1_1;
/** Flags of a head that declares how its content is delimited. */
const FRAMED: u32 = Flag.CONTENT_LENGTH | Flag.TRANSFER_ENCODING;
