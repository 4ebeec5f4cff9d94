// In:    how a request ended that nobody served.
// Out:   the complete HTTP response that says so.
// Never: tells a client why, unless the gate exposes it.

import { STATUS_CODES } from "node:http";
import { explain } from "../policy/explain.js";
import { WEBSOCKET_VERSION } from "../policy/opening-handshake.js";
import type { AbandonedCode, Answered } from "./end.js";

/** What a response says beside its status code. */
export interface ReplyDetails {
  /** A line of visible latin1. It holds what the client sent, so that no browser may take it for anything but text. */
  readonly explanation?: string | undefined;
  /** Fields that an application adds. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
}

/** A response in parts, of one octet a character; `fields` are name, value, name, value. */
export interface Reply {
  readonly statusCode: number;
  readonly phrase: string;
  readonly fields: readonly string[];
  readonly body: string;
}

/** A response with a body of one line, or of two where there is an explanation; behind it the connection closes. */
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

/** Adds fields, in the place of those that have their names. */
function addFields(fields: string[], added: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(added)) {
    const at = fields.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === name.toLowerCase());
    if (at < 0) fields.push(name, value);
    else fields[at + 1] = value;
  }
}

/** What the client of an abandoned connection is told; the others are told nothing. */
const told: { readonly [Code in AbandonedCode]?: number } = {
  HEAD_TIMEOUT: 408,
  OVERLOADED: 503,
  ADDRESS_OVERLOADED: 503,
  BODY_MALFORMED: 400,
  AUTHORIZE_FAILED: 500,
  EARLY_OCTETS: 400,
  FRAMER_FAILED: 500,
};

/** The response to a request that ended so, over any version of HTTP; null where there is none. `expose`: with the line for the log. */
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
 * A response as HTTP/1.1 sends it. `method` is the request's, if it is known: a response to HEAD has no body (RFC 9110
 * §9.3.2).
 */
export function messageOf({ statusCode, phrase, fields, body }: Reply, method?: string): string {
  let head = `HTTP/1.1 ${statusCode} ${phrase}\r\nDate: ${new Date().toUTCString()}\r\n`;
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${head}\r\n${method === "HEAD" ? "" : body}`;
}

/** The fields that a status code asks for. */
function fieldsOf(statusCode: number): string[] {
  // RFC 9110 §15.5.22 and RFC 6455 §4.2.2
  if (statusCode === 426) {
    return ["Upgrade", "websocket", "Connection", "Upgrade, close", "Sec-WebSocket-Version", WEBSOCKET_VERSION];
  }
  // RFC 9110 §15.5.6; only an opening handshake and CONNECT are refused for their method, and both leave GET.
  return statusCode === 405 ? ["Connection", "close", "Allow", "GET"] : ["Connection", "close"];
}
