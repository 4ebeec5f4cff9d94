// In:    items, each from the moment it is added.
// Out:   a call for each item that was not removed in time.
// Never: has more than one timer, or makes an object per item.

/** An item that may have a deadline, in one list at a time; only that list writes the first four members. */
export interface Timed {
  /** When it is due: integer milliseconds of `performance.now()`. */
  due: number;
  /** The `Deadlines` that it is in; null while it has no deadline. */
  list: object | null;
  /** Its neighbours in the order of due times. */
  previous: Timed | null;
  next: Timed | null;
  /** Its time is up; it no longer has a deadline. */
  expire(): void;
}

/** Equal deadlines for many items: they are due in the order in which they were added. */
export class Deadlines<Item extends Timed = Timed> {
  readonly #milliseconds: number;
  /** The sentinel after the last item and before the first. */
  readonly #ends: Timed & { previous: Timed; next: Timed };
  #size = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Called when the last item has been removed. */
  whenEmpty: (() => void) | null = null;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
    const ends: Timed = { due: 0, list: null, previous: null, next: null, expire() {} };
    this.#ends = Object.assign(ends, { previous: ends, next: ends });
  }

  get size(): number {
    return this.#size;
  }

  has(item: Item): boolean {
    return item.list === this;
  }

  /** Milliseconds since the item was added; 0 for one that is not in the list. */
  waited(item: Item): number {
    return item.list === this ? Math.max(0, performance.now() + this.#milliseconds - item.due) : 0;
  }

  /** In the order of due times. */
  *[Symbol.iterator](): Generator<Item> {
    for (let item = this.#ends.next; item !== this.#ends; item = item.next!) yield item as Item;
  }

  /** Starts an item's time, or restarts it. An item of another list is a bug in headgate, and throws. */
  add(item: Item): void {
    if (item.list !== null && item.list !== this) throw new Error("an item has one deadline at a time");
    this.#unlink(item);
    const ends = this.#ends;
    item.list = this;
    item.due = Math.ceil(performance.now() + this.#milliseconds);
    item.previous = ends.previous;
    item.next = ends;
    ends.previous = ends.previous.next = item;
    if (this.#size++ > 0) return;
    // A timer left by removed items is good enough for this one: at worst it finds nothing due, and is set again.
    if (this.#timer === undefined) this.#arm(this.#milliseconds);
    else this.#timer.ref();
  }

  remove(item: Item): void {
    this.#unlink(item);
  }

  #unlink(item: Timed): void {
    if (item.list !== this) return;
    const { previous, next } = item;
    previous!.next = next;
    next!.previous = previous;
    item.list = item.previous = item.next = null;
    if (--this.#size > 0) return;
    this.#timer?.unref();
    this.whenEmpty?.();
  }

  readonly #sweep = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    try {
      for (let first = this.#ends.next; first !== this.#ends && first.due <= now; first = this.#ends.next) {
        this.remove(first as Item);
        first.expire();
      }
    } finally {
      // Also where an item has thrown: the others have deadlines.
      if (this.#size > 0) this.#arm(this.#ends.next.due - now);
    }
  };

  #arm(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#sweep, milliseconds);
  }
}
