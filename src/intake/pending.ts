// In:    connections whose head is not whole.
// Out:   a call for each that has waited too long; of one more, whether there are too many, in all or of its address.
// Never: asks for an address while no address could have too many.

import { Deadlines, type Timed } from "../deadlines.js";

/** Why a connection may not wait. */
export type Overload = "OVERLOADED" | "ADDRESS_OVERLOADED";

export interface Pending extends Timed {
  /** The address that it counts to; null where nobody knows the client's. To ask may cost a system call, and memory. */
  readonly countedAs: string | null;
}

/**
 * Connections that wait for their heads, with equal deadlines. While all of them together are not more than one address
 * may have, no address is asked for. Then those that wait are asked, once, and from then on each that comes, until
 * half of them have gone: to ask them all again takes as many new ones.
 */
export class PendingHeads extends Deadlines<Pending> {
  readonly #most: number;
  readonly #mostPerAddress: number;
  #isCounting = false;
  /** What each connection is counted as: its socket does not know it any more when it is gone. */
  readonly #counted = new Map<Pending, string>();
  readonly #connections = new Map<string, number>();

  /** `most`: connections in all; `mostPerAddress`: of one address. */
  constructor(milliseconds: number, most: number, mostPerAddress: number) {
    super(milliseconds);
    this.#most = most;
    this.#mostPerAddress = mostPerAddress;
  }

  /** Begins a connection's time, or says why it may not wait. */
  admit(item: Pending): Overload | null {
    if (this.size >= this.#most) return "OVERLOADED";
    if (!this.#isCounting && this.size >= this.#mostPerAddress) {
      this.#isCounting = true;
      for (const waiting of this) this.#count(waiting);
    }
    if (this.#isCounting && !this.#count(item)) return "ADDRESS_OVERLOADED";
    this.add(item);
    return null;
  }

  /** Counts a connection that waits to the address that it has now, or says why it may wait no more. */
  recount(item: Pending): Overload | null {
    if (!this.#isCounting) return null;
    this.#uncount(item);
    return this.#count(item) ? null : "ADDRESS_OVERLOADED";
  }

  override remove(item: Pending): void {
    super.remove(item);
    if (!this.#isCounting) return;
    this.#uncount(item);
    if (this.size > this.#mostPerAddress / 2) return;
    this.#isCounting = false;
    this.#counted.clear();
    this.#connections.clear();
  }

  /** False where its address has as many as it may have. */
  #count(item: Pending): boolean {
    const address = item.countedAs;
    if (address === null) return true;
    const connections = this.#connections.get(address) ?? 0;
    if (connections >= this.#mostPerAddress) return false;
    this.#connections.set(address, connections + 1);
    this.#counted.set(item, address);
    return true;
  }

  #uncount(item: Pending): void {
    const address = this.#counted.get(item);
    if (address === undefined) return;
    this.#counted.delete(item);
    const connections = this.#connections.get(address)! - 1;
    if (connections === 0) this.#connections.delete(address);
    else this.#connections.set(address, connections);
  }
}
