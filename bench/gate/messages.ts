// In:    a server that headgate hands its upgrades to ws, and one that ws has alone.
// Out:   rows: messages a second that come back to the client, and microseconds of the server's processor time for each.
// Never: counts the opening handshakes' time for more than their share; there are few.

import { BUN, type BunPath, contest, type Effort, OURS, THEIRS } from "./contest.js";
import { type Row, rowsOf } from "./row.js";

const MESSAGES = 64_000;

export async function compareMessages(bun: BunPath, effort: Effort): Promise<Row[]> {
  const times = new Map<string, number[]>();
  const measured = await contest([THEIRS, OURS, BUN], bun, effort, async (client, contender) => {
    const count = Math.ceil(MESSAGES / effort.part);
    const order = { act: "echo", port: contender.port, octets: "", count, concurrency: 32, status: 101 } as const;
    const before = await contender.usage();
    const milliseconds = await client.obey(order, contender.name);
    times.set(contender.name, [...(times.get(contender.name) ?? []), milliseconds]);
    return ((await contender.usage()) - before) / count;
  });
  const perSecond = measured.map((one) => ({
    ...one,
    samples: (times.get(one.name) ?? []).slice(effort.warmUp).map((ms) => (1000 * MESSAGES) / effort.part / ms),
  }));
  return [
    ...rowsOf("messages", "µs of processor time a message", THEIRS, measured),
    ...rowsOf("messages", "messages a second, client included", THEIRS, perSecond),
  ];
}
