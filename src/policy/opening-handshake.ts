// In:    a request head.
// Out:   the code of what is wrong with its opening handshake.
// Never: answers it; the framer does, once the policy has accepted.

import type { RequestHead } from "../head/request-head.js";
import { isToken, members, spaceEnd, tokenEnd } from "../head/scan.js";

/** What is wrong with an opening handshake. */
export type HandshakeFault =
  | "METHOD_NOT_ALLOWED"
  | "WEBSOCKET_VERSION"
  | "WEBSOCKET_KEY"
  | "WEBSOCKET_PROTOCOL"
  | "WEBSOCKET_EXTENSIONS"
  | "WEBSOCKET_BODY";

/** The one version of the protocol (RFC 6455 §4.1). */
export const WEBSOCKET_VERSION = "13";

/** base64 of 16 octets (RFC 6455 §4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;

/**
 * Checks the client's half of the opening handshake (RFC 6455 §4.2.1) of a head that asks for a WebSocket, in the
 * promised order: method, version, then the rest. Host, Upgrade, Connection and HTTP/1.1 are settled before; over HTTP/2
 * `:protocol` is, and there is no key (RFC 8441 §5).
 */
export function handshakeFault(head: RequestHead): HandshakeFault | null {
  const isConnect = head.protocol !== null;
  if (head.method !== handshakeMethod(head)) return "METHOD_NOT_ALLOWED";
  const versions = head.fieldValues("sec-websocket-version");
  if (versions.length !== 1 || versions[0] !== WEBSOCKET_VERSION) return "WEBSOCKET_VERSION";
  if (!isConnect) {
    const keys = head.fieldValues("sec-websocket-key");
    if (keys.length !== 1 || !KEY.test(keys[0]!)) return "WEBSOCKET_KEY";
  }
  const protocols = head.field("sec-websocket-protocol");
  if (protocols !== undefined && !isListOfDifferentTokens(protocols)) return "WEBSOCKET_PROTOCOL";
  const extensions = head.field("sec-websocket-extensions");
  if (extensions !== undefined && !isListOfExtensions(extensions)) return "WEBSOCKET_EXTENSIONS";
  const { framing } = head;
  const hasBody = framing.kind === "chunked" || (framing.kind === "content-length" && framing.length > 0);
  // Over HTTP/2 a stream without a body is one that has ended.
  return hasBody || (isConnect && framing.kind === "none") ? "WEBSOCKET_BODY" : null;
}

/** The method of an opening handshake: over HTTP/2 it is an extended CONNECT (RFC 8441 §4). */
export function handshakeMethod({ protocol }: RequestHead): "GET" | "CONNECT" {
  return protocol === null ? "GET" : "CONNECT";
}

/** 1#token (RFC 6455 §4.3). */
function isListOfDifferentTokens(value: string): boolean {
  const protocols = members(value);
  return protocols.every(isToken) && new Set(protocols).size === protocols.length;
}

/** 1#extension, extension = token *( ";" extension-param ) (RFC 6455 §9.1) */
function isListOfExtensions(value: string): boolean {
  let before = COMMA;
  for (let at = 0; ; at = spaceEnd(value, at + 1)) {
    const nameEnd = tokenEnd(value, at);
    if (nameEnd === at) return false;
    at = spaceEnd(value, nameEnd);
    if (before === SEMICOLON && value.charCodeAt(at) === EQUALS) {
      const parameterEnd = parameterValueEnd(value, spaceEnd(value, at + 1));
      if (parameterEnd < 0) return false;
      at = spaceEnd(value, parameterEnd);
    }
    if (at === value.length) return true;
    before = value.charCodeAt(at);
    if (before !== COMMA && before !== SEMICOLON) return false;
  }
}

/**
 * extension-param = token [ "=" ( token / quoted-string ) ], the quoted string containing a token (RFC 6455 §9.1): where what
 * follows "=" ends; -1 where it is not one.
 */
function parameterValueEnd(value: string, start: number): number {
  const isQuoted = value.charCodeAt(start) === QUOTE;
  const first = isQuoted ? start + 1 : start;
  const end = tokenEnd(value, first);
  if (end === first || (isQuoted && value.charCodeAt(end) !== QUOTE)) return -1;
  return isQuoted ? end + 1 : end;
}
