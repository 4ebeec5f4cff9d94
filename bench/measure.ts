// In:    tasks, and how many rounds of how many milliseconds.
// Out:   nanoseconds per request of each task in each round.
// Never: compares tasks; report.ts does, round by round.

import Benchmark from "benchmark";
import type { Prepared } from "./contender.js";

export interface Task extends Prepared {
  readonly name: string;
  /** `run` takes multiples of this: the buffers of its input. */
  readonly pass: number;
  /** What one pass adds to the sink; timed work must add the same. */
  readonly passSum: number;
  /** Requests in one pass. */
  readonly requests: number;
}

export interface Timing {
  readonly rounds: number;
  /** Of one measurement: one task in one round. */
  readonly milliseconds: number;
  /** Rounds before those, whose figures are dropped: engines compile in steps. */
  readonly warmUp: number;
}

/**
 * Every task once a round, in an order that turns by one each round: a processor's speed varies, and tasks of
 * one round stand close enough together to be compared. Benchmark.js measures; one sample of it is one measurement.
 */
export function measure(tasks: readonly Task[], timing: Timing): number[][] {
  const stopwatches = tasks.map((task) => new Stopwatch(task, timing.milliseconds));
  const samples: number[][] = tasks.map(() => []);
  for (let round = -timing.warmUp; round < timing.rounds; round++) {
    for (let i = 0; i < tasks.length; i++) {
      const turn = (i + round + timing.warmUp) % tasks.length;
      const sample = stopwatches[turn]!.measure();
      if (round >= 0) samples[turn]!.push(sample);
    }
  }
  return samples;
}

class Stopwatch {
  readonly #task: Task;
  readonly #seconds: number;
  /** Calls of `run` that Benchmark.js begins with; nearly always enough, so that its first cycle is its last. */
  #calls = 1;
  /** The argument of `run`, in passes: enough work that what Benchmark.js spends on each call does not show. */
  #passes = 1;

  constructor(task: Task, milliseconds: number) {
    this.#task = task;
    this.#seconds = milliseconds / 1000;
    const least = Math.min(0.2, milliseconds / 10);
    while (this.#millisecondsOfACall() < least) this.#passes *= 2;
  }

  #millisecondsOfACall(): number {
    const begin = performance.now();
    this.#task.run(this.#passes * this.#task.pass);
    return performance.now() - begin;
  }

  measure(): number {
    const task = this.#task;
    const times = this.#passes * task.pass;
    let calls = 0;
    task.sink.sum = 0;
    const benchmark = new Benchmark({
      fn: () => {
        task.run(times);
        calls++;
      },
      initCount: this.#calls,
      minTime: this.#seconds,
      minSamples: 1,
      maxTime: 0,
    });
    benchmark.run();
    if (benchmark.error !== undefined) throw benchmark.error;
    const right = calls * this.#passes * task.passSum;
    if (task.sink.sum !== right) throw new Error(`${task.name}: the sum is ${task.sink.sum}, not ${right}`);
    const period = benchmark.stats.mean;
    this.#calls = Math.ceil((1.15 * this.#seconds) / period);
    return (period * 1e9) / (this.#passes * task.requests);
  }
}
