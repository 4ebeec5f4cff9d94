// In:    a balancer before gates, how many clients there are, what is to happen to which gate.
// Out:   the same for every balancer: what a gate's death costs, and that a drain and a replacement cost nothing.
// Never: forgives a request that failed anywhere but on the gate that was killed.

import * as assert from "uvu/assert";
import { Load } from "./load.js";
import type { Fleet } from "./scale.js";
import type { Counts, Failure } from "./scale-clients.js";
import { until } from "./until.js";

interface Drill {
  readonly killed: string;
  readonly drained: string;
  /** Which of them is first: the other one has all of the clients for a while, where there are two. */
  readonly first: "kill" | "drain";
  /** Half of them WebSockets. */
  readonly connections: number;
  /** The gate that a failed request was on; by default the one that has answered its connection before. */
  readonly gateOf?: (failure: Failure) => string | null;
  /** The balancer sends what a killed gate has not answered to another one, unless it is a POST. */
  readonly repeats: boolean;
}

/** Requests that take a second, of the connections that are not WebSockets. */
const SLOW = 0.1;

export async function drill(fleet: Fleet, order: Drill): Promise<void> {
  const { killed, drained, first, connections, repeats, gateOf = ({ process }) => process } = order;
  const webSockets = Math.floor(connections / 2);
  const slow = Math.ceil((connections - webSockets) * SLOW);
  const visitors = connections - webSockets - slow;
  const load = await Load.begin({ port: fleet.port, ca: fleet.ca, visitors, slow, webSockets, pace: PACE });
  let counts = await load.count();
  /** Until all that were open on a gate have ended in this way, and every client has a WebSocket again. */
  const settle = (end: string, on: number): Promise<void> =>
    until(
      async () => {
        counts = await load.count();
        return counts.closed[end] === on && counts.open === webSockets;
      },
      () => `${on} WebSockets end as ${end}, and are opened again: ${words(counts)}`,
    );
  assert.is(counts.open, webSockets);
  assert.equal(counts.failures, []);

  const kill = async (): Promise<void> => {
    const on = openOn(counts, killed);
    await fleet.kill(killed);
    await settle(`${killed} 1006`, on);
  };
  const replace = async (): Promise<void> => {
    const on = openOn(counts, drained);
    const ended = await fleet.drain(drained);
    assert.is(ended.cut, 0);
    await settle(`${drained} 1001`, on);
    await fleet.open(drained);
    // It has the fewest connections, so that the next client is its own as soon as the balancer knows it.
    await until(async () => (await fleet.ask()) === drained, `the new ${drained} is asked`);
  };
  for (const step of first === "kill" ? [kill, replace] : [replace, kill]) {
    await step();
    counts = await load.count();
  }

  counts = await load.stop();
  console.log(`\nNOTE ${connections} connections: ${words(counts)}`);
  assert.equal(
    counts.failures.filter((failure) => gateOf(failure) !== killed),
    [],
  );
  if (repeats)
    assert.ok(
      counts.failures.every(({ method }) => method === "POST"),
      words(counts),
    );
  assert.equal(counts.refused, []);
  // Each WebSocket was lost with its gate, closed by a drain, or closed by its client in the end.
  assert.is(sum(counts.closed), sum(counts.opened));
  const ends = new Set(Object.keys(counts.closed).filter((end) => !end.endsWith(" 1000")));
  assert.equal([...ends].sort(), [`${drained} 1001`, `${killed} 1006`].sort());
  assert.equal(counts.seen, ["127.0.0.2 https"]);
}

/** Milliseconds. Shorter than the time over which a drain closes: then it can inform each client with a response. */
const PACE = 1500;

const sum = (table: Readonly<Record<string, number>>): number => Object.values(table).reduce((a, b) => a + b, 0);

/** Open WebSockets of a gate. */
function openOn({ opened, closed }: Counts, name: string): number {
  const ends = Object.entries(closed).filter(([end]) => end.startsWith(`${name} `));
  return (opened[name] ?? 0) - ends.reduce((total, [, each]) => total + each, 0);
}

function words({ responses, failures, opened, closed, echoes, refused }: Counts): string {
  const lost = failures.map(({ method, process, outcome }) => `${method} on ${process}: ${outcome}`);
  const table = JSON.stringify({ responses, opened, closed }).replaceAll('"', "");
  return `${sum(responses)} responses, ${failures.length} failed (${[...new Set(lost)].join(", ")}), ${echoes} echoes, ${refused.length} upgrades refused; ${table}`;
}
