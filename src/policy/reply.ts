// In:    a status code, why a request is refused, the form that Accept prefers.
// Out:   the response in parts, for every protocol and every runtime.
// Never: gives a client the reason, unless it is asked to.

import type { HeadFault } from "../head/fault.js";
import { prefersJson } from "./accept.js";
import type { Refusal } from "./decision.js";
import { explain } from "./explain.js";
import { WEBSOCKET_VERSION } from "./opening-handshake.js";
import { reasonPhrases } from "./reason-phrases.js";

/** The content of a response besides its status code. */
interface ReplyDetails {
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
  const phrase = reasonPhrases[statusCode] ?? "";
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

/** The response to a refused request, or to a malformed head. `expose`: with the line for the log. */
export function refusalReply(refused: Refusal | HeadFault, expose: boolean): Reply {
  const { statusCode, code } = refused;
  const explanation = expose ? explain(refused) : undefined;
  if (!("head" in refused)) return replyOf(statusCode, { code, explanation });
  const json = prefersJson(refused.head.fieldValues("accept"));
  return replyOf(statusCode, { code, explanation, fields: refused.fields, json });
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
