// In:    B, with nothing of it or of the parsers in the processor's caches.
// Out:   rows: what the first request after other work costs.
// Never: uses Benchmark.js, which repeats a thing, and so warms it.

import type { Contender } from "./contender.js";
import { taskOf } from "./head.js";
import { handshake } from "./inputs.js";
import { takeTurns } from "./measure.js";
import { type Row, rowsOf } from "./row.js";
import type { Task } from "./stopwatch.js";

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

/** Of the contenders at L3. */
export async function compareCold(kernel: string, contenders: readonly Contender[], rounds: number): Promise<Row[]> {
  process.stderr.write(`cold caches, ${kernel} kernel: ${handshake.id}\n`);
  const entrants = contenders
    .filter(({ level }) => level === "L3")
    .map((contender) => ({ ...contender, timed: taskOf(contender, handshake) }));
  // Compiled code before cold data: only the caches are to be cold.
  for (const { timed } of entrants) {
    if (!("absent" in timed)) for (let i = 0; i < 200; i++) timed.run(100);
  }
  const all = await takeTurns(entrants, { rounds, warmUp: 0 }, timeOnce);
  return rowsOf({ step: "cold", kernel, input: handshake.id, bases: { L3: "headgate L3" } }, all);
}
