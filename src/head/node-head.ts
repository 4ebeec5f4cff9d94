// In:    octets in the kernel's input.
// Out:   one request head in the terms of node:http's own parser.
// Never: keeps a view of the kernel's memory.

import { Capacity, FieldLine, FieldSpelling, Flag, Head, Memory, Option, Status } from "../../assembly/abi.js";
import { HeadFault } from "./fault.js";
import { type Kernel, kernel } from "./kernel/instance.js";
import type { HeadLimits } from "./limits.js";
import { RequestHead, run } from "./request-head.js";

/** Field lines that the kernel can read of one head. */
export const MAX_FIELD_LINES: number = Capacity.FIELD_LINES;
/** Octets that the kernel's input has room for. */
export const INPUT_SIZE: number = Memory.INPUT_SIZE;
/** The first octet of the input that sockets read into. */
export const READS_START: number = Memory.READS;

const UPGRADE = Flag.CONNECTION_UPGRADE | Flag.UPGRADE;
/** What a request line and the end of a head have besides the request-target, at least. */
const LEAST_BESIDES = "GET  HTTP/1.1\r\n\r\n".length;

/** What `read` has found. */
type Found = "complete" | "partial" | "malformed";

/** The head that was read last. One object serves all parses: take what you need before anything else can run. */
export class NodeHead {
  /** The head as received, one character per octet, skipped empty lines included. */
  text = "";
  /** Where it begins, in the kernel's input. */
  start = 0;
  /** "complete": where the head ends, in the kernel's input. */
  end = 0;
  /** "malformed": why, with the offset from the head's first octet. */
  fault: HeadFault | null = null;
  method = "";
  url = "";
  /** HTTP/1.0 or HTTP/1.1. */
  minor = 0;
  /** Name, value, name, value, as sent. */
  rawHeaders: string[] = [];
  /** As `IncomingMessage.headers`; null if a name is repeated or means something to Object, which Node's own code then handles. */
  headers: Record<string, string> | null = null;
  keepAlive = false;
  /** Node's meaning: Connection lists `upgrade`, beside an Upgrade field that is not empty, whatever the version. */
  upgrade = false;
  chunked = false;
  /** Octets of the body; 0 if there is none or it is chunked. */
  contentLength = 0;

  /** Reads the octets `start`..`end` of the kernel's input. `needsHost`: HTTP/1.1 without Host is malformed; else Node's own rule decides. */
  read(wasm: Kernel, start: number, end: number, limits: HeadLimits, needsHost: boolean): Found {
    const status = run(wasm, start, end, needsHost ? 0 : Option.HOST_OPTIONAL, limits);
    if (status === Status.PARTIAL) return "partial";
    const { words } = wasm;
    const offset = words[Head.OFFSET >> 2]!;
    if (status !== Status.COMPLETE) {
      this.fault = new HeadFault(status, offset - start);
      return "malformed";
    }
    const flags = words[Head.FLAGS >> 2]!;
    const text = wasm.text.read(start, offset);
    this.text = text;
    this.start = start;
    this.end = offset;
    this.method =
      (flags & Flag.METHOD_GET) !== 0
        ? "GET"
        : text.slice(words[Head.METHOD_START >> 2]! - start, words[Head.METHOD_END >> 2]! - start);
    this.url = text.slice(words[Head.TARGET_START >> 2]! - start, words[Head.TARGET_END >> 2]! - start);
    const minor = flags & Flag.VERSION_1_1;
    this.minor = minor;
    this.keepAlive = minor === 1 ? (flags & Flag.CONNECTION_CLOSE) === 0 : (flags & Flag.CONNECTION_KEEP_ALIVE) !== 0;
    this.chunked = (flags & Flag.TRANSFER_ENCODING) !== 0;
    this.contentLength =
      (flags & Flag.CONTENT_LENGTH) === 0
        ? 0
        : words[Head.CONTENT_LENGTH_HIGH >> 2]! * 0x1_0000_0000 + (words[Head.CONTENT_LENGTH_LOW >> 2]! >>> 0);
    this.#readLines(wasm, text, start);
    this.upgrade = (flags & UPGRADE) === UPGRADE && this.#hasUpgrade();
    return "complete";
  }

  /**
   * Takes a head that was read before, for a request that does not leave HTTP. `lines`: what is to be seen of its field lines, name,
   * value, name, value.
   */
  take(head: RequestHead, lines: string[]): void {
    const { framing } = head;
    this.text = head.toString();
    this.method = head.method;
    this.url = head.requestTarget;
    this.minor = head.httpVersion === "1.1" ? 1 : 0;
    this.keepAlive = head.keepAlive;
    this.upgrade = false;
    this.chunked = framing.kind === "chunked";
    this.contentLength = framing.kind === "content-length" ? framing.length : 0;
    this.rawHeaders = lines;
    this.headers = headersOf(lines);
  }

  /** An Upgrade field that is not empty. */
  #hasUpgrade(): boolean {
    return this.rawHeaders.some(
      (text, i) => i % 2 === 0 && text.toLowerCase() === "upgrade" && this.rawHeaders[i + 1] !== "",
    );
  }

  /** One way over the lines makes both views of them. */
  #readLines({ words, spellings, lowerCase }: Kernel, text: string, start: number): void {
    const length = 2 * words[Head.FIELD_LINES >> 2]!;
    const raw: string[] = new Array(length);
    let headers: Record<string, string> | null = {};
    let nameStart = words[Head.FIELDS_START >> 2]! - start;
    let at = Head.SIZE >> 2;
    for (let i = 0; i < length; i += 2, at += FieldLine.SIZE >> 2) {
      const name = words[at + (FieldLine.NAME >> 2)]!;
      const lineEnd = words[at + (FieldLine.END >> 2)]! - start;
      const nameEnd = (name >>> FieldSpelling.BITS) - start;
      const value =
        (name & FieldSpelling.PADDED) === 0
          ? text.slice(nameEnd + 2, lineEnd)
          : text.slice(
              words[at + (FieldLine.VALUE_START >> 2)]! - start,
              words[at + (FieldLine.VALUE_END >> 2)]! - start,
            );
      const isSpelled = (name & FieldSpelling.SPELLED) !== 0;
      const sent = isSpelled ? spellings[name & FieldSpelling.ALL]! : text.slice(nameStart, nameEnd);
      raw[i] = sent;
      raw[i + 1] = value;
      if (headers !== null) {
        const lower = isSpelled ? lowerCase[name & FieldSpelling.ALL]! : sent.toLowerCase();
        if (!addHeader(headers, lower, value)) headers = null;
      }
      nameStart = lineEnd + 2;
    }
    this.rawHeaders = raw;
    this.headers = headers;
  }

  /** The head for a ruling; to be called before anything else is parsed. */
  toRequestHead(wasm: Kernel): RequestHead {
    // Another kernel may have been chosen since, whose memory has no record of it: it is then read again from its text.
    const isCurrent = kernel() === wasm;
    return new RequestHead(this.text, wasm.words, isCurrent ? wasm.generation : -1, 0, this.start);
  }

  /** True if request-target, names and values together have at least so many octets, which is what Node's `maxHeaderSize` bounds. */
  hasAtLeast(octets: number): boolean {
    if (this.text.length - LEAST_BESIDES < octets) return false;
    return this.rawHeaders.reduce((sum, { length }) => sum + length, this.url.length) >= octets;
  }
}

/** False if Node's own code is to make `headers`, since it has rules for that field. */
function addHeader(headers: Record<string, string>, name: string, value: string): boolean {
  if (headers[name] !== undefined || name === "set-cookie") return false;
  headers[name] = value;
  return true;
}

function headersOf(lines: readonly string[]): Record<string, string> | null {
  const { lowered } = kernel();
  const headers: Record<string, string> = {};
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i]!;
    if (!addHeader(headers, lowered.get(name) ?? name.toLowerCase(), lines[i + 1]!)) return null;
  }
  return headers;
}
