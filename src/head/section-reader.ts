// In:    octets of a connection, in pieces, from the first of a head or of a trailer section on.
// Out:   the result for each piece: partial, or what the complete section makes.
// Never: looks at an octet more than a bounded number of times, or keeps anything between sections.

import { Flag, Head, Memory, NameEntry, OctetClass, Option, Status } from "../../assembly/abi.js";
import { type Kernel, kernel } from "./kernel/instance.js";
import { countOctets, NOTHING, scratch, viewOf } from "./kernel/latin1.js";
import type { HeadLimits } from "./limits.js";
import { readOctets, runSection, type SectionKind } from "./parse.js";

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const PERCENT = 0x25;
/** Up to this many octets are copied faster one by one than by a call. */
const FEW = 64;

/** What sections of one kind come to. @internal */
export interface SectionResults<Result> {
  readonly kind: SectionKind;
  readonly partial: Result;
  /** Makes the result of a parse that is not partial; `before`: octets of the section that earlier pieces had. */
  finish(wasm: Kernel, status: number, before: number): Result;
}

/**
 * Reads heads, or a trailer section, that arrive in pieces, one after another. It looks at each octet a bounded number of
 * times, keeps nothing between sections, and refuses one in the chunk that shows the fault (docs/conformance.md). @internal
 */
export class SectionReader<Result> {
  readonly #results: SectionResults<Result>;
  readonly #limits: HeadLimits;
  readonly #options: number;
  /** Octets of an incomplete section; null between sections. */
  #held: Uint8Array | null = null;
  #length = 0;
  /** The parse after which the kernel's input and record belong to this section, and how many of its octets they contain. */
  #generation = 0;
  #shown = 0;
  /** What the kernel needs to continue: `Head.LINE_START`, `RUN`, `FLAGS`, `FIELD_LINES`. */
  #lineStart = 0;
  #run = 0;
  #flags = 0;
  #fieldLines = 0;
  /** HEXDIGs that a pct-encoded triplet of a reg-name still needs. */
  #hexdigits = 0;
  /** True within a field line whose value the kernel does not read. */
  #unread = false;

  /** `options`: bits for the kernel. */
  constructor(results: SectionResults<Result>, options: number, limits: HeadLimits) {
    this.#results = results;
    this.#options = options;
    this.#limits = limits;
  }

  /** Octets of a partial section that this reader holds; 0 between sections. */
  get pending(): number {
    return this.#length;
  }

  /**
   * Takes the next octets. `complete`: `consumed` counts within this chunk, and the reader is ready for the next head.
   * `malformed`: the connection has no further head; the reader forgets this one.
   */
  read(chunk: Uint8Array): Result {
    const count = countOctets(chunk);
    const wasm = kernel();
    const held = this.#held;
    if (held === null) return count === 0 ? this.#results.partial : this.#begin(wasm, chunk, count);
    if (count === 1 && this.#hexdigits === 0) {
      // The most frequent case when pieces are single octets.
      const octet = chunk[0]!;
      const length = this.#length;
      if ((wasm.classes[octet]! & this.#run) !== 0 && length < Math.min(held.length, this.#limits.headBytes)) {
        held[length] = octet;
        this.#length = length + 1;
        return this.#results.partial;
      }
    }
    return this.#follow(wasm, held, chunk, count) ? this.#results.partial : this.#continue(wasm, chunk, count);
  }

  #begin(wasm: Kernel, chunk: Uint8Array, count: number): Result {
    const { kind } = this.#results;
    const status = readOctets(wasm, chunk, count, this.#options, this.#limits, kind);
    if (status !== Status.PARTIAL) return this.#results.finish(wasm, status, 0);
    this.#append(chunk, count);
    return this.#wait(wasm);
  }

  /**
   * Takes a chunk whose octets all belong to the run that the kernel is in, without calling the kernel; returns false, and
   * takes nothing, for any other chunk. Also followed here: triplets in a reg-name (RFC 3986 §2.1), the CR that ends
   * a value, and complete lines of names that the kernel does not read, which are a token, a colon, a value and CRLF.
   */
  #follow(wasm: Kernel, held: Uint8Array, chunk: Uint8Array, count: number): boolean {
    const { classes } = wasm;
    let length = this.#length;
    if (length + count > Math.min(held.length, this.#limits.headBytes)) return false;
    let run = this.#run;
    let hexdigits = this.#hexdigits;
    let lineStart = this.#lineStart;
    let fieldLines = this.#fieldLines;
    let unread = this.#unread;
    for (let i = 0; i < count; i++) {
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

  /** True if lineStart..end is a field name that the kernel does not read. */
  #endsUnreadName(wasm: Kernel, held: Uint8Array, run: number, lineStart: number, end: number): boolean {
    if (run !== OctetClass.TOKEN || end === lineStart || (this.#flags & Flag.IN_FIELD_LINES) === 0) return false;
    // More names mean something in a trailer section, where they are refused.
    if (this.#results.kind.entry !== "parseHead") return false;
    const length = end - lineStart;
    return length > NameEntry.LONGEST || ((wasm.suspects[length]! >> ((held[lineStart]! | 0x20) - 0x61)) & 1) === 0;
  }

  #continue(wasm: Kernel, chunk: Uint8Array, count: number): Result {
    const { kind } = this.#results;
    const before = this.#length;
    const held = this.#append(chunk, count);
    this.#show(wasm, held);
    const { words } = wasm;
    let status = runSection(wasm, kind, 0, before + count, this.#options | Option.RESUME, this.#limits);
    if (status === Status.PARTIAL) return this.#wait(wasm);
    if (status === Status.COMPLETE) {
      // The record needs all lines, but the kernel saw only the last ones.
      const size = words[Head.OFFSET >> 2]!;
      wasm.input.set(held.subarray(0, size));
      status = runSection(wasm, kind, 0, size, this.#options, this.#limits);
    }
    this.#held = null;
    this.#length = 0;
    return this.#results.finish(wasm, status, before);
  }

  /** Puts the octets from the last line start on into the kernel's input, and restores its words; what is there already, stays. */
  #show(wasm: Kernel, held: Uint8Array): void {
    const { input, words } = wasm;
    if (wasm.generation !== this.#generation) {
      words[Head.LINE_START >> 2] = this.#lineStart;
      words[Head.FLAGS >> 2] = this.#flags;
      words[Head.FIELD_LINES >> 2] = this.#fieldLines;
      this.#shown = this.#lineStart;
    } else if (this.#shown > Memory.READS) {
      // No generation counts what sockets have read into the rest.
      this.#shown = Memory.READS;
    }
    if (this.#length - this.#shown > FEW) {
      input.set(held.subarray(this.#shown, this.#length), this.#shown);
    } else {
      for (let at = this.#shown; at < this.#length; at++) input[at] = held[at]!;
    }
  }

  /** Keeps as many octets of `chunk` as the limit leaves room for. */
  #append(chunk: Uint8Array, count: number): Uint8Array {
    const most = this.#limits.headBytes + this.#results.kind.uncounted;
    const before = this.#length;
    const length = Math.min(most, before + count);
    let held = this.#held ?? NOTHING;
    if (length > held.length) {
      // Most heads need one array, and the largest three.
      const wider = scratch(Math.min(most, Math.max(1024, 4 * length)));
      wider.set(held.subarray(0, before));
      this.#held = held = wider;
    }
    if (count === 1 && length > before) held[before] = chunk[0]!;
    else held.set(length - before < count ? viewOf(chunk, 0, length - before) : chunk, before);
    this.#length = length;
    return held;
  }

  #wait(wasm: Kernel): Result {
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
      // Within a triplet of a reg-name, which continues after it.
      this.#hexdigits = this.#held![this.#length - 1] === PERCENT ? 2 : 1;
      this.#run = OctetClass.REG_NAME;
    }
    return this.#results.partial;
  }
}
