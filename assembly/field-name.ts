// In:    a field name, already known to be a token.
// Out:   its number, if the kernel knows it; the tables by which the usual spellings are found.
// Never: looks at a value.

import { Capacity, FieldName, FieldSpelling, Head, Memory, NameEntry } from "./abi";
import { codeUnit, equalsWord, lowerCase } from "./octets";

/** Fills the tables of names; runs once, when the module is instantiated. */
export function buildNames(): void {
  // An entry of no name is 32 zeros, which no line begins with.
  for (let i: usize = 0; i < <usize>Capacity.NAMES; i++) {
    store<u32>(<usize>Memory.NAMES + i * NameEntry.SIZE, 0xffffffff, NameEntry.MASK);
  }
  // The order of FieldName, and the usual spellings. (A sum of strings would import an allocator.)
  let name = enterNames("Host Connection Upgrade Content-Length Transfer-Encoding Expect Sec-WebSocket-Key ", 1);
  name = enterNames("Sec-WebSocket-Version Sec-WebSocket-Protocol Sec-WebSocket-Extensions Origin Forwarded ", name);
  enterNames("X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Port Proxy-Connection ", name);
  // What clients send most besides.
  name = enterNames("Accept Accept-Charset Accept-Encoding Accept-Language Authorization ", FieldName.COMMON);
  name = enterNames("Cache-Control Content-Type Cookie Date If-Modified-Since If-None-Match Keep-Alive Pragma ", name);
  name = enterNames("Priority Range Referer Sec-CH-UA Sec-CH-UA-Mobile Sec-CH-UA-Platform Sec-Fetch-Dest ", name);
  name = enterNames("Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Sec-GPC Upgrade-Insecure-Requests ", name);
  enterNames("User-Agent X-Real-IP X-Request-ID X-Requested-With ", name);
}

/** Numbers the words of `names`, each ending with SP, from `name` on; returns the number behind the last one. */
function enterNames(names: string, name: u32): u32 {
  let start = 0;
  for (let i = 0; i < names.length; i++) {
    if (codeUnit(names, i) !== 0x20) continue;
    enterSpelling(names, start, i, name | FieldSpelling.USUAL);
    enterSpelling(names, start, i, name | FieldSpelling.LOWER_CASE);
    if (name < <u32>FieldName.COMMON) enterSuspect(i - start, lowerCase(codeUnit(names, start)));
    start = i + 1;
    name++;
  }
  return name;
}

function enterSuspect(length: i32, initial: u32): void {
  // Bounds: length is at most NameEntry.LONGEST, and so the word one of the 32.
  const word = <usize>Memory.SUSPECTS + ((<usize>length) << 2);
  store<u32>(word, load<u32>(word) | (1 << (initial - 0x61)));
}

function enterSpelling(names: string, start: i32, end: i32, code: u32): void {
  const isLowerCase = (code & FieldSpelling.LOWER_CASE) !== 0;
  const length: usize = end - start;
  // The spelling is put together where no entry stands yet, since its place is known by its octets.
  const text: usize = Memory.INPUT;
  // Bounds: a name has at most NameEntry.LONGEST octets, so that with ": " it fits the entry's 32.
  for (let i: usize = 0; i < length; i++) {
    const unit = codeUnit(names, start + <i32>i);
    store<u8>(text + i, isLowerCase ? lowerCase(unit) : unit);
  }
  store<u16>(text + length, 0x203a);
  const entry = <usize>Memory.NAMES + nameEntry(text, text + length);
  for (let i: usize = 0; i < length + 2; i++) store<u8>(entry + i, load<u8>(text + i));
  const name = code & FieldSpelling.NAME;
  store<u32>(entry, code, NameEntry.CODE);
  store<u32>(entry, (1 << (<u32>length + 2)) - 1, NameEntry.MASK);
  store<u32>(entry, name < <u32>FieldName.COMMON ? 1 << name : 0, NameEntry.BIT);
  store<u32>(entry, Memory.RECORD + Head.KNOWN + (name << 2), NameEntry.KNOWN);
}

/**
 * Which entry a name could only have, in octets from Memory.NAMES on, by its first four and last four octets. No two of the spellings above share
 * one, which a test makes sure of. (A name of fewer octets has octets around it counted in, and is none of those.)
 */
export function nameEntry(at: usize, end: usize): usize {
  const mixed = load<u32>(at) + rotl<u32>(load<u32>(end - 4), 5);
  // Bounds: the highest nine bits, times NameEntry.SIZE, stay inside the table.
  return ((mixed * 0x4643d97b) >>> 17) & ((Capacity.NAMES - 1) * NameEntry.SIZE);
}

/** Field names are case-insensitive (RFC 9110 §5.1). */
export function fieldName(at: usize, end: usize): FieldName {
  switch (<u32>(end - at)) {
    case 4:
      return only(at, end, "host", FieldName.HOST);
    case 6:
      if (equalsWord(at, end, "origin")) return FieldName.ORIGIN;
      return only(at, end, "expect", FieldName.EXPECT);
    case 7:
      return only(at, end, "upgrade", FieldName.UPGRADE);
    case 9:
      return only(at, end, "forwarded", FieldName.FORWARDED);
    case 10:
      return only(at, end, "connection", FieldName.CONNECTION);
    case 14:
      return only(at, end, "content-length", FieldName.CONTENT_LENGTH);
    case 15:
      return only(at, end, "x-forwarded-for", FieldName.X_FORWARDED_FOR);
    case 16:
      if (equalsWord(at, end, "x-forwarded-host")) return FieldName.X_FORWARDED_HOST;
      if (equalsWord(at, end, "x-forwarded-port")) return FieldName.X_FORWARDED_PORT;
      return only(at, end, "proxy-connection", FieldName.PROXY_CONNECTION);
    case 17:
      if (equalsWord(at, end, "sec-websocket-key")) return FieldName.SEC_WEBSOCKET_KEY;
      if (equalsWord(at, end, "x-forwarded-proto")) return FieldName.X_FORWARDED_PROTO;
      return only(at, end, "transfer-encoding", FieldName.TRANSFER_ENCODING);
    case 21:
      return only(at, end, "sec-websocket-version", FieldName.SEC_WEBSOCKET_VERSION);
    case 22:
      return only(at, end, "sec-websocket-protocol", FieldName.SEC_WEBSOCKET_PROTOCOL);
    case 24:
      return only(at, end, "sec-websocket-extensions", FieldName.SEC_WEBSOCKET_EXTENSIONS);
    default:
      return FieldName.UNKNOWN;
  }
}

function only(at: usize, end: usize, word: string, name: FieldName): FieldName {
  return equalsWord(at, end, word) ? name : FieldName.UNKNOWN;
}
