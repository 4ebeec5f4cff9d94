// In:    items, each from the moment it is added.
// Out:   a call for each item that was not removed in time.
// Never: more than one timer, or an object for an item, however many items there are.

/** An item that may have a deadline, in one `Deadlines` at a time, which alone writes the first three members. */
export interface Timed {
  /** When it falls due: whole milliseconds of `performance.now()`. */
  due: number;
  /** Its neighbours in the order of falling due; null while it has no deadline. */
  before: Timed | null;
  behind: Timed | null;
  /** Its time is over; it has no deadline any more. */
  expire(): void;
}

/** Equal deadlines for many items: they fall due in the order in which they were added. */
export class Deadlines<Item extends Timed = Timed> {
  readonly #milliseconds: number;
  /** Stands behind the last item and before the first. */
  readonly #ends: Timed & { before: Timed; behind: Timed };
  #size = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
    const ends: Timed = { due: 0, before: null, behind: null, expire() {} };
    this.#ends = Object.assign(ends, { before: ends, behind: ends });
  }

  get size(): number {
    return this.#size;
  }

  has(item: Item): boolean {
    return item.behind !== null;
  }

  /** In the order of falling due. */
  *[Symbol.iterator](): Generator<Item> {
    for (let item = this.#ends.behind; item !== this.#ends; item = item.behind!) yield item as Item;
  }

  /** Begins an item's time; begins it anew where it had begun. */
  add(item: Item): void {
    this.#unlink(item);
    const ends = this.#ends;
    item.due = Math.ceil(performance.now() + this.#milliseconds);
    item.before = ends.before;
    item.behind = ends;
    ends.before = ends.before.behind = item;
    if (this.#size++ > 0) return;
    // The timer of items that are gone does for this one: at worst it finds nothing due, and is set again.
    if (this.#timer === undefined) this.#arm(this.#milliseconds);
    else this.#timer.ref();
  }

  remove(item: Item): void {
    this.#unlink(item);
  }

  #unlink(item: Timed): void {
    const { before, behind } = item;
    if (before === null || behind === null) return;
    before.behind = behind;
    behind.before = before;
    item.before = item.behind = null;
    if (--this.#size === 0) this.#timer?.unref();
  }

  readonly #sweep = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (let first = this.#ends.behind; first !== this.#ends; first = this.#ends.behind) {
      if (first.due > now) {
        this.#arm(first.due - now);
        return;
      }
      this.remove(first as Item);
      first.expire();
    }
  };

  #arm(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#sweep, milliseconds);
  }
}
