// In:    a server that headgate hands its upgrades to ws, and one that ws has alone.
// Out:   microseconds of the server's processor time for each message, and messages a second that come back to the client.
// Never: counts the opening handshakes' time for more than their share; there are few.

import { type Act, BUN, type BunPath, contest, type Effort, OURS, processorTime, THEIRS } from "./contest.js";
import { type Row, rowsOf } from "./row.js";
import type { Trial } from "./trial.js";

const MESSAGES = 64_000;

/** `took` is told the milliseconds of each round, by the server's name. */
function echo(part: number, took?: (name: string, milliseconds: number) => void): Act {
  const count = Math.ceil(MESSAGES / part);
  return processorTime((port) => ({ act: "echo", port, octets: "", count, concurrency: 32, status: 101 }), took);
}

export const messages: Trial = {
  step: "messages",
  unit: "µs of processor time a message",
  servers: [THEIRS, OURS, BUN],
  base: THEIRS,
  act: echo,
};

export async function compareMessages(bun: BunPath, effort: Effort): Promise<Row[]> {
  const { step, unit, servers, base } = messages;
  const times = new Map<string, number[]>(servers.map((name) => [name, []]));
  const act = echo(effort.part, (name, milliseconds) => times.get(name)!.push(milliseconds));
  const measured = await contest(servers, bun, effort, act);
  const perSecond = measured.map((one) => ({
    ...one,
    samples: times
      .get(one.name)!
      .slice(effort.warmUp)
      .map((ms) => (1000 * MESSAGES) / effort.part / ms),
  }));
  return [
    ...rowsOf(step, unit, base, measured),
    ...rowsOf(step, "messages a second, client included", base, perSecond),
  ];
}
