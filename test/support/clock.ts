// In:    milliseconds by which a test advances time.
// Out:   a clock for this process: `performance.now`, and the timers of `setTimeout` that are due.
// Never: advances by itself.

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

export class Clock {
  #now = Math.ceil(performance.now());
  readonly #timers = new Map<object, Timer>();
  readonly #given = { now: performance.now, setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };

  /** From now on this process has this clock; `remove` gives it back its own. */
  install(): void {
    performance.now = () => this.#now;
    const set = (run: () => void, milliseconds = 0): object => {
      const timer = { ref: () => timer, unref: () => timer };
      this.#timers.set(timer, { at: this.#now + milliseconds, run });
      return timer;
    };
    globalThis.setTimeout = set as never;
    globalThis.clearTimeout = ((timer: object) => void this.#timers.delete(timer)) as never;
  }

  remove(): void {
    performance.now = this.#given.now;
    Object.assign(globalThis, { setTimeout: this.#given.setTimeout, clearTimeout: this.#given.clearTimeout });
  }

  /** Timers run in order, each at its time. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at);
      const [first] = due;
      if (first === undefined) break;
      this.#timers.delete(first[0]);
      this.#now = Math.max(this.#now, first[1].at);
      first[1].run();
    }
    this.#now = end;
  }
}
