// In:    the octets after a head that declared a chunked body, as many as have come.
// Out:   where the body ends and what it contains; or that more must come, or which octet shows it to be malformed.
// Never: shares code or structure with src/message/body.ts, cares for speed, or keeps anything between two calls.

import { fieldLineOctet, type Refusal, readLine, refuse, trim } from "./request-head.js";

export interface ReferenceBody {
  kind: "done" | "partial" | "malformed";
  /** Where it ended or goes on, or the octet after the one that shows it to be malformed. */
  at: number;
  /** Of a malformed body: why, and the offending octet. */
  code?: string;
  offending?: number;
  /** As far as it came; one character an octet. */
  content: string;
  /** Name, value, name, value of the complete lines. */
  trailers: string[];
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]$/;
const QUOTABLE = /^[\t\x20-\x7e\x80-\xff]$/;
const NOT_IN_TRAILERS =
  /^(?:connection|content-length|expect|host|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/i;

const PARTIAL = Symbol("partial");

/** chunked-body (RFC 9112 §7.1) straight from its ABNF. `overhead`: the most octets of extensions and trailers. */
export function referenceBody(octets: Uint8Array, overhead: number, fieldLines = 4096): ReferenceBody {
  const text = Buffer.from(octets).toString("latin1");
  const trailers: string[] = [];
  let content = "";
  let at = 0;
  let spare = overhead;
  const peek = (): string => {
    if (at === text.length) throw PARTIAL;
    return text[at]!;
  };
  /** An LF ends no line here, whatever else is expected. */
  const fail = (code: string, offending = at): never => {
    throw {
      code: text[at] === "\n" && /^CHUNK_(?:SIZE|EXTENSION)_INVALID$/.test(code) ? "CHUNK_LINE_ENDING" : code,
      offending,
    };
  };
  const expect = (wanted: string, code: string): void => {
    for (const octet of wanted) {
      if (peek() !== octet) fail(code);
      at++;
    }
  };
  /** An octet of an extension, which counts. */
  const spend = (allowed: boolean): void => {
    if (spare-- === 0) fail("CHUNK_EXTENSIONS_TOO_LARGE");
    if (!allowed) fail("CHUNK_EXTENSION_INVALID");
    at++;
  };
  const token = (): void => {
    spend(TOKEN.test(peek()));
    while (TOKEN.test(peek())) spend(true);
  };
  const quotedString = (): void => {
    for (spend(true); peek() !== '"'; ) {
      const escaped = peek() === "\\";
      spend(QUOTABLE.test(peek()));
      if (escaped) spend(QUOTABLE.test(peek()));
    }
    spend(true);
  };
  const extensions = (): void => {
    while (peek() === ";") {
      spend(true);
      token();
      if (peek() !== "=") continue;
      spend(true);
      if (peek() === '"') quotedString();
      else token();
    }
  };
  const size = (): number => {
    let digits = "";
    while (/[0-9A-Fa-f]/.test(peek())) {
      digits += text[at];
      if (digits.length > 16 || BigInt(`0x${digits}`) > BigInt(Number.MAX_SAFE_INTEGER)) fail("CHUNK_SIZE_TOO_LARGE");
      at++;
    }
    if (digits === "") fail("CHUNK_SIZE_INVALID");
    return Number.parseInt(digits, 16);
  };
  const trailerOctet = (before: string, octet: string): Refusal | null => {
    const colon = before.indexOf(":");
    if (colon < 0 && octet === ":" && NOT_IN_TRAILERS.test(before)) return refuse("TRAILER_FIELD");
    return fieldLineOctet(before, octet, colon < 0 ? null : before.slice(0, colon).toLowerCase());
  };
  /** Its lines have room for what extensions have left; the empty line does not count. */
  const trailerSection = (): void => {
    const limited = text.slice(0, at + spare);
    while (peek() !== "\r") {
      if (at === limited.length) fail("TRAILERS_TOO_LARGE");
      if (trailers.length === 2 * fieldLines) fail("FIELD_LINES_TOO_MANY");
      const line = readLine(limited, at, trailerOctet);
      if (line.kind === "malformed") fail(line.code, line.offset);
      if (line.kind !== "line") {
        const isCut = limited.length < text.length;
        at = limited.length;
        if (isCut) fail("TRAILERS_TOO_LARGE");
        throw PARTIAL;
      }
      const colon = line.text.indexOf(":");
      trailers.push(line.text.slice(0, colon), trim(line.text.slice(colon + 1)));
      at = line.next;
    }
  };
  try {
    for (;;) {
      const length = size();
      const isBare = peek() !== ";";
      extensions();
      if (peek() !== "\r") fail(isBare ? "CHUNK_SIZE_INVALID" : "CHUNK_EXTENSION_INVALID");
      expect("\r\n", "CHUNK_LINE_ENDING");
      if (length === 0) break;
      content += text.slice(at, at + length);
      if (text.length - at < length) {
        at = text.length;
        throw PARTIAL;
      }
      at += length;
      expect("\r\n", "CHUNK_DATA_ENDING");
    }
    trailerSection();
    expect("\r\n", trailers.length > 0 ? "BARE_CR" : "CHUNK_LINE_ENDING");
    return { kind: "done", at, content, trailers };
  } catch (fault) {
    if (fault === PARTIAL) return { kind: "partial", at: text.length, content, trailers };
    const { code, offending } = fault as { code: string; offending: number };
    return { kind: "malformed", at: offending + 1, code, offending, content, trailers };
  }
}
