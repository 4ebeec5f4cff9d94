// In:    connections whose head is incomplete, or upgrades that wait for the application's answer.
// Out:   a call for each that has waited too long; for a new one, whether there are too many, in total or of its address.
// Never: reads an address while so few wait that no address could have too many.

import { Deadlines, type Timed } from "./deadlines.js";

/** Why a new one may not wait. */
export type Overload = "OVERLOADED" | "ADDRESS_OVERLOADED";

export interface Waiting extends Timed {
  /** The address that it counts for; null if the client's is unknown. Reading it may cost a system call, and memory. */
  readonly countedAs: string | null;
}

/** While fewer wait, the limit per address does not apply: clients that share an address may all connect at once. */
const CROWD = 1000;

/**
 * Items that wait for the same thing, with equal deadlines. An address that has reached its limit may have more while there is room:
 * while fewer than `CROWD` wait, or fewer than half of the total limit, counting no other address for more than its limit. So one
 * address can fill the room of a crowd, but takes no more than its limit from the others. Below its limit, an address is only
 * refused if there are too many in total.
 *
 * While no address could be refused, no address is read. Then the addresses of all waiting items are read, once, and from then on
 * that of each new one, until half of the crowd has gone: reading all of them again takes as many new items.
 */
export class WaitingRoom<Item extends Waiting = Waiting> extends Deadlines<Item> {
  readonly #max: number;
  readonly #maxPerAddress: number;
  readonly #crowd: number;
  #isCounting = false;
  /** The address that each counts for: a closed socket no longer knows it. */
  readonly #counted = new Map<Item, string>();
  readonly #waiting = new Map<string, number>();
  /** How many items addresses have beyond their limit, in total. */
  #excess = 0;

  /** `max`: in all; `maxPerAddress`: of one address. */
  constructor(milliseconds: number, max: number, maxPerAddress: number) {
    super(milliseconds);
    this.#max = max;
    this.#maxPerAddress = maxPerAddress;
    // An address that has its limit is a crowd by itself where the limit is larger than that.
    this.#crowd = Math.max(maxPerAddress, Math.min(CROWD, Math.floor(max / 2)));
  }

  /** Starts its time, or returns why it may not wait. */
  admit(item: Item): Overload | null {
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

  /** Counts a waiting item for its current address, or returns why it may no longer wait. With an unchanged address it may. */
  recount(item: Item): Overload | null {
    if (!this.#isCounting) return null;
    const address = item.countedAs;
    if (address === (this.#counted.get(item) ?? null)) return null;
    this.#uncount(item);
    if (this.#isFull(address, this.size - 1)) return "ADDRESS_OVERLOADED";
    this.#count(item, address);
    return null;
  }

  override remove(item: Item): void {
    super.remove(item);
    if (!this.#isCounting) return;
    this.#uncount(item);
    if (this.size > this.#crowd / 2) return;
    this.#isCounting = false;
    this.#counted.clear();
    this.#waiting.clear();
    this.#excess = 0;
  }

  /** An address has reached its limit, and there is no room for more; `others` already wait, including those of that address. */
  #isFull(address: string | null, others: number): boolean {
    if (address === null) return false;
    const waiting = this.#waiting.get(address) ?? 0;
    if (waiting < this.#maxPerAddress) return false;
    const excessOfOthers = this.#excess - (waiting - this.#maxPerAddress);
    return others - excessOfOthers >= this.#crowd;
  }

  #count(item: Item, address: string | null): void {
    if (address === null) return;
    const waiting = this.#waiting.get(address) ?? 0;
    if (waiting >= this.#maxPerAddress) this.#excess++;
    this.#waiting.set(address, waiting + 1);
    this.#counted.set(item, address);
  }

  #uncount(item: Item): void {
    const address = this.#counted.get(item);
    if (address === undefined) return;
    this.#counted.delete(item);
    const waiting = this.#waiting.get(address)! - 1;
    if (waiting >= this.#maxPerAddress) this.#excess--;
    if (waiting === 0) this.#waiting.delete(address);
    else this.#waiting.set(address, waiting);
  }
}
