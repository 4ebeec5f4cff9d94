// In:    items.
// Out:   the same items, in order.
// Never: moves an item more than a constant number of times, however many wait.

/** Items that were taken out before the array is shortened. */
const FEW = 32;

/** A queue. `Array.shift` moves every item that is left, so that a queue of n items would cost n². */
export class Fifo<Item> {
  readonly #items: (Item | undefined)[] = [];
  /** Where the first item is. */
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  get first(): Item | undefined {
    return this.#items[this.#start];
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** Takes the first item out; undefined if there is none. */
  shift(): Item | undefined {
    const items = this.#items;
    if (this.#start === items.length) return undefined;
    const item = items[this.#start];
    items[this.#start++] = undefined;
    if (this.#start >= FEW && this.#start * 2 >= items.length) {
      items.copyWithin(0, this.#start);
      items.length -= this.#start;
      this.#start = 0;
    }
    return item;
  }

  clear(): void {
    this.#items.length = this.#start = 0;
  }
}
