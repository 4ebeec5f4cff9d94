// In:    connections whose head is not whole, or upgrades that wait for the application's word.
// Out:   a call for each that has waited too long; of one more, whether there are too many, in all or of its address.
// Never: asks for an address while so few wait that none could have too many.

import { Deadlines, type Timed } from "./deadlines.js";

/** Why one more may not wait. */
export type Overload = "OVERLOADED" | "ADDRESS_OVERLOADED";

export interface Waiting extends Timed {
  /** The address that it counts to; null where nobody knows the client's. To ask may cost a system call, and memory. */
  readonly countedAs: string | null;
}

/** While fewer wait, a limit per address refuses nothing: clients that share an address may all connect at once. */
const CROWD = 1000;

/**
 * Those that wait for the same, with equal deadlines. An address that has its limit may have more while there is room for it: while
 * fewer than `CROWD` wait, or than half of all that may, counting no other address for more than its limit. So one address fills the
 * room of a crowd, and takes no more than its limit from the others. Up to its limit an address is never refused but for too many in all.
 *
 * While no address could be refused, none is asked for. Then those that wait are asked, once, and from then on each that comes, until
 * half of the crowd has gone: to ask them all again takes as many new ones.
 */
export class WaitingRoom extends Deadlines<Waiting> {
  readonly #max: number;
  readonly #maxPerAddress: number;
  readonly #crowd: number;
  #isCounting = false;
  /** What each is counted as: its socket does not know it any more when it is gone. */
  readonly #counted = new Map<Waiting, string>();
  readonly #waiting = new Map<string, number>();
  /** Those that addresses have beyond their limit, together. */
  #excess = 0;

  /** `max`: in all; `maxPerAddress`: of one address. */
  constructor(milliseconds: number, max: number, maxPerAddress: number) {
    super(milliseconds);
    this.#max = max;
    this.#maxPerAddress = maxPerAddress;
    // An address that has its limit is a crowd by itself where the limit is larger than that.
    this.#crowd = Math.max(maxPerAddress, Math.min(CROWD, Math.floor(max / 2)));
  }

  /** Begins its time, or says why it may not wait. */
  admit(item: Waiting): Overload | null {
    if (this.size >= this.#max) return "OVERLOADED";
    if (!this.#isCounting && this.size >= this.#crowd) {
      this.#isCounting = true;
      for (const waiting of this) this.#count(waiting, waiting.countedAs);
    }
    if (this.#isCounting) {
      const address = item.countedAs;
      if (this.#isFull(address, this.size)) return "ADDRESS_OVERLOADED";
      this.#count(item, address);
    }
    this.add(item);
    return null;
  }

  /** Counts one that waits to the address that it has now, or says why it may wait no more. One whose address is as before may. */
  recount(item: Waiting): Overload | null {
    if (!this.#isCounting) return null;
    const address = item.countedAs;
    if (address === (this.#counted.get(item) ?? null)) return null;
    this.#uncount(item);
    if (this.#isFull(address, this.size - 1)) return "ADDRESS_OVERLOADED";
    this.#count(item, address);
    return null;
  }

  override remove(item: Waiting): void {
    super.remove(item);
    if (!this.#isCounting) return;
    this.#uncount(item);
    if (this.size > this.#crowd / 2) return;
    this.#isCounting = false;
    this.#counted.clear();
    this.#waiting.clear();
    this.#excess = 0;
  }

  /** An address has its limit, and there is no room for more; `others` wait already, those of that address among them. */
  #isFull(address: string | null, others: number): boolean {
    if (address === null) return false;
    const waiting = this.#waiting.get(address) ?? 0;
    if (waiting < this.#maxPerAddress) return false;
    const excessOfOthers = this.#excess - (waiting - this.#maxPerAddress);
    return others - excessOfOthers >= this.#crowd;
  }

  #count(item: Waiting, address: string | null): void {
    if (address === null) return;
    const waiting = this.#waiting.get(address) ?? 0;
    if (waiting >= this.#maxPerAddress) this.#excess++;
    this.#waiting.set(address, waiting + 1);
    this.#counted.set(item, address);
  }

  #uncount(item: Waiting): void {
    const address = this.#counted.get(item);
    if (address === undefined) return;
    this.#counted.delete(item);
    const waiting = this.#waiting.get(address)! - 1;
    if (waiting >= this.#maxPerAddress) this.#excess--;
    if (waiting === 0) this.#waiting.delete(address);
    else this.#waiting.set(address, waiting);
  }
}
