// In:    items, each from the moment it is added.
// Out:   a call for each item that was not removed in time.
// Never: more than one timer, however many items there are.

/** Equal deadlines for many items: they fall due in the order in which they were added. */
export class Deadlines<Item> {
  readonly #milliseconds: number;
  readonly #expire: (item: Item) => void;
  /** When each item falls due, by `performance.now()`; a Map keeps the order. */
  readonly #due = new Map<Item, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(milliseconds: number, expire: (item: Item) => void) {
    this.#milliseconds = milliseconds;
    this.#expire = expire;
  }

  get size(): number {
    return this.#due.size;
  }

  has(item: Item): boolean {
    return this.#due.has(item);
  }

  /** Begins an item's time; begins it anew where it had begun. */
  add(item: Item): void {
    this.#due.delete(item);
    this.#due.set(item, performance.now() + this.#milliseconds);
    if (this.#timer === undefined) this.#arm(this.#milliseconds);
  }

  remove(item: Item): void {
    this.#due.delete(item);
    if (this.#due.size > 0 || this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #sweep = (): void => {
    const now = performance.now();
    for (const [item, due] of this.#due) {
      if (due > now) {
        this.#arm(due - now);
        return;
      }
      this.#due.delete(item);
      this.#expire(item);
    }
    this.#timer = undefined;
  };

  #arm(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#sweep, milliseconds);
  }
}
