// In:    the examples of a restart: a descriptor that a parent keeps, one that a socket unit keeps, HAProxy; clients without pause.
// Out:   whether each process that is replaced ends by itself, and no client sees a connection refused or reset.
// Never: bounds how long a process takes to come to its end.

import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { activate, cannotActivate } from "./support/activation.js";
import { cannotRunHaproxy } from "./support/haproxy.js";
import { freePort, type Program, start, stopAll } from "./support/program.js";
import { Restless } from "./support/restless.js";
import { suite } from "./support/suite.js";
import { until } from "./support/until.js";

/** Milliseconds, and times that the process is replaced meanwhile. */
const DURATION = process.env.HEADGATE_FULL === undefined ? 15_000 : 60_000;
const TIMES = 10;
/** Milliseconds in which a process ends: what it accepts before it drains, and while it drains. */
const [NOTICE, SPREAD] = [300, 500];

/** A service on a port, and how it is replaced. */
interface Kept {
  readonly port: number;
  readonly speaksHttp2: boolean;
  /** Resolves when the previous process has ended, and the next one serves. */
  replace(): Promise<void>;
  stop(): Promise<void>;
  printed(): string;
}

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

/** By SIGHUP: when one more process has ended, and the next one serves. */
async function replaced(printed: () => string, hangUp: () => void): Promise<void> {
  const ended = count(printed(), / ended /g) + 1;
  hangUp();
  await until(
    () => count(printed(), / ended /g) === ended && count(printed(), / serves$/gm) === ended + 1,
    () => `a process is replaced: ${printed()}`,
  );
}

/** A connection is accepted, and closed by its client. */
async function connected(port: number): Promise<void> {
  const socket = net.connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
}

async function byParent(service: string): Promise<Kept> {
  const port = await freePort();
  const parent = await start(process.execPath, ["dist/examples/restart/parent.js"], [port], {
    PORT: `${port}`,
    SERVICE: `dist/examples/restart/${service}.js`,
    NOTICE: `${NOTICE}`,
    SPREAD: `${SPREAD}`,
  });
  const { printed } = parent;
  const replace = (): Promise<void> => replaced(printed, () => parent.signal("SIGHUP"));
  return { port, speaksHttp2: service === "service", replace, stop: parent.stop, printed };
}

async function bySocketUnit(service: string): Promise<Kept> {
  Object.assign(process.env, { NOTICE, SPREAD });
  const unit = await activate(
    ["-E", "NOTICE", "-E", "SPREAD"],
    ["dist/test/support/socket-unit.js", `dist/examples/restart/${service}.js`],
  );
  const replace = (): Promise<void> => replaced(unit.log, () => unit.program.kill("SIGHUP"));
  const port = Number(unit.address.split(":")[1]);
  // The unit is started by its first client.
  await connected(port);
  await until(
    () => count(unit.log(), / serves$/gm) === 1,
    () => `it serves: ${unit.log()}`,
  );
  return { port, speaksHttp2: service === "service", replace, stop: unit.stop, printed: unit.log };
}

/** Two ports, of which one is served; while a process is replaced, both. */
async function byHaproxy(service: string): Promise<Kept> {
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  const [port, ...colors] = ports as [number, number, number];
  let printed = "";
  const open = (color: number): Promise<Program> =>
    start(process.execPath, [`dist/examples/restart/${service}.js`], [colors[color]!], {
      PORT: `${colors[color]}`,
      NOTICE: `${NOTICE}`,
      SPREAD: `${SPREAD}`,
    });
  let [current, color] = [await open(0), 0];
  const close = async (): Promise<void> => {
    await current.stop();
    printed += current.printed();
  };
  const proxy = await start("haproxy", ["-db", "-f", "examples/restart/haproxy.cfg"], [port], {
    PUBLIC_PORT: `${port}`,
    BLUE_PORT: `${colors[0]}`,
    GREEN_PORT: `${colors[1]}`,
  });
  /** What HAProxy has last found out about one of them. */
  const found = (color: number, state: "UP" | "DOWN"): Promise<void> => {
    const about = new RegExp(`Server service/${["blue", "green"][color]} is (UP|DOWN)`, "g");
    return until(
      () => [...proxy.printed().matchAll(about)].at(-1)?.[1] === state,
      () => `${color} is ${state}: ${proxy.printed()}`,
    );
  };
  return {
    port,
    speaksHttp2: false,
    async replace() {
      color = 1 - color;
      await found(color, "DOWN");
      const next = await open(color);
      await found(color, "UP");
      await close();
      current = next;
    },
    async stop() {
      await close();
      await proxy.stop();
    },
    printed: () => printed,
  };
}

/** What became of one way. */
interface Outcome {
  readonly clients: Restless;
  readonly printed: string;
}

async function run(open: () => Promise<Kept>): Promise<Outcome> {
  const kept = await open();
  const clients = new Restless(kept.port, SPREAD, kept.speaksHttp2);
  const began = performance.now();
  const served = (count: number): Promise<void> =>
    until(
      () => clients.seen.size === count,
      () => `process ${count} has answered: ${kept.printed()} ${clients.lost}`,
    );
  await served(1);
  for (let i = 1; i <= TIMES; i++) {
    await kept.replace();
    await served(i + 1);
    await sleep(Math.max(0, began + (i * DURATION) / TIMES - performance.now()));
  }
  await clients.end();
  await kept.stop();
  return { clients, printed: kept.printed() };
}

const noUnit = cannotActivate();
const noHaproxy = cannotRunHaproxy();
const ways: [name: string, missing: string | null, open: () => Promise<Kept>][] = [
  ["a parent keeps the descriptor; adopted", null, () => byParent("service")],
  ["a parent keeps the descriptor; guarded", null, () => byParent("guarded")],
  ["a socket unit keeps the descriptor; adopted", noUnit, () => bySocketUnit("service")],
  ["behind HAProxy; guarded", noHaproxy, () => byHaproxy("guarded")],
];
if (process.env.HEADGATE_FULL !== undefined) {
  ways.push(["a socket unit keeps the descriptor; guarded", noUnit, () => bySocketUnit("guarded")]);
  ways.push(["behind HAProxy; adopted", noHaproxy, () => byHaproxy("service")]);
}

const test = suite("restart");
let outcomes: PromiseSettledResult<Outcome | null>[];
// All at the same time: each of them mostly waits.
test.before(async () => {
  outcomes = await Promise.allSettled(ways.map(([, missing, open]) => (missing === null ? run(open) : null)));
});
test.after(stopAll);

for (const [i, [name, missing]] of ways.entries()) {
  test.needing(missing, `${name}: replaced ${TIMES} times under load, no connection is lost`, () => {
    const outcome = outcomes[i]!;
    if (outcome.status === "rejected") throw outcome.reason;
    const { clients, printed } = outcome.value!;
    console.log(`\nNOTE ${name}: ${JSON.stringify(clients.tally)}`);
    assert.equal(clients.lost, [], printed);
    assert.is(clients.seen.size, TIMES + 1);
    const { closed, echoes, fresh, kept } = clients.tally;
    assert.ok(closed > 0 && Math.min(echoes, fresh, kept) > TIMES, "clients have done little");
    const drained = [...printed.matchAll(/ drained (\{.*\})/g)].map((match) => JSON.parse(match[1]!));
    assert.is(drained.length, TIMES + 1, printed);
    for (const { cut, refused } of drained) assert.equal({ cut, refused }, { cut: 0, refused: 0 });
    assert.not.match(printed, / ended (?!0$)/m);
  });
}
