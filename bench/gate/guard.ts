// In:    a small application on an http.Server: as it is, guarded, and strictly guarded.
// Out:   rows: microseconds of processor time of the whole server process for each request of a kept-alive connection.
// Never: sends a request that is refused, or one that is no realistic page's.

import { type BunPath, contest, type Effort, processorTime } from "./contest.js";
import { REQUEST } from "./octets.js";
import { type Row, rowsOf } from "./row.js";

const REQUESTS = 9600;

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
  const measured = await contest(names, bun, effort, processorTime(order));
  return rowsOf("guard", "µs of processor time a request", "unguarded", measured);
}
