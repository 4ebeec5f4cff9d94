// In:    durations.
// Out:   how many fell between which bounds, and their sum.
// Never: keeps a duration.

/** Milliseconds; Prometheus's default buckets, with one for what takes no time. */
const BOUNDS: readonly number[] = Object.freeze([1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]);

/** Durations so far. */
export interface GateDurations {
  /** Upper bounds in milliseconds, inclusive, in ascending order. */
  readonly bounds: readonly number[];
  /** How many are within each bound and beyond the previous one; the last number, one more than there are bounds, is of those beyond all. */
  readonly counts: readonly number[];
  readonly count: number;
  /** Milliseconds. */
  readonly sum: number;
}

export class Histogram {
  readonly #counts: number[] = [...BOUNDS, 0].fill(0);
  #count = 0;
  #sum = 0;

  add(milliseconds: number): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && milliseconds > BOUNDS[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#count++;
    this.#sum += milliseconds;
  }

  get snapshot(): GateDurations {
    return { bounds: BOUNDS, counts: [...this.#counts], count: this.#count, sum: this.#sum };
  }
}
