// In:    all octets of one direction of a connection, whether it has ended, and the methods that responses answer.
// Out:   the messages in them, and what comes after the last one.
// Never: shares code or structure with src/message/ or the kernel, or cares for speed.

import { referenceBody } from "./chunked-body.js";
import {
  connectionOptions,
  error,
  type Field,
  type ReferenceOptions,
  type Refusal,
  readFields,
  readLine,
  referenceHead,
  refuse,
  valuesOf,
  versionOctet,
} from "./request-head.js";

export interface ReferenceMessage {
  /** `GET /` or `200 OK`, without the version. */
  start: string;
  httpVersion: string;
  fields: Field[];
  /** By version and Connection alone. */
  keepAlive: boolean;
  content: string;
  /** Name, value, name, value. */
  trailers: string[];
}

export interface ReferenceReading {
  /** Complete messages, those with 1xx included, and the one that was read last as far as it came. */
  messages: ReferenceMessage[];
  /** How many of them are complete. */
  complete: number;
  /** `partial`: within a message, or a response is awaited. `paused`: between two. `switched`: another protocol follows. */
  after: "partial" | "paused" | "switched" | "closed" | "malformed";
  code?: string;
  /** Within the message that is malformed. */
  offset?: number;
  /** Requests without a response. */
  unanswered: number;
}

export interface ReferenceReadingOptions extends ReferenceOptions {
  /** Methods of requests; the octets are responses. Null for octets that are requests. */
  answersTo: readonly string[] | null;
  ended: boolean;
  overheadBytes: number;
}

type Framing = "none" | "chunked" | "until-close" | number;

interface ReferenceStart {
  message: ReferenceMessage;
  size: number;
  framing: Framing;
  interim: boolean;
  after: "paused" | "switched" | "closed";
}

type StartResult =
  | ({ kind: "complete" } & ReferenceStart)
  | { kind: "partial" }
  | { kind: "malformed"; code: string; offset: number };

/** `HTTP-message` after `HTTP-message` (RFC 9112 §2.1). */
export function referenceMessages(octets: Uint8Array, options: ReferenceReadingOptions): ReferenceReading {
  const methods = [...(options.answersTo ?? [])];
  const reading = readAll(octets, options, methods);
  return { ...reading, unanswered: methods.length };
}

function readAll(
  octets: Uint8Array,
  options: ReferenceReadingOptions,
  methods: string[],
): Omit<ReferenceReading, "unanswered"> {
  const { ended, overheadBytes, answersTo } = options;
  const messages: ReferenceMessage[] = [];
  let complete = 0;
  const malformed = (code: string, offset: number) => ({
    messages,
    complete,
    after: "malformed" as const,
    code,
    offset,
  });
  /** The octets end within a message. */
  const incomplete = (offset: number) =>
    ended ? malformed("MESSAGE_INCOMPLETE", offset) : { messages, complete, after: "partial" as const };
  for (let at = 0; ; ) {
    const rest = octets.subarray(at);
    if (rest.length === 0) {
      const after = ended ? "closed" : methods.length > 0 ? "partial" : "paused";
      return { messages, complete, after };
    }
    if (answersTo !== null && methods.length === 0) return malformed("RESPONSE_UNEXPECTED", 0);
    const start = answersTo === null ? requestStart(rest, options) : responseStart(rest, methods[0]!, options);
    if (start.kind === "malformed") return malformed(start.code, start.offset);
    if (start.kind === "partial") {
      // Empty lines before a request are not the beginning of one (RFC 9112 §2.2).
      if (/^[\r\n]*$/.test(text(rest))) return { messages, complete, after: ended ? "closed" : "paused" };
      return incomplete(rest.length);
    }
    const { message, size, framing, interim, after } = start;
    messages.push(message);
    at += size;
    if (interim) {
      complete++;
      if (after === "closed") return { messages, complete, after };
      continue;
    }
    methods.shift();
    const body = octets.subarray(at);
    if (framing === "until-close") {
      message.content = text(body);
      return { messages, complete: complete + Number(ended), after: ended ? "closed" : "partial" };
    }
    if (framing === "chunked") {
      const chunked = referenceBody(body, overheadBytes, options.fieldLines ?? 100);
      message.content = chunked.content;
      if (chunked.kind === "malformed") return malformed(chunked.code!, size + chunked.offending!);
      if (chunked.kind === "partial") return incomplete(size + body.length);
      message.trailers = chunked.trailers;
      at += chunked.at;
    } else if (framing !== "none") {
      message.content = text(body.subarray(0, framing));
      if (body.length < framing) return incomplete(size + body.length);
      at += framing;
    }
    complete++;
    if (after !== "paused") return { messages, complete, after };
  }
}

function text(octets: Uint8Array): string {
  return Array.from(octets, (octet) => String.fromCharCode(octet)).join("");
}

function requestStart(octets: Uint8Array, options: ReferenceReadingOptions): StartResult {
  const result = referenceHead(octets, options);
  if (result.kind !== "complete") return result;
  const { consumed: size, method, requestTarget, httpVersion, fields, framing, keepAlive } = result.head;
  return {
    kind: "complete",
    message: { start: `${method} ${requestTarget}`, httpVersion, fields, keepAlive, content: "", trailers: [] },
    size,
    framing: framing.kind === "content-length" ? framing.length : framing.kind,
    interim: false,
    // Every upgrade and CONNECT is declined.
    after: keepAlive ? "paused" : "closed",
  };
}

/** `status-line CRLF *( field-line CRLF ) CRLF` (RFC 9112 §2.1, §4). */
function responseStart(octets: Uint8Array, method: string, options: ReferenceReadingOptions): StartResult {
  const { headBytes = 16384, fieldLines = 100 } = options;
  const head = text(octets.subarray(0, headBytes));
  const result = responseHead(head, method, fieldLines);
  return result.kind === "partial" && octets.length > headBytes ? error("HEAD_TOO_LARGE", headBytes) : result;
}

function responseHead(head: string, method: string, fieldLines: number): StartResult {
  const line = readLine(head, 0, statusLineOctet);
  if (line.kind !== "line") return line;
  const [version = "", code = ""] = line.text.split(" ");
  const httpVersion = version.slice("HTTP/".length) as "1.0" | "1.1";
  const section = readFields(head, line.next, fieldLines, httpVersion, "host", true);
  if (section.kind !== "fields") return section;
  const { fields, emptyLine, next: size } = section;
  const status = Number(code);
  const [length] = valuesOf(fields, "content-length");
  const [coding] = valuesOf(fields, "transfer-encoding");
  const isFramed = coding !== undefined || Number(length ?? 0) > 0;
  if ((status < 200 || status === 204) && isFramed) return error("RESPONSE_FRAMING", emptyLine);
  const isTunnel = method === "CONNECT" && code.startsWith("2");
  if (isTunnel && isFramed) return error("RESPONSE_FRAMING", emptyLine);
  const connection = connectionOptions(fields);
  const isUpgrade = httpVersion === "1.1" && connection.includes("upgrade") && upgradeProtocols(fields).length > 0;
  if (status === 101 && !isUpgrade) return error("RESPONSE_UPGRADE", emptyLine);
  const persists = !connection.includes("close") && (httpVersion === "1.1" || connection.includes("keep-alive"));
  const isEmpty = status < 200 || status === 204 || status === 304 || method === "HEAD" || isTunnel;
  let framing: Framing = "until-close";
  if (isEmpty) framing = "none";
  else if (coding !== undefined) framing = /(?:^|[, \t])chunked$/i.test(coding) ? "chunked" : "until-close";
  else if (length !== undefined) framing = Number(length);
  return {
    kind: "complete",
    message: {
      start: line.text.slice(version.length + 1),
      httpVersion,
      fields,
      keepAlive: persists,
      content: "",
      trailers: [],
    },
    size,
    framing,
    interim: status < 200 && status !== 101,
    after: status === 101 || isTunnel ? "switched" : persists && framing !== "until-close" ? "paused" : "closed",
  };
}

/** `Upgrade = #protocol` (RFC 9110 §7.8). */
function upgradeProtocols(fields: Field[]): string[] {
  const listed = valuesOf(fields, "upgrade").join(",").split(",");
  return listed.map((protocol) => protocol.replace(/[ \t]/g, "")).filter((protocol) => protocol !== "");
}

/** `status-line = HTTP-version SP status-code SP [ reason-phrase ]` (RFC 9112 §4); the last SP may be absent. */
function statusLineOctet(before: string, octet: string): Refusal | null {
  const space = before.indexOf(" ");
  if (space < 0) return statusVersionOctet(before, octet);
  const rest = before.slice(space + 1);
  if (rest.length > 3) return null;
  if (octet === "\t") return refuse("STATUS_LINE_WHITESPACE");
  if (octet === "\r") return rest.length === 3 ? null : refuse("STATUS_LINE_SHORT");
  if (rest.length === 3) return octet === " " ? null : refuse("STATUS_CODE_INVALID");
  if (octet === " ") return refuse("STATUS_LINE_WHITESPACE");
  return (rest === "" ? /^[1-9]$/ : /^[0-9]$/).test(octet) ? null : refuse("STATUS_CODE_INVALID");
}

function statusVersionOctet(version: string, octet: string): Refusal | null {
  if (octet === "\t") return refuse("STATUS_LINE_WHITESPACE");
  if (octet === "\r") return refuse("STATUS_LINE_SHORT");
  const isWhole = version.length === "HTTP/1.1".length;
  if (octet === " " && !isWhole) return refuse("STATUS_LINE_WHITESPACE");
  if (octet !== " ") return isWhole ? refuse("VERSION_INVALID") : versionOctet(version, octet);
  return version === "HTTP/1.1" || version === "HTTP/1.0" ? null : refuse("VERSION_UNSUPPORTED", version.length);
}
