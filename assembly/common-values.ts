// In:    a record, and names whose first lines were recorded in a common form.
// Out:   what their values mean: the Host block, Content-Length, the flags.
// Never: names a fault: where a value is refused, the head is read again in order, and the first fault is found then.

import { FieldLine, FieldName, FieldSpelling, Flag, Head, Memory, Status } from "./abi";
import { CASE_BIT, SMALL_T } from "./ascii";
import { finishAuthority, readCommonAuthority } from "./authority";
import { REFUSED, readContentLength, readHost } from "./field-line";
import { readValue } from "./field-value";
import { EACH_OCTET } from "./octets";

const HOST: u32 = 1 << FieldName.HOST;
const CONNECTION: u32 = 1 << FieldName.CONNECTION;
const UPGRADE: u32 = 1 << FieldName.UPGRADE;
/** The other names whose value the kernel reads. */
const OTHERS: u32 =
  (1 << FieldName.CONTENT_LENGTH) |
  (1 << FieldName.TRANSFER_ENCODING) |
  (1 << FieldName.EXPECT) |
  (1 << FieldName.PROXY_CONNECTION);

/** Makes a letter of eight octets lower-case; "-", "," and SP stay, and nothing but a letter becomes one. */
const LOWER_CASE: u64 = CASE_BIT * EACH_OCTET;

// Values, and parts of longer ones, as the octets of one load, the first one lowest.
/** "upgrade" */
const UPGRADE_WORD: u64 = 0x65646172677075;
/** "close" */
const CLOSE_WORD: u64 = 0x65736f6c63;
/** "keep-ali", and the "ve" after it. */
const KEEP_ALI: u64 = 0x696c612d7065656b;
const VE: u32 = 0x6576;
/** After "keep-ali": "ve, upgr", and "rade" from the last octet of that on. */
const VE_UPGR: u64 = 0x72677075202c6576;
const RADE: u32 = 0x65646172;
/** "websocke" */
const WEBSOCKE: u64 = 0x656b636f73626577;

/** Reads the values of `names`, given as bits, that decide how the message is read. False where one is refused. */
export function readCommonValues(names: u32): bool {
  let left = names & (HOST | CONNECTION | UPGRADE | OTHERS);
  let flags = load<u32>(Memory.RECORD, Head.FLAGS);
  if (names & HOST) {
    const line: usize = load<u32>(Memory.RECORD, Head.KNOWN + (FieldName.HOST << 2));
    if (readCommonAuthority(Memory.RECORD + Head.HOST, valueStart(line), valueEnd(line))) {
      flags |= Flag.HOST;
      left &= ~HOST;
    }
  }
  if (names & CONNECTION) {
    const line: usize = load<u32>(Memory.RECORD, Head.KNOWN + (FieldName.CONNECTION << 2));
    const options = commonOptions(valueStart(line), valueEnd(line));
    flags |= options;
    if (options) left &= ~CONNECTION;
  }
  if (names & UPGRADE) {
    const line: usize = load<u32>(Memory.RECORD, Head.KNOWN + (FieldName.UPGRADE << 2));
    if (isWebSocket(valueStart(line), valueEnd(line))) {
      flags |= Flag.UPGRADE | Flag.UPGRADE_WEBSOCKET;
      left &= ~UPGRADE;
    }
  }
  store<u32>(Memory.RECORD, flags, Head.FLAGS);
  return left === 0 || readValues(left);
}

function valueStart(line: usize): usize {
  return Memory.INPUT + (load<u32>(line, FieldLine.NAME) >>> FieldSpelling.BITS) + 2;
}

function valueEnd(line: usize): usize {
  return Memory.INPUT + load<u32>(line, FieldLine.END);
}

/** What the common values of Connection mean, as flags; 0 for another value. */
function commonOptions(at: usize, end: usize): u32 {
  // Bounds: a CRLF follows the value, and SLACK octets the input, so that 8 octets can be read at `at`; more
  // are read only where the value has them.
  const length = end - at;
  const word = load<u64>(at) | LOWER_CASE;
  if (length === 7) {
    return word << 8 === UPGRADE_WORD << 8 ? Flag.CONNECTION_UPGRADE : 0;
  }
  if (length === 5) {
    return word << 24 === CLOSE_WORD << 24 ? Flag.CONNECTION_CLOSE : 0;
  }
  if (length < 10 || word !== KEEP_ALI) return 0;
  if (length === 10) return (load<u16>(at, 8) | <u16>LOWER_CASE) === VE ? Flag.CONNECTION_KEEP_ALIVE : 0;
  if (length !== 19 || (load<u64>(at, 8) | LOWER_CASE) !== VE_UPGR) return 0;
  return (load<u32>(at, 15) | <u32>LOWER_CASE) === RADE ? Flag.CONNECTION_KEEP_ALIVE | Flag.CONNECTION_UPGRADE : 0;
}

function isWebSocket(at: usize, end: usize): bool {
  // Bounds: as above.
  if (end - at !== 9 || (load<u64>(at) | LOWER_CASE) !== WEBSOCKE) return false;
  return (load<u8>(at, 8) | CASE_BIT) === SMALL_T;
}

/** Reads values in whatever form, by the functions that read all of them. */
function readValues(names: u32): bool {
  while (names) {
    const name = <FieldName>ctz(names);
    names &= names - 1;
    const line: usize = load<u32>(<usize>Memory.RECORD + ((<usize>name) << 2), Head.KNOWN);
    const start = valueStart(line);
    const end = valueEnd(line);
    if (name === FieldName.HOST) {
      if (readHost(start, end, end, end + 2) === REFUSED) return false;
      if (finishAuthority(Memory.RECORD + Head.HOST) !== Status.COMPLETE) return false;
    } else if (name === FieldName.CONTENT_LENGTH) {
      if (readContentLength(start, end, end) === REFUSED) return false;
    }
    if (readValue(name, start, end) !== Status.COMPLETE) return false;
  }
  return true;
}
