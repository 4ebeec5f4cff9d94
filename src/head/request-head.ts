// In:    the octets of one request head, and the kernel's record of them.
// Out:   RequestHead: one head as it was sent.
// Never: is made from an incomplete head, or knows about sockets and policies.

import {
  Capacity,
  FieldLine,
  FieldSpelling,
  Flag,
  Head,
  Memory,
  Option,
  type Status,
  TargetForm,
} from "../../assembly/abi.js";
import { type Authority, parseAuthority, readAuthority } from "./authority.js";
import { INSPECT, type Inspect } from "./inspect.js";
import { type Kernel, kernel } from "./kernel/instance.js";
import type { HeadLimits } from "./limits.js";
import { members } from "./scan.js";

/** The four forms of a request-target (RFC 9112 §3.2). */
export type RequestTargetForm = "origin-form" | "absolute-form" | "authority-form" | "asterisk-form";

/** How the body after a request head is delimited (RFC 9112 §6.3). */
export type Framing =
  | { readonly kind: "none" }
  /** `length` octets, 0..2^53-1. */
  | { readonly kind: "content-length"; readonly length: number }
  | { readonly kind: "chunked" }
  /** Over HTTP/2, if no length was sent: by END_STREAM (RFC 9113 §8.1). */
  | { readonly kind: "frames" };

/** The part of a request that names its authority. HTTP/2 has `:authority` instead of HTTP/1.1's Host (RFC 9113 §8.3.1). */
export type AuthorityField = ":authority" | "absolute-form" | "authority-form" | "Host" | "nothing";

const targetForms: Record<number, RequestTargetForm> = {
  [TargetForm.ORIGIN]: "origin-form",
  [TargetForm.ABSOLUTE]: "absolute-form",
  [TargetForm.AUTHORITY]: "authority-form",
  [TargetForm.ASTERISK]: "asterisk-form",
};

/** The framings that need no length, of requests and responses. @internal */
export const NO_CONTENT = Object.freeze({ kind: "none" } as const);
/** @internal */
export const CHUNKED = Object.freeze({ kind: "chunked" } as const);

/**
 * Field names for which Node's `headers` keeps only the first line. All others are joined: with "; " for Cookie, with
 * ", " otherwise (RFC 9110 §5.3).
 */
const singular = new Set(
  (
    "age authorization content-length content-type etag expires from host if-modified-since if-unmodified-since " +
    "last-modified location max-forwards proxy-authorization referer retry-after server user-agent"
  ).split(" "),
);

/**
 * One request head as it was sent. It owns its octets as text, one character per octet; everything else is made from
 * them on demand.
 */
export class RequestHead {
  /** The complete head, including skipped empty lines and the last CRLF. */
  readonly #text: string;
  /** The record's `Flag` bits: the facts that are read most often. */
  readonly #flags: number;
  /** The parse after which the kernel's record belongs to this head. */
  #generation: number;
  /** Where that record begins, in words, and where the head began in the kernel's input. */
  #record: number;
  #start: number;
  #host: Authority | null | undefined;
  #authority: Authority | null | undefined;
  #rawHeaders: string[] | undefined;
  #headers: Record<string, string | string[] | undefined> | undefined;

  /** @internal */
  constructor(text: string, words: Int32Array, generation: number, record: number, start: number) {
    this.#text = text;
    this.#flags = words[record + (Head.FLAGS >> 2)]!;
    this.#generation = generation;
    this.#record = record;
    this.#start = start;
  }

  /** The method token, case as sent (RFC 9110 §9.1). */
  get method(): string {
    return this.#has(Flag.METHOD_GET) ? "GET" : this.#span(Head.METHOD_START, Head.METHOD_END);
  }

  /** The request-target, octets as sent (RFC 9112 §3.2). */
  get requestTarget(): string {
    return this.#span(Head.TARGET_START, Head.TARGET_END);
  }

  get targetForm(): RequestTargetForm {
    return targetForms[this.#word(Head.TARGET_FORM)]!;
  }

  get httpVersion(): "1.0" | "1.1" | "2.0" {
    return this.#has(Flag.VERSION_1_1) ? "1.1" : "1.0";
  }

  /** The scheme of an absolute-form, or `:scheme` of HTTP/2, in lower case; null if none was sent. */
  get scheme(): string | null {
    if (this.targetForm !== "absolute-form") return null;
    return this.requestTarget.slice(0, this.requestTarget.indexOf(":")).toLowerCase();
  }

  /** The `:protocol` of an extended CONNECT, as sent (RFC 8441 §4); null in any other request. */
  get protocol(): string | null {
    return null;
  }

  /**
   * The Host field, or `:authority` of HTTP/2; null if the request has none. With `host: "unchecked"` also null if Host is
   * repeated or not a uri-host and a port.
   */
  get host(): Authority | null {
    return (this.#host ??= this.#readHost());
  }

  /** The host and port that the request is for: the authority of the request-target, else Host (RFC 9112 §3.2.2, §3.3). */
  get authority(): Authority | null {
    this.#authority ??= this.#readAuthority(Head.TARGET_AUTHORITY);
    return this.#authority ?? this.host;
  }

  /** What `authority` was read from. */
  get authorityField(): AuthorityField {
    const form = this.targetForm;
    if (form === "absolute-form" || form === "authority-form") return form;
    return this.host === null ? "nothing" : "Host";
  }

  /**
   * The target up to its "?", octets as sent: "/" if an absolute-form has none, "*" for asterisk-form, "" for
   * authority-form.
   */
  get path(): string {
    const form = this.targetForm;
    if (form === "asterisk-form") return "*";
    const path = this.#span(Head.PATH_START, Head.QUERY_START);
    return path === "" && form === "absolute-form" ? "/" : path;
  }

  /** The part of the target after its "?"; null if it has none. */
  get query(): string | null {
    const query = this.#span(Head.QUERY_START, Head.TARGET_END);
    return query === "" ? null : query.slice(1);
  }

  /** Name, value, name, value: names as sent, values without surrounding white space, one character per octet. */
  get rawHeaders(): string[] {
    return this.#lines();
  }

  /**
   * Like Node's `IncomingMessage.headers`: names in lower case; repeated ones are joined or, if they may not repeat, the
   * first one counts. It has no prototype, so that no field name clashes with a member of Object.
   */
  get headers(): Record<string, string | string[] | undefined> {
    return (this.#headers ??= joinHeaders(this.#lines()));
  }

  /** All lines of that name, joined with ", " (RFC 9110 §5.2), Cookie with "; "; undefined if there is none. */
  field(name: string): string | undefined {
    const values = this.fieldValues(name);
    if (values.length < 2) return values[0];
    return values.join(name.toLowerCase() === "cookie" ? "; " : ", ");
  }

  /** The value of each line of that name, in order. */
  fieldValues(name: string): string[] {
    const wanted = name.toLowerCase();
    const number = kernel().numbers.get(wanted);
    if (number !== undefined) {
      const bit = 1 << number;
      if ((this.#word(Head.SEEN) & bit) === 0) return [];
      if ((this.#word(Head.REPEATED) & bit) === 0) return [this.#valueOfFirst(number)];
    }
    const raw = this.#lines();
    const values: string[] = [];
    for (let i = 0; i < raw.length; i += 2) {
      if (raw[i]!.length === wanted.length && raw[i]!.toLowerCase() === wanted) values.push(raw[i + 1]!);
    }
    return values;
  }

  get framing(): Framing {
    if (this.#has(Flag.TRANSFER_ENCODING)) return CHUNKED;
    if (!this.#has(Flag.CONTENT_LENGTH)) return NO_CONTENT;
    return { kind: "content-length", length: this.contentLength };
  }

  /** The value of Content-Length; 0 if there is none. @internal */
  get contentLength(): number {
    return this.#word(Head.CONTENT_LENGTH_HIGH) * 0x1_0000_0000 + (this.#word(Head.CONTENT_LENGTH_LOW) >>> 0);
  }

  /** True if the connection persists after this request; `close` counts, whatever is beside it (RFC 9112 §9.3). */
  get keepAlive(): boolean {
    if (this.#has(Flag.CONNECTION_CLOSE)) return false;
    return this.#has(Flag.VERSION_1_1) || this.#has(Flag.CONNECTION_KEEP_ALIVE);
  }

  /** True if `Expect: 100-continue` was sent (RFC 9110 §10.1.1). */
  get expectsContinue(): boolean {
    return this.#has(Flag.EXPECT_CONTINUE);
  }

  /**
   * The protocols of Upgrade, as sent. Empty unless Connection lists `upgrade` and the version is 1.1, since Upgrade
   * means nothing otherwise (RFC 9110 §7.8).
   */
  get upgrade(): string[] {
    if (!this.#has(Flag.UPGRADE) || !this.#has(Flag.CONNECTION_UPGRADE) || !this.#has(Flag.VERSION_1_1)) return [];
    const values = this.fieldValues("upgrade");
    if (values.length === 1 && /^[A-Za-z0-9/.]+$/.test(values[0]!)) return values;
    return values.flatMap((value) => members(value)).filter((member) => member !== "");
  }

  /** True for CONNECT and for an upgrade: another protocol follows if the server agrees (RFC 9110 §7.8, §9.3.6). @internal */
  get asksForSwitch(): boolean {
    return this.targetForm === "authority-form" || this.upgrade.length > 0;
  }

  /** True if `upgrade` lists `websocket`, ignoring case. */
  get asksForWebSocket(): boolean {
    const wanted = Flag.UPGRADE_WEBSOCKET | Flag.CONNECTION_UPGRADE | Flag.VERSION_1_1;
    return (this.#flags & wanted) === wanted;
  }

  /** Forgets what was made from the text, and is made from it again when it is asked for. @internal */
  forget(): void {
    this.#rawHeaders = this.#headers = undefined;
  }

  /** Octets of the head as received. */
  get size(): number {
    return this.#text.length;
  }

  /** The head as received, one character per octet. */
  toString(): string {
    return this.#text;
  }

  /** For `JSON.stringify`, and in `console.log`: what no secret is in. Fields and the query have to be asked for. */
  toJSON(): { method: string; authority: string | null; path: string; httpVersion: string; size: number } {
    const { method, authority, path, httpVersion, size } = this;
    return { method, authority: authority === null ? null : String(authority), path, httpVersion, size };
  }

  /** @internal */
  [INSPECT](_depth: number, options: object, inspect: Inspect): string {
    return `RequestHead ${inspect(this.toJSON(), options)}`;
  }

  /** The field lines of the text. */
  #lines(): string[] {
    return (this.#rawHeaders ??= readFieldLines(
      this.#words(),
      this.#record,
      this.#text,
      this.#start,
      kernel().spellings,
    ));
  }

  /** The value of the first line of a name that the kernel reads and has seen. */
  #valueOfFirst(number: number): string {
    const address = this.#word(Head.KNOWN + (number << 2));
    const words = this.#words();
    const at = this.#record + ((address - Memory.RECORD) >> 2);
    const name = words[at + (FieldLine.NAME >> 2)]!;
    const isPadded = (name & FieldSpelling.PADDED) !== 0;
    const from = isPadded ? words[at + (FieldLine.VALUE_START >> 2)]! : (name >>> FieldSpelling.BITS) + 2;
    const to = words[at + ((isPadded ? FieldLine.VALUE_END : FieldLine.END) >> 2)]!;
    return this.#text.slice(from - this.#start, to - this.#start);
  }

  #readHost(): Authority | null {
    if (!this.#has(Flag.HOST_UNCHECKED)) return this.#readAuthority(Head.HOST);
    const [value, ...others] = this.fieldValues("host");
    const result = value === undefined || others.length > 0 ? null : parseAuthority(value);
    return result?.kind === "complete" ? result.authority : null;
  }

  #readAuthority(block: number): Authority | null {
    return readAuthority(this.#words(), this.#record + (block >> 2), this.#text, this.#start);
  }

  /** The kernel's words, with this head's record at `#record`: still there, or read again from the text. */
  #words(): Int32Array {
    const wasm = kernel();
    if (wasm.generation !== this.#generation) {
      wasm.text.write(this.#text, 0);
      // It is read as it was at first: these bits are the same in flags and options.
      const kind = this.#flags & (Flag.RESPONSE | Flag.HOST_UNCHECKED);
      run(wasm, 0, this.#text.length, Option.HOST_OPTIONAL | kind, widest);
      this.#generation = wasm.generation;
      this.#record = 0;
      this.#start = 0;
    }
    return wasm.words;
  }

  /** The record's `Flag` bits, for other views of the same record. @internal */
  get flags(): number {
    return this.#flags;
  }

  /** A word of the record. @internal */
  recordWord(offset: number): number {
    return this.#word(offset);
  }

  /** The text between the positions in two words of the record. @internal */
  recordText(start: number, end: number): string {
    return this.#span(start, end);
  }

  #word(offset: number): number {
    const words = this.#words();
    return words[this.#record + (offset >> 2)]!;
  }

  #has(flag: Flag): boolean {
    return (this.#flags & flag) !== 0;
  }

  #span(start: number, end: number): string {
    const words = this.#words();
    const record = this.#record;
    const first = this.#start;
    return this.#text.slice(words[record + (start >> 2)]! - first, words[record + (end >> 2)]! - first);
  }
}

/** Name, value, name, value of the record at word `record`; `text` are the octets from `start` on. */
export function readFieldLines(
  words: Int32Array,
  record: number,
  text: string,
  start: number,
  spellings: readonly string[],
): string[] {
  const length = 2 * words[record + (Head.FIELD_LINES >> 2)]!;
  const lines: string[] = new Array(length);
  let nameStart = words[record + (Head.FIELDS_START >> 2)]! - start;
  let at = record + (Head.SIZE >> 2);
  for (let i = 0; i < length; i += 2, at += FieldLine.SIZE >> 2) {
    const name = words[at + (FieldLine.NAME >> 2)]!;
    const lineEnd = words[at + (FieldLine.END >> 2)]! - start;
    const nameEnd = (name >>> FieldSpelling.BITS) - start;
    lines[i] =
      (name & FieldSpelling.SPELLED) !== 0 ? spellings[name & FieldSpelling.ALL]! : text.slice(nameStart, nameEnd);
    lines[i + 1] =
      (name & FieldSpelling.PADDED) === 0
        ? text.slice(nameEnd + 2, lineEnd)
        : text.slice(
            words[at + (FieldLine.VALUE_START >> 2)]! - start,
            words[at + (FieldLine.VALUE_END >> 2)]! - start,
          );
    nameStart = lineEnd + 2;
  }
  return lines;
}

/** A head that was accepted once fits within them. */
const widest: HeadLimits = { headBytes: Memory.INPUT_SIZE, fieldLines: Capacity.FIELD_LINES };

function joinHeaders(raw: string[]): Record<string, string | string[] | undefined> {
  const headers: Record<string, string | string[] | undefined> = Object.create(null);
  const { lowered } = kernel();
  for (let i = 0; i < raw.length; i += 2) {
    const name = lowered.get(raw[i]!) ?? raw[i]!.toLowerCase();
    const value = raw[i + 1]!;
    const before = headers[name];
    if (Array.isArray(before)) before.push(value);
    else if (name === "set-cookie") headers[name] = [value];
    else if (before === undefined) headers[name] = value;
    else if (!singular.has(name)) headers[name] = `${before}${name === "cookie" ? "; " : ", "}${value}`;
  }
  return headers;
}

/** Reads a head from the octets `start`..`end` of the kernel's input. @internal */
export function run(wasm: Kernel, start: number, end: number, options: number, limits: HeadLimits): Status {
  wasm.generation++;
  const { headBytes, fieldLines } = limits;
  // One octet beyond the limit is enough for the kernel to see that there are more.
  return wasm.parseHead(start, Math.min(end, start + headBytes + 1), options, headBytes, fieldLines);
}
