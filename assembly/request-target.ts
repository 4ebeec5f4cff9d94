// In:    octets after the method and its SP.
// Out:   the request-target's form and spans, and the authority of an absolute-form or authority-form.
// Never: decodes, removes dot segments, or compares a scheme.

import { AuthorityBlock, Head, Memory, OctetClass, Status, TargetForm } from "./abi";
import { ASTERISK, CASE_BIT, COLON, CONNECT, CR, HTAB, OPTIONS, QUESTION_MARK, SLASH, SMALL_A, SP } from "./ascii";
import {
  authorityHasPort,
  authorityMayEnd,
  authorityRefusal,
  authorityRun,
  finishAuthority,
  readAuthority,
} from "./authority";
import { is } from "./octets";
import { octetAt, targetEnd } from "./scan";
import { octetRefusal, refuse, wait } from "./stop";

/**
 * request-target = origin-form / absolute-form / authority-form / asterisk-form      (RFC 9112 §3.2)
 *
 * Returns where the SP after the target is.
 */
export function readTarget(at: usize, end: usize): usize {
  if (at === end) return wait(end, 0);
  const methodStart: usize = Memory.INPUT + load<u32>(Memory.RECORD, Head.METHOD_START);
  // Bounds: eight octets can be read at any octet of the input, as SLACK follows it. The eighth is not examined.
  const hasSeven = load<u32>(Memory.RECORD, Head.METHOD_END) === load<u32>(Memory.RECORD, Head.METHOD_START) + 7;
  const method: u64 = hasSeven ? load<u64>(methodStart) << 8 : 0;
  const octet: u32 = load<u8>(at);
  store<u32>(Memory.RECORD, at - Memory.INPUT, Head.TARGET_START);

  if (octet === SP) return refuse(Status.REQUEST_LINE_WHITESPACE, at);
  if (method === CONNECT) return readAuthorityForm(at, end);
  if (!is(octet, OctetClass.TARGET)) return refuse(targetRefusal(octet), at);
  if (octet === SLASH) return readPathAndQuery(at, end);
  if (octet === ASTERISK) return readAsteriskForm(at, end, method === OPTIONS);
  return readAbsoluteForm(at, end);
}

/**
 * origin-form = absolute-path [ "?" query ]                                          (RFC 9112 §3.2.1)
 *
 * Deviation: every visible ASCII octet but "#" is read, as browsers send some that RFC 3986 has encoded
 * (corpus: TARGET-10).
 */
function readPathAndQuery(at: usize, end: usize): usize {
  const spaceAt = targetEnd(at, end);
  if (spaceAt === end) return wait(end, OctetClass.TARGET);
  const octet: u32 = load<u8>(spaceAt);
  if (octet !== SP) return refuse(targetRefusal(octet), spaceAt);
  store<u32>(Memory.RECORD, at - Memory.INPUT, Head.PATH_START);
  return finishTarget(spaceAt, octetAt(at, spaceAt, QUESTION_MARK));
}

/** asterisk-form = "*", for OPTIONS alone                                            (RFC 9112 §3.2.4) */
function readAsteriskForm(at: usize, end: usize, isOptions: bool): usize {
  if (!isOptions) return refuse(Status.TARGET_FORM, at);
  if (++at === end) return wait(end, 0);
  const octet: u32 = load<u8>(at);
  if (octet !== SP) return refuse(targetRefusal(octet), at);
  store<u32>(Memory.RECORD, TargetForm.ASTERISK, Head.TARGET_FORM);
  store<u32>(Memory.RECORD, at - Memory.INPUT, Head.PATH_START);
  return finishTarget(at, at);
}

/**
 * absolute-form = absolute-URI, here scheme "://" authority path-abempty [ "?" query ]   (RFC 9112 §3.2.2)
 *
 * Any scheme is read; the policy compares it with the arrival's. Userinfo is refused (RFC 9110 §4.2.4).
 */
function readAbsoluteForm(at: usize, end: usize): usize {
  const start = at;
  // Bounds: at < end before every load.
  while (at < end && is(load<u8>(at), OctetClass.SCHEME)) at++;
  const first: u32 = load<u8>(start) | CASE_BIT;
  if (first - SMALL_A >= 26) return refuse(Status.TARGET_FORM, start);
  if (at === end) return wait(end, OctetClass.SCHEME);
  for (let i = 0; i < 3; i++, at++) {
    if (at === end) return wait(end, 0);
    const octet: u32 = load<u8>(at);
    if (octet !== (i === 0 ? COLON : SLASH)) return refuse(formRefusal(octet), at);
  }

  const block = Memory.RECORD + Head.TARGET_AUTHORITY;
  store<u32>(Memory.RECORD, TargetForm.ABSOLUTE, Head.TARGET_FORM);
  at = readAuthority(block, at, end);
  if (!authorityMayEnd(block) || at === end || !endsAuthority(load<u8>(at))) return stopAt(block, at, end);
  const status = finishAuthority(block);
  if (status !== Status.COMPLETE) return refuse(status, Memory.INPUT + load<u32>(block, AuthorityBlock.START));
  if (load<u8>(at) !== SP) return readPathAndQuery(at, end);
  store<u32>(Memory.RECORD, at - Memory.INPUT, Head.PATH_START);
  return finishTarget(at, at);
}

/** authority-form = uri-host ":" port, for CONNECT alone; the port must be written     (RFC 9112 §3.2.3) */
function readAuthorityForm(at: usize, end: usize): usize {
  const block = Memory.RECORD + Head.TARGET_AUTHORITY;
  const start = at;
  store<u32>(Memory.RECORD, TargetForm.AUTHORITY, Head.TARGET_FORM);
  if (load<u8>(at) === SLASH || load<u8>(at) === QUESTION_MARK) return refuse(Status.TARGET_FORM, at);
  at = readAuthority(block, at, end);
  if (!authorityMayEnd(block) || at === end || load<u8>(at) !== SP) return stopAt(block, at, end);
  if (!authorityHasPort(block)) return refuse(Status.AUTHORITY_PORT, at);
  const status = finishAuthority(block);
  if (status !== Status.COMPLETE) return refuse(status, start);
  store<u32>(Memory.RECORD, at - Memory.INPUT, Head.PATH_START);
  return finishTarget(at, at);
}

/** An authority that is incomplete, or holds what it may not. */
function stopAt(block: usize, at: usize, end: usize): usize {
  if (at === end) return wait(end, authorityRun(block));
  const octet: u32 = load<u8>(at);
  const because = authorityRefusal(block, octet);
  const isWrongEnd = octet === SP || (octet === CR && !authorityMayEnd(block));
  return refuse(isWrongEnd ? because : whitespaceOr(octet, because), at);
}

/** authority ends at "/", "?" or the end of the target ("#" is never legal here)      (RFC 3986 §3.2) */
function endsAuthority(octet: u32): bool {
  return octet === SLASH || octet === QUESTION_MARK || octet === SP;
}

function finishTarget(spaceAt: usize, queryAt: usize): usize {
  store<u32>(Memory.RECORD, spaceAt - Memory.INPUT, Head.TARGET_END);
  store<u32>(Memory.RECORD, queryAt - Memory.INPUT, Head.QUERY_START);
  return spaceAt;
}

/** Why an octet cannot be in a target at all. */
function targetRefusal(octet: u32): Status {
  return octet === SP ? Status.REQUEST_LINE_WHITESPACE : whitespaceOr(octet, Status.TARGET_INVALID);
}

/** Why an octet ends a target that has no form. */
function formRefusal(octet: u32): Status {
  return octet === SP ? Status.TARGET_FORM : whitespaceOr(octet, Status.TARGET_FORM);
}

function whitespaceOr(octet: u32, other: Status): Status {
  return octet === HTAB ? Status.REQUEST_LINE_WHITESPACE : octetRefusal(octet, Status.REQUEST_LINE_SHORT, other);
}
