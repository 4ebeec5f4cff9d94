// In:    a whole field value without its surrounding white space, of a field that decides how a message is read;
//        Transfer-Encoding's with the white space around it.
// Out:   COMPLETE and the record's flags, or the status that refuses the value.
// Never: reads Host or Content-Length octet by octet; field-line.ts does that while the line is still coming in.

import { FieldName, Flag, Head, Memory, Status } from "./abi";
import { COMMA, HTAB, SLASH } from "./ascii";
import { equalsWord } from "./octets";
import { octetAt, tokenEnd, whitespaceEnd, whitespaceStart } from "./scan";

/** What a known field means for the message. */
export function readValue(name: FieldName, at: usize, end: usize): Status {
  const flags = load<u32>(Memory.RECORD, Head.FLAGS);
  switch (name) {
    case FieldName.HOST:
      // A request with more than one Host line is answered 400         (RFC 9112 §3.2)
      return once(flags, Flag.HOST, Status.HOST_REPEATED);
    case FieldName.CONTENT_LENGTH:
      if (at === end) return Status.CONTENT_LENGTH_INVALID;
      if (flags & Flag.TRANSFER_ENCODING) return Status.FRAMING_CONFLICT;
      // Deviation: RFC 9110 §8.6 would let equal repetitions through (corpus: FRAMING-08).
      return once(flags, Flag.CONTENT_LENGTH, Status.CONTENT_LENGTH_REPEATED);
    case FieldName.TRANSFER_ENCODING:
      return readTransferEncoding(flags, at, end);
    case FieldName.CONNECTION:
      return readConnection(flags, at, end);
    case FieldName.PROXY_CONNECTION:
      // Deviation: no standard field, and some parsers read it as Connection. The one value that changes nothing
      // passes (corpus: CONNECTION-09).
      return equalsWord(at, end, "keep-alive") && flags & Flag.VERSION_1_1 ? Status.COMPLETE : Status.PROXY_CONNECTION;
    case FieldName.UPGRADE:
      return readUpgrade(flags, at, end);
    case FieldName.EXPECT:
      // Expect is a list; 100-continue is its one defined member          (RFC 9110 §10.1.1)
      if (equalsWord(at, end, "100-continue")) store<u32>(Memory.RECORD, flags | Flag.EXPECT_CONTINUE, Head.FLAGS);
      return Status.COMPLETE;
    default:
      return Status.COMPLETE;
  }
}

function once(flags: u32, flag: u32, repeated: Status): Status {
  if (flags & flag) return repeated;
  store<u32>(Memory.RECORD, flags | flag, Head.FLAGS);
  return Status.COMPLETE;
}

/**
 * Transfer-Encoding = #transfer-coding                                  (RFC 9112 §6.1)
 * transfer-coding   = token *( OWS ";" OWS transfer-parameter )         (RFC 9112 §7)
 *
 * A request whose last coding is not chunked has no length that a server could know (RFC 9112 §6.3), and
 * HTTP/1.0 has no transfer codings at all (§6.1).
 * Deviation: parameters, empty list members and a second field line are refused (corpus: FRAMING-20, -15, -17);
 * so is an HTAB before, within or after the value, since parsers disagree on it, and llhttp does not see `chunked` before
 * one (corpus: FRAMING-79, FRAMING-81).
 */
function readTransferEncoding(flags: u32, at: usize, end: usize): Status {
  if (!(flags & Flag.VERSION_1_1)) return Status.TRANSFER_ENCODING_VERSION;
  if (flags & Flag.CONTENT_LENGTH) return Status.FRAMING_CONFLICT;
  if (flags & Flag.TRANSFER_ENCODING) return Status.TRANSFER_ENCODING_REPEATED;
  if (octetAt(at, end, HTAB) !== end) return Status.TRANSFER_ENCODING_INVALID;
  let isChunked = false;
  // Bounds: memberEnd is at or before end, and at only moves past it.
  do {
    const memberEnd = octetAt(at, end, COMMA);
    const codingEnd = whitespaceStart(at, memberEnd);
    at = whitespaceEnd(at, codingEnd);
    // An empty member, not a token, or anything after chunked
    if (at === codingEnd || tokenEnd(at, codingEnd) !== codingEnd || isChunked) return Status.TRANSFER_ENCODING_INVALID;
    isChunked = equalsWord(at, codingEnd, "chunked");
    at = memberEnd + 1;
    // A comma that ends the value leaves an empty member after it.
    if (at === end) return Status.TRANSFER_ENCODING_INVALID;
  } while (at < end);
  if (!isChunked) return Status.TRANSFER_ENCODING_NOT_CHUNKED;
  store<u32>(Memory.RECORD, flags | Flag.TRANSFER_ENCODING, Head.FLAGS);
  return Status.COMPLETE;
}

/**
 * Connection = #connection-option, connection-option = token            (RFC 9110 §7.6.1)
 *
 * close beside keep-alive is close                                      (RFC 9112 §9.3)
 */
function readConnection(flags: u32, at: usize, end: usize): Status {
  if (equalsWord(at, end, "upgrade")) {
    store<u32>(Memory.RECORD, flags | Flag.CONNECTION_UPGRADE, Head.FLAGS);
    return Status.COMPLETE;
  }
  // Bounds: memberEnd is at or before end, and at only moves past it.
  while (at < end) {
    const memberEnd = octetAt(at, end, COMMA);
    const optionEnd = whitespaceStart(at, memberEnd);
    at = whitespaceEnd(at, optionEnd);
    if (tokenEnd(at, optionEnd) !== optionEnd) return Status.CONNECTION_INVALID;
    if (equalsWord(at, optionEnd, "close")) flags |= Flag.CONNECTION_CLOSE;
    else if (equalsWord(at, optionEnd, "keep-alive")) flags |= Flag.CONNECTION_KEEP_ALIVE;
    else if (equalsWord(at, optionEnd, "upgrade")) flags |= Flag.CONNECTION_UPGRADE;
    at = memberEnd + 1;
  }
  store<u32>(Memory.RECORD, flags, Head.FLAGS);
  return Status.COMPLETE;
}

/** Upgrade = #protocol, protocol = protocol-name [ "/" protocol-version ]   (RFC 9110 §7.8) */
function readUpgrade(flags: u32, at: usize, end: usize): Status {
  if (equalsWord(at, end, "websocket")) {
    store<u32>(Memory.RECORD, flags | Flag.UPGRADE | Flag.UPGRADE_WEBSOCKET, Head.FLAGS);
    return Status.COMPLETE;
  }
  // Bounds: memberEnd is at or before end, and at only moves past it; nameEnd < protocolEnd before its load.
  while (at < end) {
    const memberEnd = octetAt(at, end, COMMA);
    const protocolEnd = whitespaceStart(at, memberEnd);
    at = whitespaceEnd(at, protocolEnd);
    const nameEnd = tokenEnd(at, protocolEnd);
    if (nameEnd < protocolEnd) {
      const version = nameEnd + 1;
      if (nameEnd === at || load<u8>(nameEnd) !== SLASH || version === protocolEnd) return Status.UPGRADE_INVALID;
      if (tokenEnd(version, protocolEnd) !== protocolEnd) return Status.UPGRADE_INVALID;
    }
    if (equalsWord(at, protocolEnd, "websocket")) flags |= Flag.UPGRADE_WEBSOCKET;
    at = memberEnd + 1;
  }
  store<u32>(Memory.RECORD, flags | Flag.UPGRADE, Head.FLAGS);
  return Status.COMPLETE;
}
