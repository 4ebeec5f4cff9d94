// In:    connections whose head is not whole, or upgrades that wait for the application's word.
// Out:   a call for each that has waited too long; of one more, whether there are too many, in all or of its address.
// Never: asks for an address while no address could have too many.

import { Deadlines, type Timed } from "../deadlines.js";

/** Why one more may not wait. */
export type Overload = "OVERLOADED" | "ADDRESS_OVERLOADED";

export interface Waiting extends Timed {
  /** The address that it counts to; null where nobody knows the client's. To ask may cost a system call, and memory. */
  readonly countedAs: string | null;
}

/**
 * Those that wait for the same, with equal deadlines. While all of them together are not more than one address
 * may have, no address is asked for. Then those that wait are asked, once, and from then on each that comes, until
 * half of them have gone: to ask them all again takes as many new ones.
 */
export class Pending extends Deadlines<Waiting> {
  readonly #most: number;
  readonly #mostPerAddress: number;
  #isCounting = false;
  /** What each is counted as: its socket does not know it any more when it is gone. */
  readonly #counted = new Map<Waiting, string>();
  readonly #waiting = new Map<string, number>();

  /** `most`: in all; `mostPerAddress`: of one address. */
  constructor(milliseconds: number, most: number, mostPerAddress: number) {
    super(milliseconds);
    this.#most = most;
    this.#mostPerAddress = mostPerAddress;
  }

  /** Begins its time, or says why it may not wait. */
  admit(item: Waiting): Overload | null {
    if (this.size >= this.#most) return "OVERLOADED";
    if (!this.#isCounting && this.size >= this.#mostPerAddress) {
      this.#isCounting = true;
      for (const waiting of this) this.#count(waiting);
    }
    if (this.#isCounting && !this.#count(item)) return "ADDRESS_OVERLOADED";
    this.add(item);
    return null;
  }

  /** Counts one that waits to the address that it has now, or says why it may wait no more. */
  recount(item: Waiting): Overload | null {
    if (!this.#isCounting) return null;
    this.#uncount(item);
    return this.#count(item) ? null : "ADDRESS_OVERLOADED";
  }

  override remove(item: Waiting): void {
    super.remove(item);
    if (!this.#isCounting) return;
    this.#uncount(item);
    if (this.size > this.#mostPerAddress / 2) return;
    this.#isCounting = false;
    this.#counted.clear();
    this.#waiting.clear();
  }

  /** False where its address has as many as it may have. */
  #count(item: Waiting): boolean {
    const address = item.countedAs;
    if (address === null) return true;
    const waiting = this.#waiting.get(address) ?? 0;
    if (waiting >= this.#mostPerAddress) return false;
    this.#waiting.set(address, waiting + 1);
    this.#counted.set(item, address);
    return true;
  }

  #uncount(item: Waiting): void {
    const address = this.#counted.get(item);
    if (address === undefined) return;
    this.#counted.delete(item);
    const waiting = this.#waiting.get(address)! - 1;
    if (waiting === 0) this.#waiting.delete(address);
    else this.#waiting.set(address, waiting);
  }
}
