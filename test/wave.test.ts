// In:    ten thousand connections that send half a head and stop, twice; their client is a process of its own.
// Out:   whether all are refused in time, by a gate with its default limits, and nothing is left of them.
// Never: asks how fast they are opened: the deadline is as long as this machine needs.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import type { Order, Outcome } from "./support/crowd.js";
import { memoryHeld } from "./support/heap.js";
import { suite } from "./support/suite.js";
import { Client, streamPair } from "./support/tcp.js";
import { turn, until } from "./support/until.js";

/** The default of `pendingHeads`: not one connection more has room. */
const CONNECTIONS = 10_000;
/** No address has more connections than the default of `pendingPerAddress`, so that the crowd refuses none. */
const ADDRESSES = 100;
const PER_SECOND = 4000;
/** Milliseconds by which an end may miss its deadline. */
const TOLERANCE = 200;

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
  readonly #due = new Float64Array(CONNECTIONS);
  #adopted = 0;
  #ended = 0;
  #early = 0;
  #judged = 0;
  #late = 0;
  #others = 0;

  constructor(headTimeout: number) {
    this.gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }], limits: { headTimeout } });
    this.gate.on("abandoned", ({ code }) => {
      if (code !== "HEAD_TIMEOUT") this.#others++;
      else this.#early = Math.max(this.#early, this.#due[this.#ended++]! - performance.now());
    });
    this.server = createServer((socket) => {
      const index = this.#adopted++;
      this.#due[index] = performance.now() + headTimeout;
      this.gate.adopt(socket);
      this.#await(index, socket);
    });
  }

  async open(): Promise<number> {
    open.add(this.server);
    await once(this.server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }), "listening");
    return (this.server.address() as AddressInfo).port;
  }

  /** Begins to count. */
  begin(): void {
    this.#adopted = this.#ended = this.#early = this.#judged = this.#late = this.#others = 0;
  }

  /** Waits until a connection should have ended; timers count from when the event loop last read the clock. */
  #await(index: number, socket: Socket): void {
    const left = this.#due[index]! + TOLERANCE - performance.now();
    if (left > 0) setTimeout(() => this.#await(index, socket), left);
    // However late this process gets to its timers: in the next turn it gets to all that are due by now.
    else
      void turn()
        .then(turn)
        .then(() => this.#judge(index, socket));
  }

  /** Equal deadlines fall due in order: by now this connection has ended, and its response is on its way. */
  #judge(index: number, { bytesWritten }: Socket): void {
    this.#judged++;
    if (this.#ended <= index || bytesWritten === 0) this.#late++;
  }

  /** Waits until all have had their time; the most milliseconds by which one ended early, and what became of them. */
  async count(): Promise<{ early: number; late: number; ended: number; others: number }> {
    await until(() => this.#judged === this.#adopted, "the time of all is over");
    return { early: this.#early, late: this.#late, ended: this.#ended, others: this.#others };
  }

  /** Waits until no connection is left; then what the process still has. */
  async left(): Promise<Left> {
    await this.count();
    await until(async () => (await connectionsOf(this.server)) === 0, "all connections are closed");
    await turn();
    return { heap: memoryHeld().heapUsed, descriptors: descriptors() };
  }
}

const connectionsOf = (server: Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));

/** The next message of the crowd. */
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
    const open = (): number => shore.gate.pendingHeads;
    await until(
      () => open() === CONNECTIONS,
      () => `all wait, and not ${open()}`,
    );
    assert.is(await statusOfOneMore(shore.gate), 503);
  });
  const { early, late, ended, others } = await shore.count();
  assert.equal([ended, others], [CONNECTIONS, 1]);
  assert.equal(seen.answers, { 408: CONNECTIONS });
  const shown = `of ${headTimeout} ms one was ended early by ${early}; the soonest client had its answer after ${seen.soonest}`;
  assert.ok(early <= TOLERANCE && headTimeout - seen.soonest <= TOLERANCE, shown);
  assert.is(late, 0, `${late} ended late`);
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

test.needing(reason, "ten thousand half heads are answered 408 in time, and again, and leave nothing", async () => {
  // A small wave first: it warms both processes up, and shows how fast they are.
  const trial = new Shore(1000);
  const small = { port: await trial.open(), connections: 500, addresses: ADDRESSES, perSecond: PER_SECOND };
  const { opening } = await send(crowd, small, () => {});
  await trial.left();

  const headTimeout = Math.max(6000, Math.ceil((3 * opening * CONNECTIONS) / small.connections));
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
