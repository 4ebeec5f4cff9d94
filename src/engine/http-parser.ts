// In:    octets, and callbacks as users of npm http-parser-js set them.
// Out:   calls of those callbacks: a class with the members of that package's.
// Never: calls back after a fault.

import { headBounds } from "../head/limits.js";
import { RequestHead } from "../head/request-head.js";
import type { ResponseHead } from "../head/response-head.js";
import type { MessageFault } from "../message/fault.js";
import { RequestReader } from "../message/requests.js";
import { ResponseReader } from "../message/responses.js";
import { CLOSED, type Reason } from "./parse-error.js";

/** It is unknown what has become of the message. */
const HANDLER_THREW: Reason = ["HPE_USER", "A callback threw"];

const ON_HEADERS = 1;
const ON_HEADERS_COMPLETE = 2;
const ON_BODY = 3;
const ON_MESSAGE_COMPLETE = 4;

export type ParserType = "REQUEST" | "RESPONSE";

/** What `onHeadersComplete` gets, in one object. */
export interface HeadersInfo {
  versionMajor: number;
  versionMinor: number;
  /** Name, value, name, value; one character per octet. */
  headers: string[];
  /** Of a request: its place in `methods`, or the method itself if a handler was assigned by name (`onBody` and so on). */
  method?: number | string;
  url?: string;
  statusCode?: number;
  statusMessage?: string;
  /** What follows the message belongs to another protocol, if the server agrees. */
  upgrade: boolean;
  shouldKeepAlive: boolean;
}

/** 1 or true: no content follows the head. 2: neither that, nor another message. */
// biome-ignore lint/suspicious/noConfusingVoidType: most handlers return nothing
export type HeadersCompleteResult = number | boolean | void;

/** What `execute` and `finish` return for octets that are not a message. */
export interface ParseError extends Error {
  /**
   * `HPE_HEADER_OVERFLOW` for a head that is too large, else `HPE_` and the code of the fault. Without a fault
   * `HPE_CLOSED_CONNECTION`, `HPE_INVALID_METHOD` or, after a handler has thrown, `HPE_USER`.
   */
  code: string;
  /** The sentence of the fault, or what else is wrong. */
  reason: string;
  /** Octets of this call up to the last complete message or slice of content. */
  bytesParsed: number;
  fault: MessageFault | null;
}

/** By the number that Node's parser gave them. */
export const methods: readonly string[] = Object.freeze(
  (
    "DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND " +
    "ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE"
  ).split(" "),
);

/**
 * The class of npm `http-parser-js`, for its users: the same members, strict. docs/drop-in.md lists the differences. Handlers are
 * set by number (`parser[HTTPParser.kOnBody] = ...`) or by name (`parser.onBody = ...`).
 */
export class HTTPParser {
  static readonly REQUEST = "REQUEST";
  static readonly RESPONSE = "RESPONSE";
  static readonly kOnHeaders = ON_HEADERS;
  static readonly kOnHeadersComplete = ON_HEADERS_COMPLETE;
  static readonly kOnBody = ON_BODY;
  static readonly kOnMessageComplete = ON_MESSAGE_COMPLETE;
  static readonly kOnExecute = 99;
  static readonly methods = methods;
  /** Octets that the head of a message may have, for parsers whose own `maxHeaderSize` is 0 or undefined; 16 to 131072. */
  static maxHeaderSize: number = 80 * 1024;

  type: ParserType | undefined;
  maxHeaderSize: number = HTTPParser.maxHeaderSize;
  /** True after octets that are not a message. */
  hadError = false;
  /** @internal */
  _compatMode0_11 = false;
  #reader: RequestReader | ResponseReader | null = null;
  #error: ParseError | null = null;
  /** The reader by which `execute` is reading, while a handler runs. */
  #reading: RequestReader | ResponseReader | null = null;
  /** True where the message that is being read is an upgrade, so that nothing after it is. */
  #upgrades = false;

  /** Throws an `Error` for a type that is neither REQUEST nor RESPONSE; without one, call `initialize`. */
  constructor(type?: ParserType) {
    if (type !== undefined) this.initialize(type);
  }

  /** Forgets everything but the handlers. */
  initialize(type: ParserType, _resource?: unknown): void {
    if (type !== "REQUEST" && type !== "RESPONSE") throw new Error("type must be REQUEST or RESPONSE");
    this.type = type;
    this.hadError = false;
    this.#error = null;
    this.#reader = null;
  }

  reinitialize(type: ParserType): void {
    this.initialize(type);
  }

  /** Trailers; the second argument is always "". */
  [ON_HEADERS](_headers: string[], _url: string): void {}
  [ON_HEADERS_COMPLETE](_info: HeadersInfo): HeadersCompleteResult {}
  /** A part of the content, as a view of the octets that were given to `execute`: `octets`, 0, its length. */
  [ON_BODY](_octets: Uint8Array, _start: number, _length: number): void {}
  [ON_MESSAGE_COMPLETE](): void {}

  get onHeaders(): (headers: string[], url: string) => void {
    return this[ON_HEADERS];
  }
  set onHeaders(handler) {
    this._compatMode0_11 = true;
    this[ON_HEADERS] = handler;
  }
  get onHeadersComplete(): (info: HeadersInfo) => HeadersCompleteResult {
    return this[ON_HEADERS_COMPLETE];
  }
  set onHeadersComplete(handler) {
    this._compatMode0_11 = true;
    this[ON_HEADERS_COMPLETE] = handler;
  }
  get onBody(): (octets: Uint8Array, start: number, length: number) => void {
    return this[ON_BODY];
  }
  set onBody(handler) {
    this._compatMode0_11 = true;
    this[ON_BODY] = handler;
  }
  get onMessageComplete(): () => void {
    return this[ON_MESSAGE_COMPLETE];
  }
  set onMessageComplete(handler) {
    this._compatMode0_11 = true;
    this[ON_MESSAGE_COMPLETE] = handler;
  }

  /**
   * Reads the next octets. Returns how many it took: all, or those up to the end of a message with `upgrade`. Returns, and does not
   * throw, an error for what is not a message; then every further call returns the same. What a handler throws is thrown, and
   * further calls return an error, since it is unknown what the handler has made of the octets. Ready again after `reinitialize`.
   * Throws a `TypeError` if a handler calls it without `reinitialize`: the octets would come before those that are being read.
   */
  execute(chunk: Uint8Array, start?: number | null, length?: number | null): number | ParseError {
    if (this.#error !== null) return this.#error;
    const from = start || 0;
    const total = typeof length === "number" ? length : chunk.length - from;
    const octets = from === 0 && total === chunk.length ? chunk : chunk.subarray(from, from + total);
    const reader = (this.#reader ??= this.#begin());
    const outer = this.#reading;
    if (reader === outer) throw new TypeError("execute was called by a handler");
    reader.receive(octets);
    let returned = false;
    try {
      const result = this.#read(reader, octets);
      returned = true;
      return result;
    } finally {
      this.#reading = outer;
      // After a handler has thrown, what it was given and what follows in these octets is lost.
      if (!returned && this.#reader !== null && this.#error === null) this.#fail(...HANDLER_THREW, null, 0);
    }
  }

  /**
   * The connection has ended. Returns an error if that is within a message. Throws a `TypeError` if a handler calls it without
   * `reinitialize`: octets of this connection are still being read, and would begin another message.
   */
  finish(): ParseError | undefined {
    const reader = this.#reader;
    if (reader === null || this.#error !== null) return undefined;
    if (reader === this.#reading) throw new TypeError("finish was called by a handler");
    this.#reader = null;
    reader.receiveEnd();
    const event = reader.next();
    if (event.kind === "malformed") return this.#failFor(event.fault, 0);
    if (event.kind === "end") this[ON_MESSAGE_COMPLETE]();
    return undefined;
  }

  close(): void {}
  free(): void {}
  remove(): void {}
  pause(): void {}
  resume(): void {}
  consume(): void {}
  unconsume(): void {}
  getCurrentBuffer(): void {}
  getAsyncId(): number {
    return 0;
  }

  #begin(): RequestReader | ResponseReader {
    if (this.type === undefined) throw new TypeError("initialize must be called first, with REQUEST or RESPONSE");
    const { headBytes: bytes, fieldLines } = headBounds;
    // As in http-parser-js, a value that is not a number does not limit anything.
    const wanted = Math.floor(this.maxHeaderSize || HTTPParser.maxHeaderSize) || bytes.max;
    // http-parser-js does not limit the number of field lines.
    const limits = { headBytes: Math.min(bytes.max, Math.max(bytes.min, wanted)), fieldLines: fieldLines.max };
    this.#upgrades = false;
    // As http-parser-js: whether a Host is right is for others to decide.
    if (this.type === "REQUEST") return new RequestReader({ host: "unchecked", limits });
    return new UncountedResponses({ limits });
  }

  /** Reads `chunk`, which `first` has received and all octets before it read. */
  #read(first: RequestReader | ResponseReader, chunk: Uint8Array): number | ParseError {
    const total = chunk.length;
    let reader = first;
    let octets = chunk;
    this.#reading = reader;
    for (;;) {
      const event = reader.next();
      switch (event.kind) {
        case "head":
        case "interim":
          if (this.#headersComplete(reader, event.head, total)) return this.#error ?? this.#stop(reader, total);
          if (event.kind === "interim" && this.#reader === reader) this[ON_MESSAGE_COMPLETE]();
          break;
        case "data": {
          const from = event.octets.byteOffset - octets.byteOffset;
          this[ON_BODY](octets.subarray(from, from + event.octets.length), 0, event.octets.length);
          break;
        }
        case "end": {
          const upgrades = this.#upgrades;
          if (event.trailers.length > 0) this[ON_HEADERS]([...event.trailers], "");
          if (this.#reader === reader) this[ON_MESSAGE_COMPLETE]();
          if (upgrades) return this.#error ?? this.#stop(reader, total);
          break;
        }
        case "paused":
          reader.nextMessage();
          break;
        case "need-data":
          return total;
        case "closed":
          return reader.unread === 0 ? total : this.#fail(...CLOSED, null, total - reader.unread);
        case "malformed":
          return this.#failFor(event.fault, total - reader.unread);
      }
      // Octets that a handler has given after `reinitialize` were not a message.
      if (this.#error !== null) return this.#error;
      if (this.#reader !== reader) {
        // A handler has called `reinitialize`: what follows is for a new reader.
        octets = octets.subarray(octets.length - reader.unread);
        this.#reading = reader = this.#reader ??= this.#begin();
        reader.receive(octets);
      }
    }
  }

  /** Calls the handler; true where nothing more is read. */
  #headersComplete(reader: RequestReader | ResponseReader, head: RequestHead | ResponseHead, total: number): boolean {
    const { httpVersion, rawHeaders: headers, keepAlive: shouldKeepAlive } = head;
    const info: HeadersInfo = {
      versionMajor: 1,
      versionMinor: httpVersion === "1.1" ? 1 : 0,
      headers,
      // A response with 101 names the protocol that follows.
      upgrade: head instanceof RequestHead ? head.asksForSwitch : head.statusCode === 101,
      shouldKeepAlive,
    };
    if (head instanceof RequestHead) {
      const { method } = head;
      const number = methods.indexOf(method);
      info.method = this._compatMode0_11 ? method : number;
      info.url = head.requestTarget;
      if (number < 0 && !this._compatMode0_11) {
        this.#fail("HPE_INVALID_METHOD", `the method ${method} has no number`, null, total - reader.unread);
        return true;
      }
    } else {
      info.statusCode = head.statusCode;
      info.statusMessage = head.reasonPhrase;
      info.shouldKeepAlive &&= head.framing(METHOD).kind !== "until-close";
    }
    const skip = this[ON_HEADERS_COMPLETE](info);
    if (this.#reader !== reader) return false;
    this.#upgrades = info.upgrade;
    if (skip) reader.skipContent();
    if (skip !== 2) return false;
    this[ON_MESSAGE_COMPLETE]();
    return true;
  }

  /** Ends with a message after which nothing is read; the next call begins a new one. Returns the octets taken. */
  #stop(reader: RequestReader | ResponseReader, total: number): number {
    const { unread } = reader;
    if (this.#reader === reader) this.#reader = null;
    return total - unread;
  }

  #failFor(fault: MessageFault, bytesParsed: number): ParseError {
    const code = fault.code === "HEAD_TOO_LARGE" ? "HPE_HEADER_OVERFLOW" : `HPE_${fault.code}`;
    return this.#fail(code, fault.message, fault, bytesParsed);
  }

  #fail(code: string, reason: string, fault: MessageFault | null, bytesParsed: number): ParseError {
    this.hadError = true;
    this.#error = Object.assign(new Error(`Parse Error: ${reason}`), { code, reason, bytesParsed, fault });
    return this.#error;
  }
}

/** The method that every response is taken to answer, unless `onHeadersComplete` returns that it has no content. */
const METHOD = "GET";

/** Responses to requests that the parser does not see; only its handlers know their methods. */
class UncountedResponses extends ResponseReader {
  protected override mayBegin(): boolean {
    return true;
  }

  protected override get method(): string {
    return METHOD;
  }
}
