// In:    octets of a connection, whole or in pieces.
// Out:   HeadResult: a RequestHead that owns its octets, partial, or a HeadgateError.
// Never: throws for what the octets hold, keeps the caller's array, or knows of sockets and policies.

import {
  Capacity,
  FieldLine,
  FieldSpelling,
  Flag,
  Head,
  Memory,
  NameEntry,
  OctetClass,
  Option,
  Status,
  TargetForm,
} from "../assembly/abi.js";
import { type Authority, readAuthority } from "./authority.js";
import { HeadgateError } from "./errors.js";
import { type HeadLimits, headLimits } from "./limits.js";
import { scratch } from "./octets.js";
import { checkSettings } from "./settings.js";
import { type Kernel, kernel } from "./wasm.js";

/** The four forms of a request-target (RFC 9112 §3.2). */
export type RequestTargetForm = "origin-form" | "absolute-form" | "authority-form" | "asterisk-form";

/** How the body behind a request head is delimited (RFC 9112 §6.3). */
export type Framing =
  | { readonly kind: "none" }
  /** `length` octets, 0..2^53-1. */
  | { readonly kind: "content-length"; readonly length: number }
  | { readonly kind: "chunked" }
  /** Over HTTP/2, where no length was sent: by END_STREAM (RFC 9113 §8.1). */
  | { readonly kind: "frames" };

/** What names whom a request is for. `:authority` stands in HTTP/2 where Host stands in HTTP/1.1 (RFC 9113 §8.3.1). */
export type AuthorityField = ":authority" | "absolute-form" | "authority-form" | "Host" | "nothing";

export interface HeadOptions {
  /** `required` (default): an HTTP/1.1 head without Host is refused (RFC 9112 §3.2). */
  host?: "required" | "optional";
  limits?: Partial<HeadLimits>;
}

export type HeadResult =
  /** `consumed`: octets of the input that belong to the head; what follows is `input.subarray(consumed)`. */
  | { kind: "complete"; head: RequestHead; consumed: number }
  /** More octets are needed; what came so far is the beginning of a head. */
  | { kind: "partial" }
  /** `error.offset` counts from the head's first octet. */
  | { kind: "error"; error: HeadgateError };

/** Of octets to which none will be added. */
export type WholeHeadResult = Exclude<HeadResult, { kind: "partial" }>;

const settings = ["host", "limits"];
const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const PERCENT = 0x25;
/** So few octets are copied faster one by one than by a call. */
const FEW = 64;
const EMPTY = new Uint8Array(0);
const PARTIAL: HeadResult = Object.freeze({ kind: "partial" });

const targetForms: Record<number, RequestTargetForm> = {
  [TargetForm.ORIGIN]: "origin-form",
  [TargetForm.ABSOLUTE]: "absolute-form",
  [TargetForm.AUTHORITY]: "authority-form",
  [TargetForm.ASTERISK]: "asterisk-form",
};

const NO_BODY: Framing = Object.freeze({ kind: "none" });
const CHUNKED: Framing = Object.freeze({ kind: "chunked" });

/**
 * Field names of which Node's `headers` keeps the first line only. All others are joined: by "; " for Cookie, by
 * ", " otherwise (RFC 9110 §5.3).
 */
const singular = new Set(
  (
    "age authorization content-length content-type etag expires from host if-modified-since if-unmodified-since " +
    "last-modified location max-forwards proxy-authorization referer retry-after server user-agent"
  ).split(" "),
);

/**
 * One request head as it was said. It owns its octets as text, one character an octet; everything else is made from
 * them when asked for.
 */
export class RequestHead {
  /** The whole head, skipped empty lines and the last CRLF included. */
  readonly #text: string;
  /** The record's `Flag` bits: the answers that are asked for most. */
  readonly #flags: number;
  /** The parse after which the kernel's record is this head's. */
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

  /** The scheme of an absolute-form, or `:scheme` of HTTP/2, in lower case; null where none was said. */
  get scheme(): string | null {
    if (this.targetForm !== "absolute-form") return null;
    return this.requestTarget.slice(0, this.requestTarget.indexOf(":")).toLowerCase();
  }

  /** The `:protocol` of an extended CONNECT, as sent (RFC 8441 §4); null in any other request. */
  get protocol(): string | null {
    return null;
  }

  /** The Host field, or `:authority` of HTTP/2; null where the request has none. */
  get host(): Authority | null {
    return (this.#host ??= this.#readAuthority(Head.HOST));
  }

  /** Whom the request is for: the authority of the request-target, else Host (RFC 9112 §3.2.2, §3.3). */
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
   * The target up to its "?", octets as sent: "/" where an absolute-form has none, "*" for asterisk-form, "" for
   * authority-form.
   */
  get path(): string {
    const form = this.targetForm;
    if (form === "asterisk-form") return "*";
    const path = this.#span(Head.PATH_START, Head.QUERY_START);
    return path === "" && form === "absolute-form" ? "/" : path;
  }

  /** What stands behind the target's "?"; null where it has none. */
  get query(): string | null {
    const query = this.#span(Head.QUERY_START, Head.TARGET_END);
    return query === "" ? null : query.slice(1);
  }

  /** Name, value, name, value: names as sent, values without surrounding white space, one character an octet. */
  get rawHeaders(): string[] {
    return this.#lines();
  }

  /**
   * As Node's `IncomingMessage.headers`: names in lower case, repeated ones joined or, where they may not repeat, the
   * first. It has no prototype, so that no field name meets a member of Object.
   */
  get headers(): Record<string, string | string[] | undefined> {
    return (this.#headers ??= joinHeaders(this.#lines()));
  }

  /** All lines of that name, joined by ", " (RFC 9110 §5.2), Cookie by "; "; undefined where there is none. */
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
    if (!this.#has(Flag.CONTENT_LENGTH)) return NO_BODY;
    const length = this.#word(Head.CONTENT_LENGTH_HIGH) * 0x1_0000_0000 + (this.#word(Head.CONTENT_LENGTH_LOW) >>> 0);
    return { kind: "content-length", length };
  }

  /** True where the connection persists behind this request (RFC 9112 §9.3). */
  get keepAlive(): boolean {
    return this.#has(Flag.VERSION_1_1) ? !this.#has(Flag.CONNECTION_CLOSE) : this.#has(Flag.CONNECTION_KEEP_ALIVE);
  }

  /** True where `Expect: 100-continue` was sent (RFC 9110 §10.1.1). */
  get expectsContinue(): boolean {
    return this.#has(Flag.EXPECT_CONTINUE);
  }

  /**
   * The protocols of Upgrade, as sent. Empty unless Connection lists `upgrade` and the version is 1.1, since it
   * otherwise means nothing (RFC 9110 §7.8).
   */
  get upgrade(): string[] {
    if (!this.#has(Flag.UPGRADE) || !this.#has(Flag.CONNECTION_UPGRADE) || !this.#has(Flag.VERSION_1_1)) return [];
    const values = this.fieldValues("upgrade");
    if (values.length === 1 && /^[A-Za-z0-9/.]+$/.test(values[0]!)) return values;
    const members = values.flatMap((value) => value.split(","));
    return members.map((member) => member.replace(/^[ \t]+|[ \t]+$/g, "")).filter((member) => member !== "");
  }

  /** True where `upgrade` lists `websocket`, case ignored. */
  get asksForWebSocket(): boolean {
    const wanted = Flag.UPGRADE_WEBSOCKET | Flag.CONNECTION_UPGRADE | Flag.VERSION_1_1;
    return (this.#flags & wanted) === wanted;
  }

  /** Octets of the head as it came in. */
  get size(): number {
    return this.#text.length;
  }

  /** The head as it came in, one character an octet. */
  toString(): string {
    return this.#text;
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

  #readAuthority(block: number): Authority | null {
    return readAuthority(this.#words(), this.#record + (block >> 2), this.#text, this.#start);
  }

  /** The kernel's words, with this head's record at `#record`: still there, or read again from the text. */
  #words(): Int32Array {
    const wasm = kernel();
    if (wasm.generation !== this.#generation) {
      wasm.text.write(this.#text, 0);
      run(wasm, 0, this.#text.length, Option.HOST_OPTIONAL, widest);
      this.#generation = wasm.generation;
      this.#record = 0;
      this.#start = 0;
    }
    return wasm.words;
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

/** Either spelling that a name of the kernel's table has. */
const SPELT = FieldSpelling.USUAL | FieldSpelling.LOWER_CASE;

/** Name, value, name, value of the record at word `record`; `text` are the octets from `start` on. */
function readFieldLines(
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
    lines[i] = (name & SPELT) !== 0 ? spellings[name & FieldSpelling.ALL]! : text.slice(nameStart, nameEnd);
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

/** A head that was read once passes them all. */
const widest: HeadLimits = { headBytes: Memory.INPUT_SIZE, fieldLines: Capacity.FIELD_LINES };

function joinHeaders(raw: string[]): Record<string, string | string[] | undefined> {
  const headers: Record<string, string | string[] | undefined> = Object.create(null);
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const value = raw[i + 1]!;
    const before = headers[name];
    if (name === "set-cookie") headers[name] = [...((before as string[] | undefined) ?? []), value];
    else if (before === undefined) headers[name] = value;
    else if (!singular.has(name)) headers[name] = `${before as string}${name === "cookie" ? "; " : ", "}${value}`;
  }
  return headers;
}

/** Reads a head from the octets `start`..`end` of the kernel's input. */
function run(wasm: Kernel, start: number, end: number, options: number, limits: HeadLimits): Status {
  wasm.generation++;
  const { headBytes, fieldLines } = limits;
  // One octet more than the limit tells the kernel as much as any number.
  return wasm.parseHead(start, Math.min(end, start + headBytes + 1), options, headBytes, fieldLines);
}

/** Checks options; the kernel takes them as bits. */
function kernelOptions(options: HeadOptions | undefined): number {
  if (options === undefined) return 0;
  checkSettings(options, settings, "a parse");
  const host = options.host ?? "required";
  if (host !== "required" && host !== "optional") {
    throw new TypeError(`host is ${String(host)}; it must be "required" or "optional"`);
  }
  return host === "optional" ? Option.HOST_OPTIONAL : 0;
}

function checkOctets(bytes: Uint8Array): void {
  if (!(bytes instanceof Uint8Array))
    throw new TypeError("octets must be a Uint8Array; a TextEncoder makes one of text");
}

/** The result of a parse that did not wait: offsets and text are read before the kernel's memory is used again. */
function finish(wasm: Kernel, status: Status): HeadResult {
  const offset = wasm.words[Head.OFFSET >> 2]!;
  if (status !== Status.COMPLETE) return { kind: "error", error: new HeadgateError(status, offset) };
  return {
    kind: "complete",
    head: new RequestHead(wasm.text.read(0, offset), wasm.words, wasm.generation, 0, 0),
    consumed: offset,
  };
}

/**
 * Reads the request head at the beginning of `bytes`: `complete`, with how many octets it took; `partial`, where they
 * are the beginning of a head; or `error`. Content never makes it throw; wrong options do (`TypeError`, `RangeError`).
 * RFC 9112 §2.1; docs/conformance.md names every choice.
 */
export function parseRequestHead(bytes: Uint8Array, options?: HeadOptions): HeadResult {
  checkOctets(bytes);
  const limits = headLimits(options?.limits);
  const bits = kernelOptions(options);
  const wasm = kernel();
  wasm.input.set(bytes.length > limits.headBytes ? bytes.subarray(0, limits.headBytes) : bytes);
  const status = run(wasm, 0, bytes.length, bits, limits);
  return status === Status.PARTIAL ? PARTIAL : finish(wasm, status);
}

/** Makes a head of a text and what the kernel has read of it. */
export type MakeHead = (text: string, words: Int32Array, generation: number) => RequestHead;

const plainHead: MakeHead = (text, words, generation) => new RequestHead(text, words, generation, 0, 0);

/**
 * Reads text of one octet a character that is one whole head with so many field lines, as a parser in front took it
 * apart. Text that reads as anything else holds a line end where that parser saw none: `CONTROL_OCTET`. @internal
 */
export function parseHeadText(
  text: string,
  fieldLines: number,
  limits: HeadLimits,
  make: MakeHead = plainHead,
): WholeHeadResult {
  const wasm = kernel();
  wasm.text.write(text.length > limits.headBytes ? text.slice(0, limits.headBytes) : text, 0);
  const status = run(wasm, 0, text.length, 0, limits);
  const offset = wasm.words[Head.OFFSET >> 2]!;
  if (status !== Status.COMPLETE && status !== Status.PARTIAL) {
    return { kind: "error", error: new HeadgateError(status, offset) };
  }
  if (offset !== text.length || wasm.words[Head.FIELD_LINES >> 2] !== fieldLines) {
    return { kind: "error", error: new HeadgateError(Status.CONTROL_OCTET, Math.min(offset, text.length)) };
  }
  return { kind: "complete", head: make(text, wasm.words, wasm.generation), consumed: offset };
}

/** What `parseRequestHeads` read. */
export interface HeadsResult {
  readonly heads: RequestHead[];
  /** Octets of all those heads. */
  readonly consumed: number;
  /** Why the octets behind them are no head; its offset counts from `consumed`. Null where they may become one. */
  readonly error: HeadgateError | null;
}

/** Words of the largest record, and of the records that can be kept behind it. */
const LARGEST_RECORD = (Head.SIZE + (Capacity.FIELD_LINES + Capacity.INDEXED / 2 + 2) * FieldLine.SIZE) >> 2;
const ALL_RECORDS = Memory.RECORDS_SIZE >> 2;

/**
 * Reads pipelined request heads, copying them once. It stops behind a head with Content-Length or Transfer-Encoding,
 * with a Connection that lists `upgrade`, or with the method CONNECT, since what follows those may be no head: `consumed`
 * says where. It stops as well where the kernel's memory has no room for more, so that a caller goes on with
 * `bytes.subarray(consumed)` until nothing more is read.
 */
export function parseRequestHeads(bytes: Uint8Array, options?: HeadOptions): HeadsResult {
  checkOctets(bytes);
  const limits = headLimits(options?.limits);
  const bits = kernelOptions(options);
  const wasm = kernel();
  const { words, input } = wasm;
  const length = Math.min(bytes.length, input.length);
  input.set(length < bytes.length ? bytes.subarray(0, length) : bytes);
  // One parse as far as a record's owner can tell: they are kept one behind another.
  const generation = ++wasm.generation;
  const heads: RequestHead[] = [];
  let consumed = 0;
  for (let record = LARGEST_RECORD; consumed < length; ) {
    const status = wasm.parseHead(consumed, length, bits, limits.headBytes, limits.fieldLines);
    const end = words[Head.OFFSET >> 2]!;
    if (status === Status.PARTIAL) {
      // The kernel's memory ends before it could see that there is more than the limit.
      const isTooLarge = length - consumed >= limits.headBytes && bytes.length - consumed > limits.headBytes;
      if (isTooLarge) return { heads, consumed, error: new HeadgateError(Status.HEAD_TOO_LARGE, limits.headBytes) };
      break;
    }
    if (status !== Status.COMPLETE) return { heads, consumed, error: new HeadgateError(status, end - consumed) };
    const size = (Head.SIZE + words[Head.FIELD_LINES >> 2]! * FieldLine.SIZE) >> 2;
    if (record + size > ALL_RECORDS) break;
    words.copyWithin(record, 0, size);
    heads.push(new RequestHead(wasm.text.read(consumed, end), words, generation, record, consumed));
    consumed = end;
    record += size;
    if (!isFollowedByHead(words)) break;
  }
  return { heads, consumed, error: null };
}

/** False behind a head with a body, an upgrade, or CONNECT. */
function isFollowedByHead(words: Int32Array): boolean {
  const others = Flag.CONTENT_LENGTH | Flag.TRANSFER_ENCODING | Flag.CONNECTION_UPGRADE;
  return (words[Head.FLAGS >> 2]! & others) === 0 && words[Head.TARGET_FORM >> 2] !== TargetForm.AUTHORITY;
}

/**
 * Reads request heads that come in pieces, one after another. It looks at each octet a bounded number of times, keeps
 * nothing between heads, and refuses a head in the chunk that shows the fault (docs/conformance.md).
 */
export class HeadReader {
  readonly #limits: HeadLimits;
  readonly #options: number;
  /** Octets of a head that is not whole yet; null between heads. */
  #held: Uint8Array | null = null;
  #length = 0;
  /** The parse after which the kernel's input and record are this head's, and how many octets of it they show. */
  #generation = 0;
  #shown = 0;
  /** What the kernel needs to go on: `Head.LINE_START`, `RUN`, `FLAGS`, `FIELD_LINES`. */
  #lineStart = 0;
  #run = 0;
  #flags = 0;
  #fieldLines = 0;
  /** HEXDIG that a pct-encoded triplet of a reg-name still wants. */
  #hexdigits = 0;
  /** True within a field line whose value the kernel does not read. */
  #unread = false;

  constructor(options?: HeadOptions);
  /** With limits that were checked before, as for each connection of a gate. @internal */
  constructor(options: undefined, checked: HeadLimits);
  constructor(options?: HeadOptions, checked?: HeadLimits) {
    this.#limits = checked ?? headLimits(options?.limits);
    this.#options = kernelOptions(options);
  }

  /** Octets of a partial head that this reader holds; 0 between heads. */
  get pending(): number {
    return this.#length;
  }

  /**
   * Takes the next octets. `complete`: `consumed` counts in this chunk, and the reader is ready for the next head.
   * `error`: the connection has no further head; the reader forgets this one.
   */
  read(chunk: Uint8Array): HeadResult {
    const wasm = kernel();
    const held = this.#held;
    if (held === null) return chunk.length === 0 ? PARTIAL : this.#begin(wasm, chunk);
    if (chunk.length === 1 && this.#hexdigits === 0) {
      // What pieces of one octet mostly are.
      const octet = chunk[0]!;
      const length = this.#length;
      if ((wasm.classes[octet]! & this.#run) !== 0 && length < held.length) {
        held[length] = octet;
        this.#length = length + 1;
        return PARTIAL;
      }
    }
    return this.#follow(wasm, held, chunk) ? PARTIAL : this.#continue(wasm, chunk);
  }

  #begin(wasm: Kernel, chunk: Uint8Array): HeadResult {
    checkOctets(chunk);
    const { headBytes } = this.#limits;
    wasm.input.set(chunk.length > headBytes ? chunk.subarray(0, headBytes) : chunk);
    const status = run(wasm, 0, chunk.length, this.#options, this.#limits);
    if (status !== Status.PARTIAL) return finish(wasm, status);
    this.#append(chunk);
    return this.#wait(wasm);
  }

  /**
   * Takes a chunk whose octets all belong to the run that the kernel stands in, so that it need not be asked; false, and
   * nothing taken, for any other. Followed here as well: triplets in a reg-name (RFC 3986 §2.1), the CR that ends
   * a value, and whole lines of names that the kernel does not read, which are a token, a colon, a value and CRLF.
   */
  #follow(wasm: Kernel, held: Uint8Array, chunk: Uint8Array): boolean {
    const { classes } = wasm;
    let length = this.#length;
    if (length + chunk.length > held.length) return false;
    let run = this.#run;
    let hexdigits = this.#hexdigits;
    let lineStart = this.#lineStart;
    let fieldLines = this.#fieldLines;
    let unread = this.#unread;
    for (let i = 0; i < chunk.length; i++) {
      const octet = chunk[i]!;
      if (hexdigits > 0) {
        if ((classes[octet]! & OctetClass.HEXDIG) === 0) return false;
        hexdigits--;
      } else if ((classes[octet]! & run) === 0) {
        if (octet === PERCENT && run === OctetClass.REG_NAME) hexdigits = 2;
        else if (octet === CR && run === OctetClass.VALUE) run = 0;
        else if (octet === COLON && this.#endsUnreadName(wasm, held, run, lineStart, length)) {
          run = OctetClass.VALUE;
          unread = true;
        } else if (octet === LF && unread && run === 0) {
          run = ++fieldLines < this.#limits.fieldLines ? OctetClass.TOKEN : 0;
          lineStart = length + 1;
          unread = false;
        } else return false;
      }
      held[length++] = octet;
    }
    // The kernel does not know of lines that were followed here.
    if (lineStart !== this.#lineStart) this.#generation = 0;
    this.#length = length;
    this.#run = run;
    this.#hexdigits = hexdigits;
    this.#lineStart = lineStart;
    this.#fieldLines = fieldLines;
    this.#unread = unread;
    return true;
  }

  /** True where lineStart..end is a field name, and none of those that the kernel reads. */
  #endsUnreadName(wasm: Kernel, held: Uint8Array, run: number, lineStart: number, end: number): boolean {
    if (run !== OctetClass.TOKEN || end === lineStart || (this.#flags & Flag.IN_FIELD_LINES) === 0) return false;
    const length = end - lineStart;
    return length > NameEntry.LONGEST || ((wasm.suspects[length]! >> ((held[lineStart]! | 0x20) - 0x61)) & 1) === 0;
  }

  #continue(wasm: Kernel, chunk: Uint8Array): HeadResult {
    const before = this.#length;
    const held = this.#append(chunk);
    this.#show(wasm, held);
    const { words } = wasm;
    let status = run(wasm, 0, before + chunk.length, this.#options | Option.RESUME, this.#limits);
    if (status === Status.PARTIAL) return this.#wait(wasm);
    if (status === Status.COMPLETE) {
      // The record needs all lines, and the kernel saw the last ones only.
      const size = words[Head.OFFSET >> 2]!;
      wasm.input.set(held.subarray(0, size));
      status = run(wasm, 0, size, this.#options, this.#limits);
    }
    this.#held = null;
    this.#length = 0;
    const result = finish(wasm, status);
    if (result.kind === "complete") result.consumed -= before;
    return result;
  }

  /** Puts the octets from the last line start on into the kernel's input, and its words back; what is there, stays. */
  #show(wasm: Kernel, held: Uint8Array): void {
    const { input, words } = wasm;
    if (wasm.generation !== this.#generation) {
      words[Head.LINE_START >> 2] = this.#lineStart;
      words[Head.FLAGS >> 2] = this.#flags;
      words[Head.FIELD_LINES >> 2] = this.#fieldLines;
      this.#shown = this.#lineStart;
    }
    if (this.#length - this.#shown > FEW) {
      input.set(held.subarray(this.#shown, this.#length), this.#shown);
    } else {
      for (let at = this.#shown; at < this.#length; at++) input[at] = held[at]!;
    }
  }

  /** Keeps the octets of `chunk` that the limit leaves room for. */
  #append(chunk: Uint8Array): Uint8Array {
    const { headBytes } = this.#limits;
    const before = this.#length;
    const length = Math.min(headBytes, before + chunk.length);
    let held = this.#held ?? EMPTY;
    if (length > held.length) {
      // Most heads need one array, and the largest three.
      const wider = scratch(Math.min(headBytes, Math.max(1024, 4 * length)));
      wider.set(held.subarray(0, before));
      this.#held = held = wider;
    }
    if (chunk.length === 1 && length > before) held[before] = chunk[0]!;
    else held.set(length - before < chunk.length ? chunk.subarray(0, length - before) : chunk, before);
    this.#length = length;
    return held;
  }

  #wait(wasm: Kernel): HeadResult {
    const { words } = wasm;
    this.#generation = wasm.generation;
    this.#shown = this.#length;
    this.#lineStart = words[Head.LINE_START >> 2]!;
    this.#run = words[Head.RUN >> 2]!;
    this.#flags = words[Head.FLAGS >> 2]!;
    this.#fieldLines = words[Head.FIELD_LINES >> 2]!;
    this.#hexdigits = 0;
    this.#unread = false;
    if (this.#run === OctetClass.HEXDIG) {
      // Within a triplet of a reg-name, which goes on behind it.
      this.#hexdigits = this.#held![this.#length - 1] === PERCENT ? 2 : 1;
      this.#run = OctetClass.REG_NAME;
    }
    return PARTIAL;
  }
}
