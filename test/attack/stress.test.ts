// In:    waves of clients that cut, reset, stall and send what is wrong, by every way in; an application that throws, rejects and is silent.
// Out:   whether the process sees an error that is not one of the application's own, and what each wave leaves.
// Never: the same clients in every run: `HEADGATE_SEED` repeats those of an earlier one.

import * as assert from "uvu/assert";
import { Limited } from "../support/limited.js";
import { misbehave } from "../support/stress-client.js";
import type { Left } from "../support/stress-server.js";
import { type Door, ways } from "../support/stress-ways.js";
import { suite } from "../support/suite.js";

/** All of them equal; the first two make what a process keeps once. */
const WAVES = 7;
const WARM = 2;
const CONNECTIONS = process.env.HEADGATE_FULL === undefined ? 204 : 2000;
const AT_ONCE = 40;
const SEED = Number(process.env.HEADGATE_SEED ?? Date.now() % 2 ** 31);
/** Bytes by which the heap may differ between the first and the last of the waves that count: far less than an object a connection. */
const HEAP = 64 * CONNECTIONS + 500_000;
/** Objects of a class that a wave may leave more than another: handles of timers and promises that are on their way. */
const OBJECTS = 20;

const test = suite("stress");
let server: Limited;
test.before(() => {
  server = new Limited("-n 4096", ["--expose-gc", "dist/test/support/stress-server.js"]);
});
test.after(() => server.stop());

async function wave(ports: Readonly<Record<Door, number>>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < CONNECTIONS && server.death === null) {
      const index = next++;
      const way = ways[index % ways.length]!;
      await misbehave(way, ports[way.door], SEED + index);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

test(`${CONNECTIONS} clients in each of ${WAVES} waves leave nothing`, async () => {
  console.log(`\nNOTE HEADGATE_SEED=${SEED}`);
  const ports = await server.hear<Record<Door, number>>();
  const all: Left[] = [];
  for (let i = 0; i < WAVES; i++) {
    await wave(ports);
    assert.is(server.death, null);
    const left = await server.ask<Left>("left");
    assert.equal(left.strays, [], "errors that the application did not throw");
    assert.equal(left.unheard, [], "errors of the application that were swallowed");
    assert.equal(
      { sockets: left.sockets, pendingHeads: left.pendingHeads, endless: left.endless },
      { sockets: 0, pendingHeads: 0, endless: 0 },
      left.kept.join("\n"),
    );
    all.push(left);
  }
  const counted = all.slice(WARM);
  const [first, last] = [counted[0]!, counted.at(-1)!];
  for (const [name, count] of Object.entries(last.objects)) {
    assert.ok(count <= first.objects[name]! + OBJECTS, `${name}: ${counted.map(({ objects }) => objects[name])}`);
  }
  const heaps = counted.map(({ heap }) => heap);
  assert.ok(Math.min(...heaps.slice(-2)) - Math.min(...heaps.slice(0, 2)) < HEAP, `the heap grows: ${heaps}`);
});
