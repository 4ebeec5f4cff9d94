// In:    octets of uri-host [ ":" port ], possibly not yet whole.
// Out:   an authority block (kind, span, port, IPv6 value), or the status that refuses it.
// Never: knows whether it reads a Host field or a request-target, applies a default port, or compares names.

import { AuthorityBlock, AuthorityKind, AuthorityReading, Memory, OctetClass, Status, Vector } from "./abi";
import { AT_SIGN, COLON, DIGIT_0, DIGIT_9, DOT, OPENING_BRACKET, PERCENT } from "./ascii";
import { ipv4End, readIpv6 } from "./ip-address";
import { EACH_OCTET, is, isDigit } from "./octets";
import { regNameEnd } from "./scan";

/** The largest port of TCP (RFC 9293 §3.1). */
const PORT_MAX: u32 = 65_535;
/** A bit for each of the 16 octets of a vector. */
const ALL_LANES: u32 = 0xffff;

/**
 * authority = uri-host [ ":" port ]                             (RFC 9110 §7.2; RFC 3986 §3.2 without userinfo)
 * uri-host  = IP-literal / IPv4address / reg-name               (RFC 3986 §3.2.2)
 *
 * Reads as far as the grammar goes and returns where it stopped: at `end`, or at the first octet that does not belong
 * there. `AuthorityBlock.READING` has where in the grammar that is; `authorityMayEnd` and `authorityRefusal` have what
 * the octet means.
 * Deviation: IPvFuture and zone identifiers are refused (corpus: AUTHORITY-31, AUTHORITY-30).
 */
export function readAuthority(block: usize, at: usize, end: usize): usize {
  const start = at;
  store<u32>(block, start - Memory.INPUT, AuthorityBlock.START);
  store<u32>(block, 0, AuthorityBlock.PORT);
  store<u32>(block, 0, AuthorityBlock.NORMAL);
  if (at < end && load<u8>(at) === OPENING_BRACKET) {
    store<u32>(block, AuthorityKind.IP_LITERAL, AuthorityBlock.KIND);
    at = readIpv6(block, at + 1, end);
    if (load<u32>(block, AuthorityBlock.READING) !== AuthorityReading.LITERAL_CLOSED) return at;
  } else {
    store<u32>(block, AuthorityKind.REG_NAME, AuthorityBlock.KIND);
    at = readRegName(block, at, end);
    if (load<u32>(block, AuthorityBlock.READING) !== AuthorityReading.NAME) return at;
  }
  store<u32>(block, at - Memory.INPUT, AuthorityBlock.END);
  // A name precedes a port: a colon cannot come first.
  if (at === start || at === end || load<u8>(at) !== COLON) return at;
  return readPort(block, at + 1, end);
}

/**
 * reg-name    = *( unreserved / pct-encoded / sub-delims )      (RFC 3986 §3.2.2)
 * pct-encoded = "%" HEXDIG HEXDIG                               (RFC 3986 §2.1)
 */
function readRegName(block: usize, at: usize, end: usize): usize {
  store<u32>(block, AuthorityReading.NAME, AuthorityBlock.READING);
  // Bounds: at < end before every load; a triplet's octets are checked one by one.
  while (at < end) {
    at = regNameEnd(at, end);
    if (at === end || load<u8>(at) !== PERCENT) return at;
    store<u32>(block, AuthorityReading.PERCENT, AuthorityBlock.READING);
    if (++at === end || !is(load<u8>(at), OctetClass.HEXDIG)) return at;
    if (++at === end || !is(load<u8>(at), OctetClass.HEXDIG)) return at;
    at++;
    store<u32>(block, AuthorityReading.NAME, AuthorityBlock.READING);
  }
  return at;
}

/**
 * port = *DIGIT                                                 (RFC 3986 §3.2.3)
 *
 * Empty is legal and means the scheme's default. Leading zeros are legal.
 * Deviation: the grammar has no bounds, a TCP port has: the digit that goes above 65535 is refused,
 * and so are zeros alone (corpus: AUTHORITY-12, AUTHORITY-11).
 */
function readPort(block: usize, at: usize, end: usize): usize {
  let port: u32 = 0;
  let state = AuthorityReading.PORT;
  // Bounds: at < end before every load; stopping above 65535 keeps port below 655_360.
  for (; at < end && isDigit(load<u8>(at)); at++) {
    port = port * 10 + load<u8>(at) - DIGIT_0;
    state = port > 0 ? AuthorityReading.PORT : AuthorityReading.PORT_ZERO;
    if (port > PORT_MAX) {
      state = AuthorityReading.PORT_TOO_LARGE;
      break;
    }
  }
  store<u32>(block, state, AuthorityBlock.READING);
  store<u32>(block, port, AuthorityBlock.PORT);
  return at;
}

/**
 * The common authority at once: a whole reg-name of small letters, digits, "-" and ".", that is not an address, with a
 * port in range or none. False, and nothing that counts, for any other; `readAuthority` reads those.
 */
export function readCommonAuthority(block: usize, at: usize, end: usize): bool {
  const TO_LETTERS = v128.load(Memory.VECTORS + Vector.TO_LETTERS);
  const BELOW_LETTERS = v128.load(Memory.VECTORS + Vector.BELOW_LETTERS);
  const TO_DIGITS = v128.load(Memory.VECTORS + Vector.TO_DIGITS);
  const BELOW_DIGITS = v128.load(Memory.VECTORS + Vector.BELOW_DIGITS);
  const SLASHES = v128.load(Memory.VECTORS + Vector.SLASH);
  let nameEnd = at;
  // Bounds: a CR is at `end`, which ends the loop there at the latest, and SLACK octets after the input.
  while (true) {
    const octets = v128.load(nameEnd);
    // Moved up so far that their highest is the highest signed octet, each of two runs is what lies above the rest:
    // the small letters; "-", ".", "/" and the digits.
    const letters = i8x16.gt_s(i8x16.add(octets, TO_LETTERS), BELOW_LETTERS);
    const digits = i8x16.gt_s(i8x16.add(octets, TO_DIGITS), BELOW_DIGITS);
    const common = v128.andnot(v128.or(letters, digits), i8x16.eq(octets, SLASHES));
    const others = <u32>i8x16.bitmask(common) ^ ALL_LANES;
    if (others) {
      nameEnd += ctz(others);
      break;
    }
    nameEnd += 16;
  }
  if (nameEnd === at) return false;
  // An address, or a root dot, ends with one of these.
  if (load<u8>(nameEnd - 1) < DIGIT_9 + 1) return false;
  let port: u32 = 0;
  if (nameEnd !== end) {
    if (load<u8>(nameEnd) !== COLON) return false;
    const length = end - nameEnd - 1;
    if (length - 1 > 4) return false;
    port = commonPort(nameEnd + 1, length);
    if (port - 1 > PORT_MAX - 1) return false;
  }
  store<u32>(block, AuthorityKind.REG_NAME, AuthorityBlock.KIND);
  store<u32>(block, at - Memory.INPUT, AuthorityBlock.START);
  store<u32>(block, nameEnd - Memory.INPUT, AuthorityBlock.END);
  store<u32>(block, port, AuthorityBlock.PORT);
  store<u32>(block, 1, AuthorityBlock.NORMAL);
  return true;
}

/** In each of eight octets: "0", the highest bit, and what carries any value above 9 into that bit. */
const ZEROS: u64 = DIGIT_0 * EACH_OCTET;
const HIGH_BITS: u64 = 0x80 * EACH_OCTET;
const ABOVE_9_TO_HIGH_BIT: u64 = (0x80 - 10) * EACH_OCTET;
/** Pairs of digits lie two octets apart: the first and the third are in the lowest octet and the fifth. */
const FIRST_AND_THIRD_PAIR: u64 = 0x000000ff_000000ff;
/**
 * The weights of the first pair and the third, then of the second and the fourth: in the upper half of a product both
 * pairs are weighed and added.
 */
const MILLION_AND_HUNDRED: u64 = (1_000_000 << 32) | 100;
const TEN_THOUSAND_AND_ONE: u64 = (10_000 << 32) | 1;

/** The number that one to five digits spell, all of them at once; 0 where others are among them. */
function commonPort(at: usize, length: usize): u32 {
  // Bounds: at + length is the end of a value, which a CRLF and SLACK octets follow.
  // Each octet becomes its digit, the last one the highest; zeros come in below, and lead.
  let digits = (load<u64>(at) ^ ZEROS) << (64 - (length << 3));
  if (((digits + ABOVE_9_TO_HIGH_BIT) | digits) & HIGH_BITS) return 0;
  // Pairs, then fours and eights: tens and ones are in neighbouring octets.
  digits = digits * 10 + (digits >> 8);
  const high = (digits & FIRST_AND_THIRD_PAIR) * MILLION_AND_HUNDRED;
  const low = ((digits >> 16) & FIRST_AND_THIRD_PAIR) * TEN_THOUSAND_AND_ONE;
  return <u32>((high + low) >> 32);
}

/**
 * The octets that may follow without changing where the reader is, as `OctetClass`; 0 when none may. HEXDIG inside
 * a triplet, after which the reg-name goes on.
 */
export function authorityRun(block: usize): u32 {
  const state = load<u32>(block, AuthorityBlock.READING);
  if (state === AuthorityReading.PERCENT) return OctetClass.HEXDIG;
  if (state === AuthorityReading.NAME) return OctetClass.REG_NAME;
  if (state === AuthorityReading.PORT_ZERO) return OctetClass.ZERO;
  return 0;
}

/** False where more octets must follow, or where the octet at hand makes every continuation wrong. */
export function authorityMayEnd(block: usize): bool {
  const state = load<u32>(block, AuthorityBlock.READING);
  return (
    state !== AuthorityReading.PERCENT &&
    state !== AuthorityReading.LITERAL &&
    state !== AuthorityReading.PORT_TOO_LARGE
  );
}

/** True where a port was written, though it be 0. */
export function authorityHasPort(block: usize): bool {
  const isZero = load<u32>(block, AuthorityBlock.READING) === AuthorityReading.PORT_ZERO;
  return isZero || load<u32>(block, AuthorityBlock.PORT) !== 0;
}

/** Why `octet`, which is not a control, cannot be where the reader stopped. */
export function authorityRefusal(block: usize, octet: u32): Status {
  const state = load<u32>(block, AuthorityBlock.READING);
  if (state >= <u32>AuthorityReading.PORT) return Status.AUTHORITY_PORT;
  if (state === AuthorityReading.LITERAL || state === AuthorityReading.LITERAL_CLOSED)
    return Status.AUTHORITY_IP_LITERAL;
  if (state === AuthorityReading.PERCENT) return Status.AUTHORITY_INVALID;
  if (octet === AT_SIGN) return Status.AUTHORITY_USERINFO;
  return octet === COLON ? Status.AUTHORITY_EMPTY : Status.AUTHORITY_INVALID;
}

/**
 * Ends an authority that stopped before its terminator: distinguishes IPv4address from reg-name and refuses what
 * only the whole shows. COMPLETE, or the refusal, whose offending octet is the authority's first.
 */
export function finishAuthority(block: usize): Status {
  const start = Memory.INPUT + load<u32>(block, AuthorityBlock.START);
  const end = Memory.INPUT + load<u32>(block, AuthorityBlock.END);
  // An http or https URI with an empty host must be refused        (RFC 9110 §4.2.1)
  if (start === end) return Status.AUTHORITY_EMPTY;
  // Deviation: "." is a reg-name by the grammar and names nothing (corpus: AUTHORITY-09).
  if (end - start === 1 && load<u8>(start) === DOT) return Status.AUTHORITY_INVALID;
  if (load<u32>(block, AuthorityBlock.READING) === AuthorityReading.PORT_ZERO) return Status.AUTHORITY_PORT;
  if (load<u32>(block, AuthorityBlock.KIND) === AuthorityKind.IP_LITERAL) return Status.COMPLETE;
  // An IPv4address ends with a digit.
  if (isDigit(load<u8>(end - 1)) && ipv4End(start, end) === end)
    store<u32>(block, AuthorityKind.IPV4_ADDRESS, AuthorityBlock.KIND);
  return Status.COMPLETE;
}
