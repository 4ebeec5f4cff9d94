// In:    a task of this process.
// Out:   nanoseconds per request, as Benchmark.js measures them; one sample of it is one measurement.
// Never: takes a figure for work that added another sum than the rehearsed one.

import Benchmark from "benchmark";
import type { Prepared } from "./contender.js";
import type { Timed } from "./measure.js";

export interface Task extends Prepared {
  readonly name: string;
  /** `run` takes multiples of this: the buffers of its input. */
  readonly pass: number;
  /** What one pass adds to the sink; timed work must add the same. */
  readonly passSum: number;
  /** Requests in one pass. */
  readonly requests: number;
}

export class Stopwatch implements Timed {
  readonly #task: Task;
  /** Calls of `run` that Benchmark.js begins with; nearly always enough, so that its first cycle is its last. */
  #calls = 1;
  /** The argument of `run`, in passes; 0 until it was found. */
  #passes = 0;

  constructor(task: Task) {
    this.#task = task;
  }

  #millisecondsOfACall(): number {
    const begin = performance.now();
    this.#task.run(this.#passes * this.#task.pass);
    return performance.now() - begin;
  }

  /** Makes a call enough work that what Benchmark.js spends on each does not show. */
  #findPasses(milliseconds: number): void {
    const least = Math.min(0.2, milliseconds / 10);
    this.#passes = 1;
    while (this.#millisecondsOfACall() < least) this.#passes *= 2;
  }

  time(milliseconds: number): number {
    if (this.#passes === 0) this.#findPasses(milliseconds);
    const task = this.#task;
    const seconds = milliseconds / 1000;
    const times = this.#passes * task.pass;
    let calls = 0;
    task.sink.sum = 0;
    const benchmark = new Benchmark({
      fn: () => {
        task.run(times);
        calls++;
      },
      initCount: this.#calls,
      minTime: seconds,
      minSamples: 1,
      maxTime: 0,
    });
    benchmark.run();
    if (benchmark.error !== undefined) throw benchmark.error;
    const right = calls * this.#passes * task.passSum;
    if (task.sink.sum !== right) throw new Error(`${task.name}: the sum is ${task.sink.sum}, not ${right}`);
    const period = benchmark.stats.mean;
    this.#calls = Math.ceil((1.15 * seconds) / period);
    return (period * 1e9) / (this.#passes * task.requests);
  }
}
