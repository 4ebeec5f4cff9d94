// In:    all the connections that one address may have waiting; many clients of another address; processes of 4096 descriptors.
// Out:   whether those clients are served, and those of an address from which alone many come at once.
// Never: asks how long it takes.

import * as assert from "uvu/assert";
import { Limited } from "../support/limited.js";
import type { Answers, Clients } from "../support/storm-clients.js";
import type { State } from "../support/storm-server.js";
import { skip, suite } from "../support/suite.js";
import { until } from "../support/until.js";
import { handshakeFields } from "../support/world.js";

const DESCRIPTORS = "-n 4096";
const CLIENTS = 300;
/** Below this many in all no address is asked for, whatever `pendingPerAddress` is (docs/limits.md). */
const UNCOUNTED = 1000;

const get = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const upgrade = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${handshakeFields}\r\n`;
/** Half a head, half a ClientHello, and nothing. */
const halves = [get.slice(0, 30), "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ""];

const test = suite("storm");
const running = new Set<Limited>();
test.after(stop);

async function stop(): Promise<void> {
  for (const each of running) await each.stop();
  running.clear();
}

function start(file: string, ...programArguments: string[]): Limited {
  const program = new Limited(DESCRIPTORS, [`dist/test/support/${file}.js`, ...programArguments]);
  running.add(program);
  return program;
}

/** A gate with these limits, and the port on which it takes connections. */
async function open(limits: object): Promise<{ port: number; state: () => Promise<State> }> {
  const server = start("storm-server", JSON.stringify(limits), String(CLIENTS));
  return { port: await server.hear<number>(), state: () => server.ask<State>("state") };
}

/** Opens more than may wait; resolves with what the gate has when each is taken or refused. */
async function occupy(port: number, state: () => Promise<State>, count: number, sends: string[]): Promise<State> {
  const order: Clients = { port, from: "127.0.0.2", count, atOnce: count, secure: false, sends, stay: true };
  assert.is(await start("storm-clients").ask(order), "open");
  let now: State | undefined;
  const isDone = async (): Promise<boolean> => {
    now = await state();
    return Math.max(now.pendingHeads, now.asking) + now.refused >= count;
  };
  await until(isDone, () => `each is taken or refused, and not ${JSON.stringify(now)}`);
  return now!;
}

const visit = (port: number, atOnce: number, secure: boolean, sends: string): Promise<Answers> =>
  start("storm-clients").ask<Answers>({
    ...{ port, from: "127.0.0.3", count: CLIENTS, atOnce, secure, sends: [sends], stay: false },
  });

/** "more than so many": the one that makes it more may be the last, or the first that is refused. */
function isAbout(count: number, wanted: number): void {
  assert.ok(count === wanted || count === wanted + 1, `${count} wait, where ${wanted} may`);
}

function whenDone(name: string, run: () => Promise<void>): void {
  test(name, () => run().finally(stop));
}

if (process.platform !== "linux") {
  skip("storm", "clients come from 127.0.0.2 and 127.0.0.3, which Linux alone gives unasked");
} else {
  for (const secure of [false, true]) {
    const over = secure ? "TLS" : "TCP";

    whenDone(`${CLIENTS} clients of one address, all at once, ${over}`, async () => {
      const { port, state } = await open({});
      assert.equal(await visit(port, CLIENTS, secure, get), { 200: CLIENTS });
      assert.equal(await state(), { pendingHeads: 0, asking: 0, refused: 0 });
    });

    whenDone(`${CLIENTS} upgrades of one address that wait all at once, ${over}`, async () => {
      const { port, state } = await open({ authorizeTimeout: 20_000 });
      assert.equal(await visit(port, CLIENTS, secure, upgrade("/together")), { 101: CLIENTS });
      assert.equal(await state(), { pendingHeads: 0, asking: 0, refused: 0 });
    });

    whenDone(`one address has as many half heads as it may, and clients of another come, ${over}`, async () => {
      const { port, state } = await open({ headTimeout: 60_000 });
      const { pendingHeads } = await occupy(port, state, 1500, halves);
      isAbout(pendingHeads, UNCOUNTED);
      // Now that addresses are counted, `pendingPerAddress` of them may wait at once.
      assert.equal(await visit(port, 100, secure, get), { 200: CLIENTS });
      assert.is((await state()).pendingHeads, pendingHeads);
    });

    whenDone(`one address has as many waiting upgrades as it may, and clients of another come, ${over}`, async () => {
      const { port, state } = await open({ authorizeTimeout: 60_000 });
      const { asking, pendingHeads } = await occupy(port, state, 1500, [upgrade("/never")]);
      isAbout(asking, UNCOUNTED);
      assert.is(pendingHeads, 0);
      assert.equal(await visit(port, 100, secure, upgrade("/now")), { 101: CLIENTS });
      // The others wait by themselves, and take no room of those that have no head yet.
      assert.equal(await visit(port, CLIENTS, secure, get), { 200: CLIENTS });
      assert.is((await state()).asking, asking);
    });

    whenDone(`no address has more than half of a small gate, ${over}`, async () => {
      const limits = { headTimeout: 60_000, authorizeTimeout: 60_000, pendingHeads: 200, pendingPerAddress: 20 };
      for (const [sends, wanted, visitors] of [
        [halves, get, 200],
        [[upgrade("/never")], upgrade("/now"), 101],
      ] as const) {
        const { port, state } = await open(limits);
        const { pendingHeads, asking } = await occupy(port, state, 250, [...sends]);
        isAbout(Math.max(pendingHeads, asking), 100);
        assert.equal(await visit(port, 20, secure, wanted), { [visitors]: CLIENTS });
      }
    });
  }
}
