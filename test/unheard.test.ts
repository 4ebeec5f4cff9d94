// In:    gates that refuse, with a listener for refusals, a subscriber of their channel, or neither.
// Out:   whether the first refusal that nothing hears is a warning of the process, with its explanation, once for each gate.
// Never: judges the refusals.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer, type Server } from "node:http";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { explain } from "#src/policy/explain.js";
import { whileUnheard } from "./support/heard.js";
import { kinds, open } from "./support/several-gates.js";
import { suite } from "./support/suite.js";
import { warnings } from "./support/warnings.js";
import { openWorld } from "./support/world.js";

/** Of refusals that nothing hears. */
const warningsOf = (run: () => unknown): Promise<Error[]> => warnings("HEADGATE_UNHEARD", () => whileUnheard(run));

const plain: GateOptions = { vhosts: [{ name: "a", port: "any" }], requests: createServer() };
const unheard = suite("refusals that nothing hears");

/** Adopted sockets with requests for names, of which only `a` is served. */
async function adopt(gate: Gate, ...hosts: string[]): Promise<void> {
  const world = await openWorld(() => gate);
  for (const host of hosts) await world.send(Buffer.from(`GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`));
  await world.close();
}

unheard("the first of each gate is a warning with its explanation", async () => {
  let text = "";
  const found = await warningsOf(async () => {
    const served = createGate({ ...plain, requests: (_request, response) => void response.end() });
    await adopt(served, "a");
    assert.equal(served.counts.refused, {});
    await adopt(served, "b", "c", "d");
    assert.equal(served.counts.refused, { NAME_UNKNOWN: 3 });
    await adopt(createGate(plain), "e");
    // The same refusal, where something hears it.
    const heard = createGate(plain);
    heard.on("refused", (decision) => (text = explain(decision)));
    await adopt(heard, "b");
  });
  assert.is(found.length, 2);
  const [first, second] = found;
  assert.ok(
    first!.message.includes(`421 NAME_UNKNOWN, ${text}. Later refusals of this gate are silent`),
    first!.message,
  );
  assert.ok(text.startsWith("host b matches none of the vhosts: a "));
  assert.match(second!.message, /421 NAME_UNKNOWN, host e matches none/);
  assert.ok(first!.message.endsWith('add gate.on("refused", (decision) => console.warn(explain(decision)))'));
});

unheard("a listener of the gate silences it, and a subscriber of the channel silences all", async () => {
  const found = await warningsOf(async () => {
    const listened = createGate(plain);
    listened.on("refused", () => {});
    await adopt(listened, "b");
    const subscriber = (): void => {};
    subscribe("headgate:refused", subscriber);
    const subscribed = createGate(plain);
    await adopt(subscribed, "b");
    unsubscribe("headgate:refused", subscriber);
    // What is only let through, malformed or abandoned is not a refusal.
    const reporting = createGate({ vhosts: [{ name: "a" }], mode: "report" });
    const world = await open(kinds[0]!, (server: Server) => void reporting.guard(server));
    assert.equal(await world.request("b"), [200]);
    await world.close();
    const malformed = createGate(plain);
    await adopt(malformed, "[");
    assert.equal(malformed.counts.malformed, { AUTHORITY_IP_LITERAL: 1 });
  });
  assert.equal(found, []);
});

for (const kind of kinds) {
  for (const strict of kind.isStrict ? [false, true] : [false]) {
    unheard(`guarded, ${kind.name}, strict: ${strict}: requests and upgrades`, async () => {
      const found = await warningsOf(async () => {
        for (const upgrades of [true, false]) {
          const gate = createGate({ vhosts: [{ name: "a" }] });
          const world = await open(kind, (server) => void gate.guard(server, strict ? { mode: "filter" } : {}));
          for (let i = 0; i < 2; i++) {
            if (upgrades) assert.is(await world.upgrade("/", "b"), 421);
            else assert.equal(await world.request("b"), [421]);
          }
          await world.close();
        }
      });
      assert.is(found.length, 2);
      for (const { message } of found) assert.match(message, /host b matches none of the vhosts: a/);
    });
  }
}
