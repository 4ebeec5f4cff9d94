// In:    what one read of a connection has brought: octets in the kernel's input, or a Buffer of a 'data' event.
// Out:   the octets of that read, wherever they are now; pieces of it for the application.
// Never: leaves octets in the kernel's input alone while other code may run, or gives the application memory that holds other octets.

import type { Kernel } from "../head/kernel/instance.js";
import { NOTHING } from "../head/kernel/latin1.js";

const NO_OCTETS: Buffer = Buffer.from(NOTHING.buffer);
/** So many octets are put into the kernel's input at once; a body may follow the head. */
const SHOWN = 16_384;

/** A copy of the octets `start`..`end` in memory of its own: it shares no ArrayBuffer, as a slice of Node's pool would. */
export function ownCopy(octets: Buffer, start = 0, end: number = octets.length): Buffer {
  const own = Buffer.allocUnsafeSlow(end - start);
  octets.copy(own, 0, start, end);
  return own;
}

/** The read that is being parsed. Positions count from its first octet. */
export class CurrentRead {
  readonly #kernel: Kernel;
  /** The part of the kernel's input that sockets read into, and where it begins there. */
  readonly #input: Buffer;
  readonly #inputStart: number;
  #length = 0;
  /** Octets of the read came into the kernel's input, and are nowhere else yet. */
  #isInPlace = false;
  /** Memory for what leaves the input, for as long as the read is parsed; shared by the reads of an engine, one after another. */
  readonly #spare: Buffer[];
  #borrowed: Buffer | null = null;
  /** The octets from `#cut` on, in memory of their own if `#isOwn`. */
  #chunk: Buffer = NO_OCTETS;
  #cut = 0;
  #isOwn = false;
  /** The octets before `#cut`, which were parsed in place. */
  #before = "";
  /** The value of `kernel.generation` while the kernel's input has octets of the read. */
  #shown = -1;
  #shownStart = 0;
  #shownEnd = 0;
  /** What a position in the kernel's input lacks to be the octet's position in the read. */
  shift = 0;

  constructor(kernel: Kernel, input: Buffer, spare: Buffer[]) {
    this.#kernel = kernel;
    this.#input = input;
    this.#spare = spare;
    this.#inputStart = input.byteOffset - kernel.input.byteOffset;
  }

  get length(): number {
    return this.#length;
  }

  /** Up to where the kernel's input has octets of the read. */
  get shownEnd(): number {
    return this.#shownEnd;
  }

  /** The first `length` octets of `input` were read just now. */
  beginInPlace(length: number): void {
    this.#length = length;
    this.#isInPlace = true;
    this.#shownStart = 0;
    this.#shownEnd = length;
    this.shift = -this.#inputStart;
    this.#shown = this.#kernel.generation;
  }

  /** `isOwn`: nothing else has the memory of `octets`. */
  begin(octets: Buffer, isOwn: boolean): void {
    this.#length = octets.length;
    this.#isInPlace = false;
    this.#chunk = octets;
    this.#cut = 0;
    this.#isOwn = isOwn;
    this.#before = "";
    this.#shown = -1;
  }

  /** It has been parsed. */
  end(): void {
    this.begin(NO_OCTETS, false);
    if (this.#borrowed !== null) this.#spare.push(this.#borrowed);
    this.#borrowed = null;
  }

  /** Makes sure that the kernel's input has the octet at `at`, and those after it up to `shownEnd`. */
  show(at: number): void {
    if (this.#kernel.generation === this.#shown && at >= this.#shownStart && at < this.#shownEnd) return;
    const end = Math.min(this.#length, at + SHOWN);
    this.#kernel.input.set(this.octets(at, end));
    this.#shownStart = at;
    this.#shownEnd = end;
    this.shift = at;
    this.#shown = this.#kernel.generation;
  }

  /** A parse of what was shown has left the octets where they are. */
  stillShown(): void {
    this.#shown = this.#kernel.generation;
  }

  /**
   * The octets from `start` on leave the kernel's input: from now on other code may run. `before`: those that end there, if known.
   * `isPiece`: those that leave are content of one message, so that the application gets them as they are.
   */
  moveOut(start: number, isPiece: boolean, before = ""): void {
    if (!this.#isInPlace) return;
    const length = this.#length;
    const at = this.#inputStart;
    this.#isInPlace = false;
    this.#before = before.length === start ? before : this.#kernel.text.read(at, at + start);
    this.#cut = start;
    this.#isOwn = isPiece && start < length;
    if (start === length) this.#chunk = NO_OCTETS;
    else if (isPiece) this.#chunk = ownCopy(this.#input, start, length);
    else {
      this.#borrowed = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#input.length);
      this.#input.copy(this.#borrowed, 0, start, length);
      this.#chunk = this.#borrowed.subarray(0, length - start);
    }
    // Another socket may read into the same octets, which no generation counts.
    this.#shown = -1;
  }

  /** A view of octets that were moved out, or never were in the kernel's input. */
  octets(start: number, end: number): Buffer {
    const chunk = this.#chunk;
    const from = start - this.#cut;
    const to = end - this.#cut;
    return from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to);
  }

  /**
   * The same octets for the application, which may keep them, change them, or transfer their memory. Where they are all that there
   * is in memory of their own, they are not copied again: nothing that follows is read from there.
   */
  piece(start: number, end: number): Buffer {
    const chunk = this.#chunk;
    const isAll = start === this.#cut && end === this.#length;
    return this.#isOwn && isAll ? chunk : ownCopy(chunk, start - this.#cut, end - this.#cut);
  }

  /** All of them, for the application too. */
  whole(): Buffer {
    const chunk = this.#chunk;
    const { length } = this.#before;
    if (length === 0) return this.#isOwn ? chunk : ownCopy(chunk);
    const whole = Buffer.allocUnsafeSlow(length + chunk.length);
    whole.write(this.#before, 0, "latin1");
    whole.set(chunk, length);
    return whole;
  }
}
