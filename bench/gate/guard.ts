// In:    a small application on an http.Server: as it is, guarded, and strictly guarded.
// Out:   rows: microseconds of processor time of the whole server process for each request of a kept-alive connection.
// Never: sends a request that is refused, or one that is no realistic page's.

import { type BunPath, contest, type Effort, processorTime } from "./contest.js";
import { REQUEST } from "./octets.js";
import { type Row, rowsOf } from "./row.js";

const REQUESTS = 4800;
/** Two processes of one program differ by some hundredths, for as long as they run; so each contender has several. */
const PROCESSES = 5;

export async function compareGuards(bun: BunPath, effort: Effort): Promise<Row[]> {
  const order = (port: number) =>
    ({
      act: "requests",
      port,
      octets: REQUEST,
      count: Math.ceil(REQUESTS / effort.part),
      concurrency: 32,
      status: 200,
    }) as const;
  const names = ["unguarded", "headgate guard", "headgate guard, strict"];
  const samples = new Map(names.map((name) => [name, [] as number[]]));
  const rounds = Math.ceil(effort.rounds / PROCESSES);
  for (let i = 0; i < Math.min(PROCESSES, effort.rounds); i++) {
    const measured = await contest(names, bun, { ...effort, rounds }, processorTime(order));
    for (const one of measured) samples.get(one.name)!.push(...one.samples);
  }
  const measured = names.map((name) => ({ name, samples: samples.get(name)! }));
  return rowsOf("guard", "µs of processor time a request", "unguarded", measured);
}
