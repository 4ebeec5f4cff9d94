// In:    ten thousand connections that send half a head and stop, twice; their client is a process of its own.
// Out:   whether all are refused in time, by a gate with its default limits, and nothing is left of them.
// Never: asks how fast they are opened: the deadline is as long as this machine needs.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import { NO_LISTEN_SERVER } from "#src/vhost.js";
import type { Order, Outcome } from "./support/crowd.js";
import { skip, suite } from "./support/suite.js";
import { Client, streamPair } from "./support/tcp.js";

/** The defaults of `pendingHeads` and `pendingPerAddress`: not one connection more has room. */
const CONNECTIONS = 10_000;
const ADDRESSES = 100;
/** Slow enough that to open them, and to refuse them as fast, leaves the processor idle most of the time. */
const PER_SECOND = 2000;
const TOLERANCE = 200;

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  for (let i = 0; i < 4; i++) gc();
}

const descriptors = (): number => readdirSync("/proc/self/fd").length;

/** Why this machine has no room for a wave; null where it has. */
function cannotRun(): string | null {
  if (process.platform !== "linux")
    return "clients come from 127.0.0.1 to 127.0.0.100, which Linux alone gives unasked";
  const { userLimits } = process.report.getReport() as unknown as { userLimits: { open_files: { hard: unknown } } };
  const most = Number(userLimits.open_files.hard);
  // Node raises its own limit up to that.
  return most < CONNECTIONS + 200 ? `a process may have ${most} descriptors open, and ${CONNECTIONS} are needed` : null;
}

interface Left {
  readonly heap: number;
  readonly descriptors: number;
}

/** Servers that are open. */
const open = new Set<Server>();

/** A gate on a port, and what it does with each connection, in the order in which they came. */
class Shore {
  readonly gate: Gate;
  readonly server: Server;
  readonly #adoptedAt = new Float64Array(CONNECTIONS);
  readonly #endedAt = new Float64Array(CONNECTIONS);
  #adopted = 0;
  #ended = 0;
  #others = 0;

  constructor(headTimeout: number) {
    this.gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }], limits: { headTimeout } });
    this.gate.on("abandoned", ({ code }) => {
      if (code === "HEAD_TIMEOUT") this.#endedAt[this.#ended++] = performance.now();
      else this.#others++;
    });
    this.server = createServer((socket) => {
      this.#adoptedAt[this.#adopted++] = performance.now();
      void this.gate.adopt(socket);
    });
  }

  async open(): Promise<number> {
    open.add(this.server);
    await once(this.server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }), "listening");
    return (this.server.address() as AddressInfo).port;
  }

  /** The shortest and the longest time from adoption to the event; equal times fall due in order. */
  times(): { soonest: number; latest: number; ended: number; others: number } {
    let [soonest, latest] = [Number.POSITIVE_INFINITY, 0];
    for (let i = 0; i < this.#ended; i++) {
      const took = this.#endedAt[i]! - this.#adoptedAt[i]!;
      soonest = Math.min(soonest, took);
      latest = Math.max(latest, took);
    }
    const [ended, others] = [this.#ended, this.#others];
    this.#adopted = this.#ended = this.#others = 0;
    return { soonest, latest, ended, others };
  }

  /** Waits until no connection is left; then what the process still has. */
  async left(): Promise<Left> {
    while ((await connectionsOf(this.server)) > 0) await sleep(20);
    await sleep(100);
    collectGarbage();
    return { heap: process.memoryUsage().heapUsed, descriptors: descriptors() };
  }
}

const connectionsOf = (server: Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));

/** What the crowd says next. */
async function said(crowd: ChildProcess): Promise<unknown> {
  const [message] = await once(crowd, "message", { signal: AbortSignal.timeout(120_000) });
  return message;
}

/** Sends a crowd; `whenOpen` runs when all of it is connected. */
async function send(crowd: ChildProcess, order: Order, whenOpen: () => unknown): Promise<Outcome> {
  crowd.send(order);
  assert.is(await said(crowd), "open");
  const outcome = said(crowd);
  await whenOpen();
  return (await outcome) as Outcome;
}

/** What is answered to a connection from another address. */
async function statusOfOneMore(gate: Gate): Promise<number> {
  const [near, far] = streamPair();
  void gate.adopt(far, { arrival: { remoteAddress: "192.0.2.1" } });
  const [response] = await new Client(near).all();
  return response!.statusCode;
}

/** One wave, from its first connection to its last one's end. */
async function roll(crowd: ChildProcess, shore: Shore, order: Order, headTimeout: number): Promise<Left> {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const seen = await send(crowd, order, async () => {
    // The last ones may not be accepted yet.
    for (let i = 0; shore.gate.pendingHeads < CONNECTIONS && i < 1000; i++) await sleep(5);
    assert.is(shore.gate.pendingHeads, CONNECTIONS);
    assert.is(await statusOfOneMore(shore.gate), 503);
  });
  const { soonest, latest, ended, others } = shore.times();
  assert.equal([ended, others], [CONNECTIONS, 1]);
  assert.equal(seen.answers, { 408: CONNECTIONS });
  const [server, client] = [
    [soonest, latest],
    [seen.soonest, seen.latest],
  ].map((times) => times.map((time) => (time - headTimeout).toFixed(1)).join(" to "));
  // Where a process does not get the processor, connections are accepted late, and clients read late.
  const lateness = seen.lateness + delay.max / 1e6;
  delay.disable();
  const shown = `of ${headTimeout} ms the gate was off by ${server}, as clients saw it by ${client}; processes were late by ${lateness.toFixed(1)}`;
  console.log(`\nNOTE ${shown}`);
  const isInTime = (time: number, tolerance: number): boolean => Math.abs(time - headTimeout) <= tolerance;
  assert.ok(isInTime(soonest, TOLERANCE) && isInTime(latest, TOLERANCE), shown);
  const tolerance = TOLERANCE + lateness;
  assert.ok(isInTime(seen.soonest, tolerance) && isInTime(seen.latest, tolerance), shown);
  return shore.left();
}

const test = suite("wave");
const reason = cannotRun();
let crowd: ChildProcess;
test.before(() => {
  crowd = fork("dist/test/support/crowd.js");
});
test.after(() => {
  crowd.kill();
  for (const server of open) server.close();
});

if (reason !== null) skip("wave", reason);
else
  test("ten thousand half heads are answered 408 in time, and again, and leave nothing", async () => {
    // A small wave first: it warms both processes up, and says how fast they are.
    const trial = new Shore(1000);
    const small = { port: await trial.open(), connections: 500, addresses: ADDRESSES, perSecond: PER_SECOND };
    const { opening } = await send(crowd, small, () => {});
    await trial.left();

    const headTimeout = Math.max(10_000, Math.ceil((2.5 * opening * CONNECTIONS) / small.connections));
    const shore = new Shore(headTimeout);
    const order = { ...small, port: await shore.open(), connections: CONNECTIONS };
    const first = await roll(crowd, shore, order, headTimeout);
    const second = await roll(crowd, shore, order, headTimeout);
    const shown = `${first.heap} and ${second.heap} octets of heap, ${first.descriptors} and ${second.descriptors} descriptors`;
    console.log(`\nNOTE ${shown}`);
    assert.ok(second.descriptors <= first.descriptors, shown);
    // Less than one word for each connection.
    assert.ok(second.heap - first.heap < 8 * CONNECTIONS, shown);
  });
