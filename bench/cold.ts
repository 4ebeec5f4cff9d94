// In:    B, with nothing of it or of the parsers in the processor's caches.
// Out:   rows: what the first request behind other work costs.
// Never: uses Benchmark.js, which repeats a thing, and so warms it.

import type { Contender } from "./contender.js";
import { taskOf } from "./head.js";
import { handshake } from "./inputs.js";
import type { Task } from "./measure.js";
import { type Row, rowsOf } from "./row.js";

const OCTETS_OF_A_CACHE_LINE = 64;
/** More than the last cache of a core's cluster holds. */
const litter = new Uint8Array(64 * 1024 * 1024);

/** Fills the caches with other things. */
function litterCaches(): void {
  for (let i = 0; i < litter.length; i += OCTETS_OF_A_CACHE_LINE) litter[i]!++;
}

/** Nanoseconds of one cold request, the clock's own call included. */
function timeOnce(task: Task): number {
  litterCaches();
  performance.now();
  const begin = performance.now();
  task.run(1);
  return (performance.now() - begin) * 1e6;
}

/** The SIMD kernel alone: with cold caches little of it is computing. */
export function compareCold(kernel: string, contenders: readonly Contender[], rounds: number): Row[] {
  process.stderr.write(`cold caches, ${kernel} kernel: ${handshake.id}\n`);
  const entered = contenders.flatMap((contender) => {
    const task = contender.level === "L3" ? taskOf(contender, handshake) : null;
    return task === null ? [] : [{ ...contender, task }];
  });
  // Compiled code before cold data: only the caches are to be cold.
  for (const { task } of entered) for (let i = 0; i < 200; i++) task.run(100);
  const samples: number[][] = entered.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < entered.length; i++) {
      const turn = (i + round) % entered.length;
      samples[turn]!.push(timeOnce(entered[turn]!.task));
    }
  }
  const all = entered.map(({ name, level }, i) => ({ name, level, samples: samples[i]! }));
  return rowsOf({ step: "cold", kernel, input: handshake.id, base: "headgate L3" }, all);
}
