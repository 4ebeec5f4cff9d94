// In:    what one read of a connection has brought: octets in the kernel's input, or a Buffer of a 'data' event.
// Out:   the octets of that read, wherever they are now.
// Never: leaves octets in the kernel's input alone while other code may run.

import type { Kernel } from "../head/kernel/instance.js";
import { NOTHING } from "../head/kernel/latin1.js";

const NO_OCTETS: Buffer = Buffer.from(NOTHING.buffer);
/** So many octets are put into the kernel's input at once; a body may follow the head. */
const SHOWN = 16_384;

/** The read that is being parsed. Positions count from its first octet. */
export class CurrentRead {
  readonly #kernel: Kernel;
  /** The part of the kernel's input that sockets read into. */
  readonly #input: Buffer;
  #length = 0;
  /** Octets of the read came into the kernel's input, and are nowhere else yet. */
  #isInPlace = false;
  /** The octets from `#cut` on, in memory of their own. */
  #chunk: Buffer = NO_OCTETS;
  #cut = 0;
  /** The octets before `#cut`, which were parsed in place. */
  #before = "";
  /** The value of `kernel.generation` while the kernel's input has the octets `shownStart`..`shownEnd`. */
  #shown = -1;
  shownStart = 0;
  shownEnd = 0;

  constructor(kernel: Kernel, input: Buffer) {
    this.#kernel = kernel;
    this.#input = input;
  }

  get length(): number {
    return this.#length;
  }

  /** The first `length` octets of the input were read just now. */
  beginInPlace(length: number): void {
    this.#length = length;
    this.#isInPlace = true;
    this.shownStart = 0;
    this.shownEnd = length;
    this.#shown = this.#kernel.generation;
  }

  begin(octets: Buffer): void {
    this.#length = octets.length;
    this.#isInPlace = false;
    this.#chunk = octets;
    this.#cut = 0;
    this.#before = "";
    this.#shown = -1;
  }

  /** It has been parsed. */
  end(): void {
    this.begin(NO_OCTETS);
  }

  /** Makes sure that the kernel's input has the octet at `at`, and those after it up to `shownEnd`. */
  show(at: number): void {
    if (this.#kernel.generation === this.#shown && at >= this.shownStart && at < this.shownEnd) return;
    const end = Math.min(this.#length, at + SHOWN);
    this.#kernel.input.set(this.octets(at, end));
    this.shownStart = at;
    this.shownEnd = end;
    this.#shown = this.#kernel.generation;
  }

  /** A parse of what was shown has left the octets where they are. */
  stillShown(): void {
    this.#shown = this.#kernel.generation;
  }

  /** The octets from `start` on leave the kernel's input: from now on other code may run. `before`: those that end there, if known. */
  moveOut(start: number, before = ""): void {
    if (!this.#isInPlace) return;
    const length = this.#length;
    this.#isInPlace = false;
    this.#before = before.length === start ? before : this.#kernel.text.read(0, start);
    this.#chunk = start === length ? NO_OCTETS : Buffer.from(this.#input.subarray(start, length));
    this.#cut = start;
  }

  /** A view of octets that were moved out, or never were in the kernel's input. */
  octets(start: number, end: number): Buffer {
    const chunk = this.#chunk;
    const from = start - this.#cut;
    const to = end - this.#cut;
    return from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to);
  }

  /** All of them. */
  whole(): Buffer {
    return this.#before === "" ? this.#chunk : Buffer.concat([Buffer.from(this.#before, "latin1"), this.#chunk]);
  }
}
