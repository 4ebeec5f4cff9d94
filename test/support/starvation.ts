// In:    the scheduler's account of this process's main thread (Linux, /proc/self/schedstat).
// Out:   for how long it was ready to run and did not get a processor, between any two times.
// Never: counts time in which the process itself was busy.

import { readFileSync } from "node:fs";

/** Milliseconds between two looks; a busy process looks less often. */
const PACE = 10;

/** Milliseconds that the thread has waited for a processor so far. */
function waited(): number {
  return Number(readFileSync("/proc/self/schedstat", "latin1").split(" ")[1]) / 1e6;
}

export class Starvation {
  readonly #times: number[] = [];
  readonly #waits: number[] = [];
  readonly #timer = setInterval(() => this.look(), PACE).unref();

  constructor() {
    this.look();
  }

  /** To be called also where the process is busy, and its timers do not come. */
  look(): void {
    const now = performance.now();
    if (now < this.#times.at(-1)! + PACE / 2) return;
    this.#times.push(now);
    this.#waits.push(waited());
  }

  /** Milliseconds of starvation from `from` to `to`, in times of `performance.now()`; about a look too many. */
  between(from: number, to: number): number {
    return this.#at(to) - this.#at(from);
  }

  /** The most in any `milliseconds`. */
  worst(milliseconds: number): number {
    return Math.max(...this.#times.map((time) => this.between(time - milliseconds, time)));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What had been waited at the last look before a time. */
  #at(time: number): number {
    let [low, high] = [0, this.#times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#times[middle]! <= time) low = middle + 1;
      else high = middle;
    }
    return this.#waits[Math.max(0, low - 1)]!;
  }
}
