// In:    octets from the first of a response on; its complete head.
// Out:   version flag, status code, where reason-phrase and field lines begin; whether the response may be framed as it is.
// Never: needs to know which request is answered; src/head/response-head.ts does.

import { Flag, Head, Memory, OctetClass, Status } from "./abi";
import { CR, DIGIT_0, DIGIT_1, HTAB, HTTP_1_1, SP } from "./ascii";
import { isDigit } from "./octets";
import { fitsVersion } from "./request-line";
import { controlAt } from "./scan";
import { octetRefusal, readCrlf, refuse, wait } from "./stop";

/**
 * status-line   = HTTP-version SP status-code SP [ reason-phrase ] CRLF  (RFC 9112 §4)
 * status-code   = 3DIGIT
 * reason-phrase = 1*( HTAB / SP / VCHAR / obs-text )
 *
 * Deviation: the SP after the status code may be absent with the reason-phrase, as many servers send it and its meaning is
 * certain (corpus: STATUS-04); a code below 100 is refused, as it belongs to no class of codes (corpus: STATUS-21).
 */
export function readStatusLine(at: usize, end: usize): usize {
  const start = at;
  let minor: u32 = DIGIT_1;
  // The common version at once. Bounds: at + 9 <= end.
  if (at + 9 <= end && load<u64>(at) === HTTP_1_1 && load<u8>(at, 8) === SP) {
    at += 9;
  } else {
    // Bounds: at < end before every load; at - start stays below 9.
    for (; at < start + 9; at++) {
      if (at === end) return wait(end, 0);
      const octet: u32 = load<u8>(at);
      const fits = at < start + 8 ? fitsVersion(octet, at - start) : octet === SP;
      if (!fits) return refuse(statusLineRefusal(octet, Status.VERSION_INVALID), at);
    }
    minor = load<u8>(start, 7);
    if (load<u8>(start, 5) !== DIGIT_1 || minor > DIGIT_1) return refuse(Status.VERSION_UNSUPPORTED, start);
  }
  let code: u32 = 0;
  const codeEnd = at + 3;
  // Bounds: at < end before every load.
  for (; at < codeEnd; at++) {
    if (at === end) return wait(end, 0);
    const octet: u32 = load<u8>(at);
    code = code * 10 + (octet - DIGIT_0);
    if (!isDigit(octet) || code === 0) return refuse(statusLineRefusal(octet, Status.STATUS_CODE_INVALID), at);
  }
  if (at === end) return wait(end, 0);
  const octet: u32 = load<u8>(at);
  let lineEnd = at;
  if (octet === SP) {
    at++;
    lineEnd = controlAt(at, end);
    if (lineEnd === end) return wait(end, OctetClass.VALUE);
  } else if (octet !== CR) return refuse(statusLineRefusal(octet, Status.STATUS_CODE_INVALID), at);
  const next = readCrlf(lineEnd, end);
  if (next === 0) return 0;
  store<u32>(Memory.RECORD, code, Head.STATUS_CODE);
  store<u32>(Memory.RECORD, at - Memory.INPUT, Head.REASON_START);
  store<u32>(Memory.RECORD, lineEnd - Memory.INPUT, Head.REASON_END);
  if (minor === DIGIT_1) store<u32>(Memory.RECORD, load<u32>(Memory.RECORD, Head.FLAGS) | Flag.VERSION_1_1, Head.FLAGS);
  return next;
}

function statusLineRefusal(octet: u32, other: Status): Status {
  if (octet === SP || octet === HTAB) return Status.STATUS_LINE_WHITESPACE;
  return octetRefusal(octet, Status.STATUS_LINE_SHORT, other);
}

/** False for status 1xx and 204; other responses without content may still say how long it would be (RFC 9110 §8.6). */
export function mayHaveContent(): bool {
  const code = load<u32>(Memory.RECORD, Head.STATUS_CODE);
  return code >= 200 && code !== 204;
}
