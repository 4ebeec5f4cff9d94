// In:    work on input of any size.
// Out:   whether it takes much longer on input of twice the size.
// Never: bounds a time, or counts time that the machine gave to others.

import * as assert from "uvu/assert";

/** Does the work once, on input that was made before. */
export type Work = () => unknown;

/** Milliseconds of processor time that a sample takes at least: far above what a clock or an interruption adds. */
const SAMPLE = 2;
/** Samples of each work in a round, taken in turn; the best one counts. */
const SAMPLES = 7;
/** Rounds until what still seems to grow does grow. */
const ROUNDS = 6;

class Stopwatch {
  readonly #work: Work;
  #repetitions = 1;

  constructor(work: Work) {
    this.#work = work;
  }

  /** Milliseconds of one run. */
  async sample(): Promise<number> {
    for (;;) {
      const start = process.cpuUsage();
      for (let i = 0; i < this.#repetitions; i++) {
        const done = this.#work();
        if (done instanceof Promise) await done;
      }
      const { user, system } = process.cpuUsage(start);
      const took = (user + system) / 1000;
      if (took >= SAMPLE) return took / this.#repetitions;
      this.#repetitions *= 2;
    }
  }
}

/** Asserts that each step from one work to the next one takes at most three times as long. */
async function assertSteps(name: string, works: readonly Work[]): Promise<void> {
  const watches = works.map((work) => new Stopwatch(work));
  let shown = "";
  for (let round = 0; round < ROUNDS; round++) {
    const best = works.map(() => Number.POSITIVE_INFINITY);
    for (let i = 0; i < SAMPLES; i++) {
      for (const [size, watch] of watches.entries()) best[size] = Math.min(best[size]!, await watch.sample());
    }
    if (best.every((time, size) => size === 0 || time <= 3 * best[size - 1]!)) return;
    shown = best.map((time) => `${time.toPrecision(3)} ms`).join(", ");
  }
  assert.unreachable(`${name}: ${shown}`);
}

/** Asserts that twice the octets take at most three times as long, from `least` to eight times as many. */
export function assertProportional(name: string, prepare: (octets: number) => Work, least = 1500): Promise<void> {
  return assertSteps(
    name,
    [1, 2, 4, 8].map((times) => prepare(times * least)),
  );
}

/** Asserts that `much` takes at most three times as long as `little`. */
export function assertFlat(name: string, little: Work, much: Work): Promise<void> {
  return assertSteps(name, [little, much]);
}
