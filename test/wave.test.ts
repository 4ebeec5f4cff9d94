// In:    ten thousand connections that send half a head and stop, twice; their client is a process of its own.
// Out:   whether all are refused in time, by a gate with its default limits, and nothing is left of them.
// Never: asks how fast they are opened: the deadline is as long as this machine needs.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import type { Order, Outcome } from "./support/crowd.js";
import { Starvation } from "./support/starvation.js";
import { skip, suite } from "./support/suite.js";
import { Client, streamPair } from "./support/tcp.js";

/** The default of `pendingHeads`: not one connection more has room. */
const CONNECTIONS = 10_000;
/** No address has more connections than the default of `pendingPerAddress`, so that the crowd refuses none. */
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
  #starvation: Starvation | undefined;
  readonly #headTimeout: number;
  readonly #adoptedAt = new Float64Array(CONNECTIONS);
  readonly #endedAt = new Float64Array(CONNECTIONS);
  #adopted = 0;
  #ended = 0;
  #others = 0;

  constructor(headTimeout: number) {
    this.#headTimeout = headTimeout;
    this.gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }], limits: { headTimeout } });
    this.gate.on("abandoned", ({ code }) => {
      this.#starvation?.look();
      if (code === "HEAD_TIMEOUT") this.#endedAt[this.#ended++] = performance.now();
      else this.#others++;
    });
    this.server = createServer((socket) => {
      this.#adoptedAt[this.#adopted++] = performance.now();
      this.gate.adopt(socket);
    });
  }

  async open(): Promise<number> {
    open.add(this.server);
    await once(this.server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }), "listening");
    return (this.server.address() as AddressInfo).port;
  }

  /** Begins to measure. */
  begin(): void {
    this.#adopted = this.#ended = this.#others = 0;
    this.#starvation = new Starvation();
  }

  /**
   * How early and how late the events of all connections were, without the time from deadline to event for which the process
   * got no processor. Equal deadlines fall due in order.
   */
  count(): { early: number; late: number; ended: number; others: number; starved: number } {
    const starvation = this.#starvation!;
    this.#starvation = undefined;
    starvation.stop();
    let [early, late] = [0, 0];
    for (let i = 0; i < this.#ended; i++) {
      const due = this.#adoptedAt[i]! + this.#headTimeout;
      const off = this.#endedAt[i]! - due;
      early = Math.max(early, -off);
      late = Math.max(late, off - starvation.between(due, this.#endedAt[i]!));
    }
    return { early, late, ended: this.#ended, others: this.#others, starved: starvation.worst(1000) };
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
  gate.adopt(far, { arrival: { remoteAddress: "192.0.2.1" } });
  const [response] = await new Client(near).all();
  return response!.statusCode;
}

/** One wave, from its first connection to its last one's end. */
async function roll(crowd: ChildProcess, shore: Shore, order: Order, headTimeout: number): Promise<Left> {
  shore.begin();
  const seen = await send(crowd, order, async () => {
    // The last ones may not be accepted yet.
    for (let i = 0; shore.gate.pendingHeads < CONNECTIONS && i < 1000; i++) await sleep(5);
    assert.is(shore.gate.pendingHeads, CONNECTIONS);
    assert.is(await statusOfOneMore(shore.gate), 503);
  });
  const { early, late, ended, others, starved } = shore.count();
  assert.equal([ended, others], [CONNECTIONS, 1]);
  assert.equal(seen.answers, { 408: CONNECTIONS });
  const clients = [headTimeout - seen.soonest, seen.latest - headTimeout];
  const milliseconds = [headTimeout, early, late, ...clients, starved + seen.starved].map((each) => each.toFixed(1));
  const [deadline, ...rest] = milliseconds;
  const shown = `of ${deadline} ms the gate was early by ${rest[0]}, late by ${rest[1]}; for clients by ${rest[2]} and ${rest[3]}; starved: ${rest[4]}`;
  console.log(`\nNOTE ${shown}`);
  assert.ok(early <= TOLERANCE && late <= TOLERANCE, shown);
  // Without a processor connections are accepted late, and clients read late.
  assert.ok(Math.max(...clients) <= TOLERANCE + starved + seen.starved, shown);
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
    // What was kept of a connection would be an object, and none has less than four words.
    assert.ok(second.heap - first.heap < 32 * CONNECTIONS, shown);
  });
