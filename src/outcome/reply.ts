// In:    how a request ended that was not served.
// Out:   the complete HTTP response for it.
// Never: gives a client the reason, unless the gate has `expose`.

import { STATUS_CODES } from "node:http";
import { explain } from "../policy/explain.js";
import { WEBSOCKET_VERSION } from "../policy/opening-handshake.js";
import type { AbandonedCode, Answered } from "./end.js";

/** The content of a response besides its status code. */
export interface ReplyDetails {
  /** A line of visible latin1. It contains what the client sent, so browsers must treat it as plain text. */
  readonly explanation?: string | undefined;
  /** Fields that an application adds. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
}

/** A response in parts, one octet per character; `fields` are name, value, name, value. */
export interface Reply {
  readonly statusCode: number;
  readonly phrase: string;
  readonly fields: readonly string[];
  readonly body: string;
}

/** A response with a body of one line, or of two with an explanation; after it the connection closes. */
export function replyOf(statusCode: number, { explanation, fields: added }: ReplyDetails = {}): Reply {
  const phrase = STATUS_CODES[statusCode] ?? "";
  const line = phrase === "" ? `${statusCode}` : phrase;
  const body = explanation === undefined ? `${line}\n` : `${line}\n${explanation}\n`;
  // RFCs are cited with a section sign.
  const type = explanation === undefined ? "text/plain" : "text/plain; charset=iso-8859-1";
  const fields = [...fieldsOf(statusCode), "Content-Type", type, "Content-Length", `${body.length}`];
  if (explanation !== undefined) fields.push("X-Content-Type-Options", "nosniff");
  if (added !== undefined) addFields(fields, added);
  return { statusCode, phrase, fields, body };
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
  BODY_MALFORMED: 400,
  AUTHORIZE_FAILED: 500,
  EARLY_OCTETS: 400,
  FRAMER_FAILED: 500,
};

/** The response for an end, over any version of HTTP; null if there is none. `expose`: with the line for the log. */
export function replyTo(end: Answered, expose: boolean): Reply | null {
  switch (end.kind) {
    case "refused": {
      const { statusCode, fields } = end.decision;
      return replyOf(statusCode, { explanation: expose ? explain(end.decision) : undefined, fields });
    }
    case "malformed":
      return replyOf(end.fault.statusCode, { explanation: expose ? explain(end.fault) : undefined });
    case "abandoned": {
      const statusCode = told[end.code];
      return statusCode === undefined ? null : replyOf(statusCode);
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
