// In:    octets from a head's first on.
// Out:   where method, request-target and field lines begin; the version flag.
// Never: reads a target's inside; request-target.ts does that.

import { Capacity, Flag, Head, Memory, OctetClass, Status } from "./abi";
import { CR, CRLF, DIGIT_1, HTAB, HTTP_1_1, SP } from "./ascii";
import { isDigit } from "./octets";
import { readTarget } from "./request-target";
import { tokenEnd } from "./scan";
import { octetRefusal, readCrlf, refuse, wait } from "./stop";

/** The first octet of every TLS record that can open a connection: handshake (RFC 8446 §5.1). */
const TLS_HANDSHAKE: u32 = 0x16;

/** request-line = method SP request-target SP HTTP-version CRLF          (RFC 9112 §3, §2.1) */
export function readRequestLine(at: usize, end: usize): usize {
  at = skipEmptyLines(at, end);
  if (at === 0) return 0;
  const methodEnd = readMethod(at, end);
  if (methodEnd === 0) return 0;
  at = readTarget(methodEnd + 1, end);
  if (at === 0) return 0;
  return readVersion(at + 1, end);
}

/** Empty lines before a request line are skipped, up to `Capacity.EMPTY_LINES`  (RFC 9112 §2.2) */
function skipEmptyLines(at: usize, end: usize): usize {
  // Bounds: at < end before every load.
  for (let lines = 0; at < end && load<u8>(at) === CR; lines++) {
    if (lines === Capacity.EMPTY_LINES) return refuse(Status.EMPTY_LINES, at);
    at = readCrlf(at, end);
    if (at === 0) return 0;
  }
  return at < end ? at : wait(end, OctetClass.TOKEN);
}

/** method = token                                                        (RFC 9112 §3.1) */
function readMethod(at: usize, end: usize): usize {
  const methodEnd = tokenEnd(at, end);
  if (methodEnd === end) return wait(end, OctetClass.TOKEN);
  const octet: u32 = load<u8>(methodEnd);
  if (octet !== SP || methodEnd === at) {
    const isTls = methodEnd === Memory.INPUT + load<u32>(Memory.RECORD, Head.LINE_START) && octet === TLS_HANDSHAKE;
    const status = isTls ? Status.TLS_RECORD : whitespaceRefusal(octet, Status.METHOD_INVALID);
    return refuse(status, methodEnd);
  }
  store<u32>(Memory.RECORD, at - Memory.INPUT, Head.METHOD_START);
  store<u32>(Memory.RECORD, methodEnd - Memory.INPUT, Head.METHOD_END);
  return methodEnd;
}

/**
 * HTTP-version = %s"HTTP" "/" DIGIT "." DIGIT                            (RFC 9112 §2.3)
 *
 * Reads the rest of the line. Any digits are well-formed; versions other than 1.0 and 1.1 are refused once the
 * line is complete, since only then is it known to be a version.
 */
function readVersion(at: usize, end: usize): usize {
  // The common version at once. Bounds: at + 10 <= end.
  if (at + 10 <= end && load<u64>(at) === HTTP_1_1 && load<u16>(at, 8) === CRLF) {
    store<u32>(Memory.RECORD, load<u32>(Memory.RECORD, Head.FLAGS) | Flag.VERSION_1_1, Head.FLAGS);
    return at + 10;
  }
  const start = at;
  // Bounds: at < end before every load; at - start stays below 8.
  for (; at < start + 8; at++) {
    if (at === end) return wait(end, 0);
    const octet: u32 = load<u8>(at);
    if (!fitsVersion(octet, at - start)) {
      return refuse(whitespaceRefusal(octet, Status.VERSION_INVALID), at);
    }
  }
  if (at === end) return wait(end, 0);
  const octet: u32 = load<u8>(at);
  if (octet !== CR) return refuse(whitespaceRefusal(octet, Status.VERSION_INVALID), at);
  const lineEnd = readCrlf(at, end);
  if (lineEnd === 0) return 0;
  const minor: u32 = load<u8>(start, 7);
  if (load<u8>(start, 5) !== DIGIT_1 || minor > DIGIT_1) return refuse(Status.VERSION_UNSUPPORTED, start);
  if (minor === DIGIT_1) store<u32>(Memory.RECORD, load<u32>(Memory.RECORD, Head.FLAGS) | Flag.VERSION_1_1, Head.FLAGS);
  return lineEnd;
}

/** True for an octet that HTTP-version may have at `index`. */
export function fitsVersion(octet: u32, index: usize): bool {
  return index === 5 || index === 7 ? isDigit(octet) : octet === <u32>(<u8>(HTTP_1_1 >> (index << 3)));
}

/** White space out of place and a line that ends too early have statuses of their own in a request line. */
function whitespaceRefusal(octet: u32, other: Status): Status {
  if (octet === SP || octet === HTAB) return Status.REQUEST_LINE_WHITESPACE;
  return octetRefusal(octet, Status.REQUEST_LINE_SHORT, other);
}
