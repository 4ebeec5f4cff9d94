// In:    --rounds N (3 by default), --part N (divides the number of connections; for trying it out), --out FILE (default
//        bench/results/growth.json).
// Out:   what one process holds for 1,000 to 50,000 open WebSockets and for 1,000 and 10,000 waiting connections, how fast it takes
//        the WebSockets and how long a client waits, beside node:http + ws; two processes beside one: tables, rows as JSON, a chart.
// Never: opens more connections than a process may have descriptors; such rows give that as their reason.

import { writeFileSync } from "node:fs";
import { drawChart } from "./gate/chart.js";
import { Client, contest, type Effort, type Entrant, heldByEach, OURS, SERVERS, THEIRS } from "./gate/contest.js";
import { HALF_A_HEAD, HANDSHAKE } from "./gate/octets.js";
import { report } from "./gate/report.js";
import { type Measured, type Row, rowsOf } from "./gate/row.js";
import { machine } from "./machine.js";
import { countOf, readOptions } from "./options.js";
import { quantile } from "./spread.js";

const { values } = readOptions({
  options: {
    rounds: { type: "string", default: "3" },
    part: { type: "string", default: "1" },
    out: { type: "string", default: "bench/results/growth.json" },
  },
});
const part = countOf("part", values.part);
const effort: Effort = { rounds: countOf("rounds", values.rounds), warmUp: 1, part };

const OPEN = [1000, 10_000, 50_000];
const WAITING = [1000, 10_000];
const TAKEN = 8000;
/** Files, pipes and what else a process has open besides its connections. */
const OTHER_DESCRIPTORS = 100;

interface Report {
  readonly userLimits?: { readonly open_files?: { readonly hard: number | string } };
}
const { hard } = (process.report.getReport() as Report).userLimits?.open_files ?? { hard: "unlimited" };
const descriptors = typeof hard === "number" ? hard : Number.POSITIVE_INFINITY;

const shown = (count: number): string => count.toLocaleString("en-US");

const missing = (reason: string): Measured[] => [THEIRS, OURS].map((name) => ({ name, samples: [], reason }));
const tooMany = `a process has ${shown(descriptors)} descriptors here`;

async function openWebSockets(count: number): Promise<Row[]> {
  const step = `${shown(count)} open WebSockets`;
  const units = ["octets of heap a WebSocket", "handshakes a second", "ms of the 99th of 100 handshakes"] as const;
  if (count + OTHER_DESCRIPTORS > descriptors) {
    return units.flatMap((unit) => rowsOf(step, unit, THEIRS, missing(tooMany)));
  }
  process.stderr.write(`${step}\n`);
  const taken = new Map<string, { perSecond: number[]; waits: number[] }>();
  for (const name of [THEIRS, OURS]) taken.set(name, { perSecond: [], waits: [] });
  const connections = Math.ceil(count / part);
  const held = await contest([THEIRS, OURS], { reason: "not asked" }, effort, async (client, contender) => {
    const { port } = contender;
    const order = { act: "open", port, octets: HANDSHAKE, count: connections, concurrency: 64, status: 101 } as const;
    const { octets, outcome } = await heldByEach(client, contender, order);
    const figures = taken.get(contender.name)!;
    figures.perSecond.push((1000 * connections) / outcome.milliseconds);
    figures.waits.push(
      quantile(
        [...outcome.waits].sort((a, b) => a - b),
        0.99,
      ),
    );
    return octets;
  });
  const also = (figure: "perSecond" | "waits"): Measured[] =>
    held.map(({ name }) => ({ name, samples: taken.get(name)![figure].slice(effort.warmUp) }));
  return [held, also("perSecond"), also("waits")].flatMap((some, i) => rowsOf(step, units[i]!, THEIRS, some));
}

async function waitingConnections(count: number): Promise<Row[]> {
  const step = `${shown(count)} waiting connections, each with half a head`;
  process.stderr.write(`${step}\n`);
  const connections = Math.ceil(count / part);
  const held = await contest([THEIRS, OURS], { reason: "not asked" }, effort, async (client, contender) => {
    const { port } = contender;
    const order = { act: "hold", port, octets: HALF_A_HEAD, count: connections, concurrency: 64, status: 0 } as const;
    return (await heldByEach(client, contender, order)).octets;
  });
  return rowsOf(step, "octets of heap a connection", THEIRS, held);
}

/** By how many processes; the clients take their share of the same processors. */
async function sharedPort(): Promise<Row[]> {
  process.stderr.write("two processes\n");
  const one: Entrant = { name: OURS, label: `${OURS}, one process`, servers: SERVERS };
  const two: Entrant = { name: OURS, label: `${OURS}, two processes`, servers: SERVERS, shared: true };
  const second = new Client();
  const connections = Math.ceil(TAKEN / part / 2);
  try {
    const taken = await contest([one, two], { reason: "not asked" }, effort, async (client, { port, label }) => {
      const order = {
        act: "upgrade",
        port,
        octets: HANDSHAKE,
        count: connections,
        concurrency: 64,
        status: 101,
      } as const;
      const took = await Promise.all([client, second].map((each) => each.obey(order, label)));
      return (1000 * 2 * connections) / Math.max(...took);
    });
    return rowsOf("processes that share a port", "handshakes a second", one.label, taken);
  } finally {
    await second.end();
  }
}

const rows: Row[] = [];
for (const count of OPEN) rows.push(...(await openWebSockets(count)));
for (const count of WAITING) rows.push(...(await waitingConnections(count)));
rows.push(...(await sharedPort()));
process.stdout.write(`${report(rows, [])}\n`);
const environment = {
  node: process.versions.node,
  ...machine(),
};
writeFileSync(values.out, `${JSON.stringify({ environment, rounds: effort.rounds, part, rows }, null, 2)}\n`);
const title = "Many connections in one process: medians and quartiles";
writeFileSync(values.out.replace(/(?:\.json)?$/, ".svg"), drawChart(rows, environment, title));
