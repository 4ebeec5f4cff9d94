// In:    the octets behind a request head that declared a chunked body, as many as have come.
// Out:   where the body ends and what it holds, that more must come, or behind which octet it shows to be malformed.
// Never: shares code or structure with src/message/body.ts, cares for speed, or keeps anything between two calls.

export interface ReferenceBody {
  kind: "done" | "partial" | "malformed";
  /** Where it ended, or behind which octet it goes on or shows to be malformed. */
  at: number;
  /** As far as it came; one character an octet. */
  content: string;
  /** Name, value, name, value of the lines that came whole. */
  trailers: string[];
}

const SP_TO_TILDE = "\\x20-\\x7e";
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]$/;
const QUOTABLE = new RegExp(`^[\\t${SP_TO_TILDE}\\x80-\\xff]$`);
const NOT_IN_TRAILERS =
  /^(?:connection|content-length|expect|host|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/i;

const PARTIAL = Symbol("partial");

/** chunked-body (RFC 9112 §7.1) straight from its ABNF. `overhead`: the most octets of extensions and trailers. */
export function referenceBody(octets: Uint8Array, overhead: number): ReferenceBody {
  const text = Buffer.from(octets).toString("latin1");
  const trailers: string[] = [];
  let content = "";
  let at = 0;
  let spare = overhead;
  const peek = (): string => {
    if (at === text.length) throw PARTIAL;
    return text[at]!;
  };
  const fail = (): never => {
    at++;
    throw new Error("malformed");
  };
  const expect = (wanted: string): void => {
    for (const octet of wanted) {
      if (peek() !== octet) fail();
      at++;
    }
  };
  /** An octet that counts. */
  const spend = (allowed: boolean): void => {
    if (!allowed || spare-- === 0) fail();
    at++;
  };
  const token = (): string => {
    const start = at;
    spend(TOKEN.test(peek()));
    while (TOKEN.test(peek())) spend(true);
    return text.slice(start, at);
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
      if (digits.length > 16 || BigInt(`0x${digits}`) > BigInt(Number.MAX_SAFE_INTEGER)) fail();
      at++;
    }
    if (digits === "") fail();
    return Number.parseInt(digits, 16);
  };
  const trailerLine = (): void => {
    const name = token();
    if (peek() === ":" && NOT_IN_TRAILERS.test(name)) fail();
    spend(peek() === ":");
    const start = at;
    while (QUOTABLE.test(peek())) spend(true);
    const value = text.slice(start, at).replace(/^[ \t]+|[ \t]+$/g, "");
    spend(peek() === "\r");
    spend(peek() === "\n");
    trailers.push(name, value);
  };
  try {
    for (;;) {
      const length = size();
      extensions();
      expect("\r\n");
      if (length === 0) break;
      content += text.slice(at, at + length);
      if (text.length - at < length) {
        at = text.length;
        throw PARTIAL;
      }
      at += length;
      expect("\r\n");
    }
    while (peek() !== "\r") trailerLine();
    expect("\r\n");
    return { kind: "done", at, content, trailers };
  } catch (fault) {
    return { kind: fault === PARTIAL ? "partial" : "malformed", at, content, trailers };
  }
}
