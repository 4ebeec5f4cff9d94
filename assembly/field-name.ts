// In:    a field name, already known to be a token.
// Out:   its number, if the kernel knows it.
// Never: looks at a value.

import { FieldName } from "./abi";
import { equalsWord } from "./octets";

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
