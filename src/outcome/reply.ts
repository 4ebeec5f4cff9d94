// In:    how a request ended that was not served.
// Out:   the complete HTTP response for it.
// Never: gives a client the reason, unless the gate has `expose`.

import { STATUS_CODES } from "node:http";
import { RETRY_AFTER } from "../policy/decision.js";
import { explain } from "../policy/explain.js";
import { WEBSOCKET_VERSION } from "../policy/opening-handshake.js";
import { prefersJson } from "./accept.js";
import type { AbandonedCode, Answered } from "./end.js";

/** The content of a response besides its status code. */
export interface ReplyDetails {
  /** Why: the code of a refusal, a fault or an end. */
  readonly code?: string | undefined;
  /** A line of visible latin1. It contains what the client sent, so browsers must treat it as plain text or JSON. */
  readonly explanation?: string | undefined;
  /** Fields that an application adds. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
  /** The body is `{"error":{"code":...}}`, with `explanation` beside `code` if there is one. */
  readonly json?: boolean;
}

/** A response in parts, one octet per character; `fields` are name, value, name, value. */
export interface Reply {
  readonly statusCode: number;
  readonly phrase: string;
  readonly fields: readonly string[];
  readonly body: string;
}

/**
 * A response that no cache keeps (RFC 9111 §5.2.2.5); after it the connection closes. Its body is one line with the code, or two with
 * an explanation, or JSON.
 */
export function replyOf(statusCode: number, details: ReplyDetails = {}): Reply {
  const phrase = STATUS_CODES[statusCode] ?? "";
  const { explanation, fields: added } = details;
  const body = details.json === true ? jsonOf(details) : textOf(phrase === "" ? `${statusCode}` : phrase, details);
  // RFCs are cited with a section sign.
  const text = explanation === undefined ? "text/plain" : "text/plain; charset=iso-8859-1";
  const type = details.json === true ? "application/json" : text;
  const fields = [...fieldsOf(statusCode), "Cache-Control", "no-store", "Content-Type", type];
  fields.push("Content-Length", `${body.length}`);
  if (explanation !== undefined) fields.push("X-Content-Type-Options", "nosniff");
  if (added !== undefined) addFields(fields, added);
  return { statusCode, phrase, fields, body };
}

function textOf(phrase: string, { code, explanation }: ReplyDetails): string {
  const line = code === undefined ? phrase : `${phrase} (${code})`;
  return explanation === undefined ? `${line}\n` : `${line}\n${explanation}\n`;
}

/** In US-ASCII, which is UTF-8 as well. */
function jsonOf({ code, explanation }: ReplyDetails): string {
  const text = JSON.stringify({ error: { code, explanation } });
  return text.replace(/[^\x20-\x7e]/g, (octet) => `\\u${octet.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Adds fields, replacing those of the same name. */
function addFields(fields: string[], added: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(added)) {
    const at = fields.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === name.toLowerCase());
    if (at < 0) fields.push(name, value);
    else fields[at + 1] = value;
  }
}

/** The status code of the response to an abandoned connection; the others get no response. */
const told: { readonly [Code in AbandonedCode]?: number } = {
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
};

/** The response for an end, over any version of HTTP; null if there is none. `expose`: with the line for the log. */
export function replyTo(end: Answered, expose: boolean): Reply | null {
  switch (end.kind) {
    case "refused": {
      const { statusCode, fields, code, head } = end.decision;
      const json = prefersJson(head.fieldValues("accept"));
      return replyOf(statusCode, { code, explanation: expose ? explain(end.decision) : undefined, fields, json });
    }
    case "malformed": {
      const { statusCode, code } = end.fault;
      return replyOf(statusCode, { code, explanation: expose ? explain(end.fault) : undefined });
    }
    case "abandoned": {
      const { code } = end;
      const statusCode = told[code];
      const fields = code === "DRAINED" ? { "Retry-After": RETRY_AFTER } : undefined;
      return statusCode === undefined ? null : replyOf(statusCode, { code, fields });
    }
  }
}

/**
 * A response as HTTP/1.1 sends it. `method` is that of the request, if it is known: a response to HEAD has no body (RFC 9110
 * §9.3.2).
 */
export function messageOf({ statusCode, phrase, fields, body }: Reply, method?: string): string {
  let head = `HTTP/1.1 ${statusCode} ${phrase}\r\nDate: ${new Date().toUTCString()}\r\n`;
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${head}\r\n${method === "HEAD" ? "" : body}`;
}

/** The fields that a status code requires. */
function fieldsOf(statusCode: number): string[] {
  // RFC 9110 §15.5.22 and RFC 6455 §4.2.2
  if (statusCode === 426) {
    return ["Upgrade", "websocket", "Connection", "Upgrade, close", "Sec-WebSocket-Version", WEBSOCKET_VERSION];
  }
  // RFC 9110 §15.5.6; only an opening handshake and CONNECT are refused for their method, and GET is allowed in both cases.
  return statusCode === 405 ? ["Connection", "close", "Allow", "GET"] : ["Connection", "close"];
}
