// In:    a refusal, a malformed head, or a deadline.
// Out:   the complete HTTP response that says so.
// Never: tells a client why, unless it is given the words for that.

import { WEBSOCKET_VERSION } from "./opening-handshake.js";

/** Reason phrases (RFC 9110 §15, RFC 6585). */
const phrases: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  421: "Misdirected Request",
  426: "Upgrade Required",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

/**
 * A response with a body of one line, after which the connection closes. `method` is the request's, if it is known: a
 * response to HEAD has no body (RFC 9110 §9.3.2). `explanation` is a line of visible ASCII; it holds what the client
 * sent, so that no browser may take it for anything but text.
 */
export function reply(statusCode: number, method?: string, explanation?: string): string {
  const phrase = phrases[statusCode] ?? "";
  const body = explanation === undefined ? `${phrase}\n` : `${phrase}\n${explanation}\n`;
  const fields = [`Date: ${new Date().toUTCString()}`, ...fieldsOf(statusCode)];
  fields.push("Content-Type: text/plain", `Content-Length: ${body.length}`);
  if (explanation !== undefined) fields.push("X-Content-Type-Options: nosniff");
  return `HTTP/1.1 ${statusCode} ${phrase}\r\n${fields.join("\r\n")}\r\n\r\n${method === "HEAD" ? "" : body}`;
}

/** The fields that a status code asks for. */
function fieldsOf(statusCode: number): string[] {
  // RFC 9110 §15.5.22 and RFC 6455 §4.2.2
  if (statusCode === 426) {
    return ["Upgrade: websocket", "Connection: Upgrade, close", `Sec-WebSocket-Version: ${WEBSOCKET_VERSION}`];
  }
  // RFC 9110 §15.5.6; only an opening handshake and CONNECT are refused for their method, and both leave GET.
  return statusCode === 405 ? ["Connection: close", "Allow: GET"] : ["Connection: close"];
}
