// In:    octets that begin with a request head.
// Out:   HeadResult: a RequestHead that owns its octets, partial, or a HeadFault.
// Never: throws because of what the octets contain, or keeps the caller's array.

import { Capacity, FieldLine, Flag, Head, Memory, Option, Status, TargetForm } from "../../assembly/abi.js";
import { HeadFault } from "./fault.js";
import { type Kernel, kernel } from "./kernel/instance.js";
import { countOctets, viewOf } from "./kernel/latin1.js";
import { type HeadLimits, headBounds, headLimits } from "./limits.js";
import { checkSettings, describe, withinLimits } from "./options.js";
import { RequestHead, run } from "./request-head.js";

export interface HeadOptions {
  /**
   * `required` (default): an HTTP/1.1 head without Host is refused (RFC 9112 §3.2). `optional`: it passes. `unchecked`: Host is
   * left to the caller, and may also be empty, invalid or repeated.
   */
  host?: "required" | "optional" | "unchecked" | undefined;
  limits?: { [Name in keyof HeadLimits]?: number | undefined } | undefined;
}

export type HeadResult =
  /** `consumed`: octets of the input that belong to the head; what follows is `input.subarray(consumed)`. */
  | { kind: "complete"; head: RequestHead; consumed: number }
  /** More octets are needed; the octets so far are the beginning of a head. */
  | { kind: "partial" }
  /** `fault.offset` counts from the head's first octet. */
  | { kind: "malformed"; fault: HeadFault };

/** For octets to which none will be added. */
export type WholeHeadResult = Exclude<HeadResult, { kind: "partial" }>;

const settings = ["host", "limits"];
/** @internal */
export const PARTIAL: HeadResult = Object.freeze({ kind: "partial" });

/** Checks options; the kernel takes them as bits. @internal */
export function kernelOptions(options: HeadOptions | undefined): number {
  if (options === undefined) return 0;
  checkSettings(options, settings, "a parse", "", withinLimits(headBounds));
  const { host = "required" } = options;
  if (!Object.hasOwn(hostOptions, host)) {
    throw new TypeError(`host is ${describe(host)}; it must be "required", "optional" or "unchecked"`);
  }
  return hostOptions[host];
}

const hostOptions = {
  required: 0,
  optional: Option.HOST_OPTIONAL,
  unchecked: Option.HOST_OPTIONAL | Option.HOST_UNCHECKED,
} as const;

/** What the kernel reads: by which of its functions, and how many octets it takes that its limit does not count. @internal */
export interface SectionKind {
  readonly entry: "parseHead" | "parseTrailers";
  readonly uncounted: number;
}
/** @internal */
export const HEAD: SectionKind = { entry: "parseHead", uncounted: 0 };

/** The first attempt copies only so many octets, whatever the limit: a body may follow, or other heads. */
const FIRST_OCTETS = 16_384;

/** Lets the kernel read the head, or another section, at the beginning of `bytes`, which has `length` octets. @internal */
export function readOctets(
  wasm: Kernel,
  bytes: Uint8Array,
  length: number,
  options: number,
  limits: HeadLimits,
  kind: SectionKind = HEAD,
): Status {
  const most = limits.headBytes + kind.uncounted;
  if (length > FIRST_OCTETS && most > FIRST_OCTETS) {
    wasm.input.set(viewOf(bytes, 0, FIRST_OCTETS));
    const status = runSection(wasm, kind, 0, FIRST_OCTETS, options, limits);
    if (status !== Status.PARTIAL) return status;
  }
  wasm.input.set(length > most ? viewOf(bytes, 0, most) : bytes);
  return runSection(wasm, kind, 0, length, options, limits);
}

/** Reads a section of the kind from the octets `start`..`end` of the kernel's input. @internal */
export function runSection(
  wasm: Kernel,
  kind: SectionKind,
  start: number,
  end: number,
  options: number,
  limits: HeadLimits,
): Status {
  if (kind.entry === "parseHead") return run(wasm, start, end, options, limits);
  wasm.generation++;
  const { headBytes, fieldLines } = limits;
  return wasm.parseTrailers(start, Math.min(end, start + headBytes + kind.uncounted), options, headBytes, fieldLines);
}

/** The result of a parse that is not partial: offsets and text are read before the kernel's memory is used again. @internal */
export function finish(wasm: Kernel, status: Status): HeadResult {
  const offset = wasm.words[Head.OFFSET >> 2]!;
  if (status !== Status.COMPLETE) return { kind: "malformed", fault: new HeadFault(status, offset) };
  return {
    kind: "complete",
    head: new RequestHead(wasm.text.read(0, offset), wasm.words, wasm.generation, 0, 0),
    consumed: offset,
  };
}

/**
 * Reads the request head at the beginning of `bytes`: `complete`, with the number of octets it took; `partial`, if they
 * are only the beginning of a head; or `malformed`. Content never makes it throw; invalid options do (`TypeError`, `RangeError`).
 * RFC 9112 §2.1; docs/conformance.md lists every choice.
 */
export function parseRequestHead(bytes: Uint8Array, options?: HeadOptions): HeadResult {
  const length = countOctets(bytes);
  const limits = headLimits(options?.limits);
  return parseOctets(bytes, length, kernelOptions(options), limits);
}

/** The same with limits that were already checked, as for each connection of a gate. @internal */
export function parseWithin(bytes: Uint8Array, limits: HeadLimits): HeadResult {
  return parseOctets(bytes, countOctets(bytes), 0, limits);
}

function parseOctets(bytes: Uint8Array, length: number, options: number, limits: HeadLimits): HeadResult {
  const wasm = kernel();
  const status = readOctets(wasm, bytes, length, options, limits);
  return status === Status.PARTIAL ? PARTIAL : finish(wasm, status);
}

/** Makes a head from its text and the kernel's record of it. */
type MakeHead = (text: string, words: Int32Array, generation: number) => RequestHead;

const plainHead: MakeHead = (text, words, generation) => new RequestHead(text, words, generation, 0, 0);

/**
 * Reads text, one character per octet, that is one complete head with `fieldLines` field lines, as another parser took it
 * apart. Text that reads as anything else contains a line end where that parser saw none: `CONTROL_OCTET`. @internal
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
    return { kind: "malformed", fault: new HeadFault(status, offset) };
  }
  if (offset !== text.length || wasm.words[Head.FIELD_LINES >> 2] !== fieldLines) {
    return { kind: "malformed", fault: new HeadFault(Status.CONTROL_OCTET, Math.min(offset, text.length)) };
  }
  return { kind: "complete", head: make(text, wasm.words, wasm.generation), consumed: offset };
}

/** The result of `parseRequestHeads`. */
export interface HeadsResult {
  readonly heads: RequestHead[];
  /** The octets of all those heads together. */
  readonly consumed: number;
  /** Why the octets after them are not a head; its offset counts from `consumed`. Null if they may become one. */
  readonly fault: HeadFault | null;
}

/** Words of the largest record, and of the records that can be kept after it. */
const LARGEST_RECORD = (Head.SIZE + (Capacity.FIELD_LINES + Capacity.INDEXED / 2 + 2) * FieldLine.SIZE) >> 2;
const ALL_RECORDS = Memory.RECORDS_SIZE >> 2;

/**
 * Reads pipelined request heads, copying them once. It stops after a head with Content-Length or Transfer-Encoding,
 * with a Connection that lists `upgrade`, or with the method CONNECT, since what follows such a head may not be another head:
 * `consumed` is where it stopped. It also stops when the kernel's memory has no room for more, so a caller continues with
 * `bytes.subarray(consumed)` until nothing more is read.
 */
export function parseRequestHeads(bytes: Uint8Array, options?: HeadOptions): HeadsResult {
  const given = countOctets(bytes);
  const limits = headLimits(options?.limits);
  const bits = kernelOptions(options);
  const wasm = kernel();
  const { words, input } = wasm;
  const length = Math.min(given, input.length);
  input.set(length < given ? viewOf(bytes, 0, length) : bytes);
  // One parse from the point of view of the records' owners: the records are kept one after another.
  const generation = ++wasm.generation;
  const heads: RequestHead[] = [];
  let consumed = 0;
  for (let record = LARGEST_RECORD; consumed < length; ) {
    const status = wasm.parseHead(consumed, length, bits, limits.headBytes, limits.fieldLines);
    const end = words[Head.OFFSET >> 2]!;
    if (status === Status.PARTIAL) {
      // The kernel's memory ends before the kernel could see that there is more than the limit.
      const isTooLarge = length - consumed >= limits.headBytes && given - consumed > limits.headBytes;
      if (isTooLarge) return { heads, consumed, fault: new HeadFault(Status.HEAD_TOO_LARGE, limits.headBytes) };
      break;
    }
    if (status !== Status.COMPLETE) return { heads, consumed, fault: new HeadFault(status, end - consumed) };
    const size = (Head.SIZE + words[Head.FIELD_LINES >> 2]! * FieldLine.SIZE) >> 2;
    if (record + size > ALL_RECORDS) break;
    words.copyWithin(record, 0, size);
    heads.push(new RequestHead(wasm.text.read(consumed, end), words, generation, record, consumed));
    consumed = end;
    record += size;
    if (!isFollowedByHead(words)) break;
  }
  return { heads, consumed, fault: null };
}

/** False after a head with a body, an upgrade, or CONNECT. */
function isFollowedByHead(words: Int32Array): boolean {
  const others = Flag.CONTENT_LENGTH | Flag.TRANSFER_ENCODING | Flag.CONNECTION_UPGRADE;
  return (words[Head.FLAGS >> 2]! & others) === 0 && words[Head.TARGET_FORM >> 2] !== TargetForm.AUTHORITY;
}
