// In:    the octets of one response head, and the kernel's record of them; the method of the request that it answers.
// Out:   ResponseHead: one head as it was sent; how the content of the response is delimited.
// Never: is made from an incomplete head.

import { Flag, Head, Option, Status } from "../../assembly/abi.js";
import { HeadFault } from "./fault.js";
import { INSPECT, type Inspect } from "./inspect.js";
import { kernel } from "./kernel/instance.js";
import { countOctets } from "./kernel/latin1.js";
import { type HeadLimits, headBounds, headLimits } from "./limits.js";
import { checkSettings, withinLimits } from "./options.js";
import { HEAD, readOctets } from "./parse.js";
import { CHUNKED, NO_CONTENT, RequestHead } from "./request-head.js";
import { SectionReader, type SectionResults } from "./section-reader.js";

/** How the content of a response is delimited (RFC 9112 §6.3). */
export type ResponseFraming =
  | { readonly kind: "none" }
  /** `length` octets, 0..2^53-1. */
  | { readonly kind: "content-length"; readonly length: number }
  | { readonly kind: "chunked" }
  /** It ends with the connection. */
  | { readonly kind: "until-close" };

/** One response head as it was sent. It owns its octets as text; everything else is made from them on demand. */
export class ResponseHead {
  /** Reads the record, which is that of a request but for its first line. */
  readonly #record: RequestHead;

  /** @internal */
  constructor(text: string, words: Int32Array, generation: number) {
    this.#record = new RequestHead(text, words, generation, 0, 0);
  }

  /** 100..999; codes from 600 on belong to no class, and are treated as those of 5xx (RFC 9110 §15). */
  get statusCode(): number {
    return this.#record.recordWord(Head.STATUS_CODE);
  }

  /** As sent, one character per octet; often empty. */
  get reasonPhrase(): string {
    return this.#record.recordText(Head.REASON_START, Head.REASON_END);
  }

  get httpVersion(): "1.0" | "1.1" {
    return this.#has(Flag.VERSION_1_1) ? "1.1" : "1.0";
  }

  /** Name, value, name, value: names as sent, values without surrounding white space, one character per octet. */
  get rawHeaders(): string[] {
    return this.#record.rawHeaders;
  }

  /** As `RequestHead.headers`; `set-cookie` is an array. */
  get headers(): Record<string, string | string[] | undefined> {
    return this.#record.headers;
  }

  /** All lines of that name, joined with ", " (RFC 9110 §5.2); undefined if there is none. */
  field(name: string): string | undefined {
    return this.#record.field(name);
  }

  /** The value of each line of that name, in order. */
  fieldValues(name: string): string[] {
    return this.#record.fieldValues(name);
  }

  /** True if the connection persists after this response, unless the content ends with it (RFC 9112 §9.3). */
  get keepAlive(): boolean {
    return this.#record.keepAlive;
  }

  /** The protocols of Upgrade, as sent; after 101 the one that follows (RFC 9110 §7.8). Empty unless Connection lists `upgrade`. */
  get upgrade(): string[] {
    return this.#record.upgrade;
  }

  /** True for 1xx: another response to the same request follows, or after 101 another protocol (RFC 9110 §15.2). */
  get isInterim(): boolean {
    return this.statusCode < 200;
  }

  /**
   * How the content is delimited if this answers a request of that method (RFC 9112 §6.3). A response to HEAD has none, nor
   * has one with 1xx, 204 or 304, nor a 2xx to CONNECT, after which the connection is a tunnel.
   */
  framing(method: string): ResponseFraming {
    const { statusCode } = this;
    if (statusCode < 200 || statusCode === 204 || statusCode === 304 || method === "HEAD") return NO_CONTENT;
    if (this.isTunnel(method)) return NO_CONTENT;
    if (this.#has(Flag.TRANSFER_ENCODING)) return this.#has(Flag.UNTIL_CLOSE) ? UNTIL_CLOSE : CHUNKED;
    if (!this.#has(Flag.CONTENT_LENGTH)) return UNTIL_CLOSE;
    return { kind: "content-length", length: this.#record.contentLength };
  }

  /** True for the response after which the connection to a CONNECT's target is a tunnel (RFC 9110 §9.3.6). */
  isTunnel(method: string): boolean {
    return method === "CONNECT" && this.statusCode >= 200 && this.statusCode < 300;
  }

  /**
   * Why this cannot answer a request of that method, or null: a 2xx to CONNECT must not have Transfer-Encoding or a Content-Length
   * (RFC 9110 §8.6, §9.3.6); one of 0 passes, since all recipients agree on it. @internal
   */
  refusalFor(method: string): HeadFault | null {
    if (!this.isTunnel(method)) return null;
    const isFramed = this.#has(Flag.TRANSFER_ENCODING) || this.#record.contentLength > 0;
    return isFramed ? new HeadFault(Status.RESPONSE_FRAMING, this.size - 2) : null;
  }

  /** Octets of the head as received. */
  get size(): number {
    return this.#record.size;
  }

  /** The head as received, one character per octet. */
  toString(): string {
    return this.#record.toString();
  }

  /** For `JSON.stringify`, and in `console.log`: what no secret is in. Fields have to be asked for. */
  toJSON(): { statusCode: number; reasonPhrase: string; httpVersion: string; size: number } {
    const { statusCode, reasonPhrase, httpVersion, size } = this;
    return { statusCode, reasonPhrase, httpVersion, size };
  }

  /** @internal */
  [INSPECT](_depth: number, options: object, inspect: Inspect): string {
    return `ResponseHead ${inspect(this.toJSON(), options)}`;
  }

  #has(flag: Flag): boolean {
    return (this.#record.flags & flag) !== 0;
  }
}

const UNTIL_CLOSE: ResponseFraming = Object.freeze({ kind: "until-close" });

export type ResponseHeadResult =
  /** `consumed`: octets of the input that belong to the head. */
  | { kind: "complete"; head: ResponseHead; consumed: number }
  | { kind: "partial" }
  /** `fault.offset` counts from the head's first octet. */
  | { kind: "malformed"; fault: HeadFault };

const PARTIAL: ResponseHeadResult = Object.freeze({ kind: "partial" });
/** Host means nothing in a response. */
const RESPONSE = Option.RESPONSE | Option.HOST_UNCHECKED | Option.HOST_OPTIONAL;

const results: SectionResults<ResponseHeadResult> = {
  kind: HEAD,
  partial: PARTIAL,
  finish(wasm, status, before) {
    const offset = wasm.words[Head.OFFSET >> 2]!;
    if (status !== Status.COMPLETE) return { kind: "malformed", fault: new HeadFault(status, offset) };
    const head = new ResponseHead(wasm.text.read(0, offset), wasm.words, wasm.generation);
    return { kind: "complete", head, consumed: offset - before };
  },
};

/** A reader of response heads that arrive in pieces. @internal */
export function responseHeadReader(limits: HeadLimits): SectionReader<ResponseHeadResult> {
  return new SectionReader(results, RESPONSE, limits);
}

/**
 * Reads the response head at the beginning of `bytes`: `complete`, with the number of octets it took; `partial`, if they are only
 * the beginning of a head; or `malformed`. Content never makes it throw; invalid options do (`TypeError`, `RangeError`).
 * RFC 9112 §4; docs/conformance.md lists every choice.
 */
export function parseResponseHead(
  bytes: Uint8Array,
  options?: { limits?: { [Name in keyof HeadLimits]?: number | undefined } | undefined },
): ResponseHeadResult {
  const length = countOctets(bytes);
  if (options !== undefined) checkSettings(options, ["limits"], "a parse", "", withinLimits(headBounds));
  const limits = headLimits(options?.limits);
  const wasm = kernel();
  const status = readOctets(wasm, bytes, length, RESPONSE, limits);
  return status === Status.PARTIAL ? PARTIAL : results.finish(wasm, status, 0);
}
