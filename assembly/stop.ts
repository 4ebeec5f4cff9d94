// In:    a record, a status, and the offending octet.
// Out:   the record's reason why reading went no further.
// Never: decides anything.
//
// The readers of a head return where they stopped reading, or 0 after one of these calls: the record then has the reason.

import { Head, Memory, Status } from "./abi";
import { CR, LF } from "./ascii";
import { isControl } from "./octets";

/** Refuses the head for the octet at `at`. */
export function refuse(status: Status, at: usize): usize {
  store<u32>(Memory.RECORD, status, Head.STATUS);
  store<u32>(Memory.RECORD, at - Memory.INPUT, Head.OFFSET);
  return 0;
}

/** Waits for more octets; those of the classes `run` would change nothing. */
export function wait(end: usize, run: u32): usize {
  store<u32>(Memory.RECORD, Status.PARTIAL, Head.STATUS);
  store<u32>(Memory.RECORD, end - Memory.INPUT, Head.OFFSET);
  store<u32>(Memory.RECORD, run, Head.RUN);
  return 0;
}

/** Why the octet at hand cannot be there: a control has a status of its own, `cr` and `other` are the reader's. */
export function octetRefusal(octet: u32, cr: Status, other: Status): Status {
  if (octet === CR) return cr;
  if (octet === LF) return Status.BARE_LF;
  return isControl(octet) ? Status.CONTROL_OCTET : other;
}

/** Steps over the CRLF at `at`; 0 where it is incomplete or not there. */
export function readCrlf(at: usize, end: usize): usize {
  // Bounds: at < end by every caller; the second octet is checked.
  const octet: u32 = load<u8>(at);
  if (octet !== CR) return refuse(octetRefusal(octet, Status.BARE_CR, Status.CONTROL_OCTET), at);
  if (at + 1 === end) return wait(end, 0);
  if (load<u8>(at + 1) !== LF) return refuse(Status.BARE_CR, at + 1);
  return at + 2;
}
