// In:    how a request ended that was not served.
// Out:   the complete HTTP response for it.
// Never: gives a client the reason, unless the gate has `expose`.

import { RETRY_AFTER } from "../policy/decision.js";
import { type Reply, refusalReply, replyOf } from "../policy/reply.js";
import type { AbandonedCode, Answered } from "./end.js";

/** The status code of the response to an abandoned connection; the others get no response. */
const statusCodes: { readonly [Code in AbandonedCode]?: number } = {
  HEAD_TIMEOUT: 408,
  OVERLOADED: 503,
  ADDRESS_OVERLOADED: 503,
  CONNECTIONS_TOO_MANY: 503,
  DRAINED: 503,
  BODY_MALFORMED: 400,
  BODY_TIMEOUT: 408,
  AUTHORIZE_FAILED: 500,
  EARLY_OCTETS: 400,
  FRAMER_FAILED: 500,
  FRAMER_UNAVAILABLE: 503,
};

/** Another process may already take, or another child soon, what is answered so. */
const retried: ReadonlySet<AbandonedCode> = new Set<AbandonedCode>(["DRAINED", "FRAMER_UNAVAILABLE"]);

/** The response for an end, over any version of HTTP; null if there is none. `expose`: with the line for the log. */
export function replyTo(end: Answered, expose: boolean): Reply | null {
  switch (end.kind) {
    case "refused":
      return refusalReply(end.decision, expose);
    case "malformed":
      return refusalReply(end.fault, expose);
    case "abandoned": {
      const { code } = end;
      const statusCode = statusCodes[code];
      const fields = retried.has(code) ? { "Retry-After": RETRY_AFTER } : undefined;
      return statusCode === undefined ? null : replyOf(statusCode, { code, fields });
    }
  }
}

/**
 * A response as HTTP/1.1 sends it. `method` is that of the request, if it is known: a response to HEAD has no body (RFC 9110
 * §9.3.2).
 */
export function http1Response({ statusCode, phrase, fields, body }: Reply, method?: string): string {
  let head = `HTTP/1.1 ${statusCode} ${phrase}\r\nDate: ${new Date().toUTCString()}\r\n`;
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${head}\r\n${method === "HEAD" ? "" : body}`;
}
