// In:    values, each for a network of addresses.
// Out:   the value of the smallest network that contains an address.
// Never: takes longer for more networks, only for more different prefix lengths.

import { type Address, type Network, prefixOf } from "./ip-address.js";

/** The values of all networks whose prefixes have one length. */
interface OfLength<Value> {
  /** 2 for IPv4, 8 for IPv6. */
  readonly pieces: number;
  readonly length: number;
  readonly values: Map<string, Value>;
}

export class NetworkTable<Value> {
  /** The longest first. */
  readonly #lengths: OfLength<Value>[] = [];

  /** The value of exactly that network. */
  get({ address, length }: Network): Value | undefined {
    return this.#ofLength(address.length, length)?.values.get(keyOf(address, length));
  }

  set({ address, length }: Network, value: Value): void {
    let known = this.#ofLength(address.length, length);
    if (known === undefined) {
      known = { pieces: address.length, length, values: new Map() };
      this.#lengths.push(known);
      this.#lengths.sort((one, other) => other.length - one.length);
    }
    known.values.set(keyOf(address, length), value);
  }

  find(address: Address): Value | undefined {
    for (const { pieces, length, values } of this.#lengths) {
      const found = pieces === address.length ? values.get(keyOf(address, length)) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #ofLength(pieces: number, length: number): OfLength<Value> | undefined {
    return this.#lengths.find((each) => each.pieces === pieces && each.length === length);
  }
}

/** A prefix as text, one character per piece: the fastest key for a Map. */
function keyOf(address: Address, length: number): string {
  return String.fromCharCode(...prefixOf(address, length));
}
