// In:    a request head.
// Out:   the code of what is wrong with its opening handshake.
// Never: answers it; the framer does, once the policy has accepted.

import type { RequestHead } from "../head/request-head.js";
import { isToken, members } from "../head/scan.js";

/** What is wrong with an opening handshake. */
type HandshakeFault =
  | "METHOD_NOT_ALLOWED"
  | "WEBSOCKET_VERSION"
  | "WEBSOCKET_KEY"
  | "WEBSOCKET_PROTOCOL"
  | "WEBSOCKET_BODY";

/** The one version of the protocol (RFC 6455 §4.1). */
export const WEBSOCKET_VERSION = "13";

/** base64 of 16 octets (RFC 6455 §4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * Checks the client's half of the opening handshake (RFC 6455 §4.2.1) of a head that asks for a WebSocket, in the
 * promised order: method, version, then the rest. Host, Upgrade, Connection and HTTP/1.1 are settled before; over HTTP/2
 * `:protocol` is, and there is no key (RFC 8441 §5). Sec-WebSocket-Extensions is for the framer, which negotiates extensions or
 * ignores them.
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
