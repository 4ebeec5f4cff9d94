// In:    gates that are drained, and sockets that already have another owner, or are about to: framers, listeners, processes.
// Out:   whether each owner is asked to close its sockets, has until the end to do so, and the counts agree.
// Never: bounds how long anything takes: the signal is aborted by hand.

import type { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import type { Handover } from "#src/handover/framer.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { type Adopted, adopt, gateOf, handshake } from "./support/adopted.js";
import { Station, upgrade } from "./support/drained.js";
import { suite } from "./support/suite.js";
import { turn, until } from "./support/until.js";

const test = suite("drain: sockets of other owners");

test("a framer takes part by drain; a connection of any other owner has until the end", async () => {
  const closing: [string, number][] = [];
  const taking =
    (name: string) =>
    ({ socket }: Handover): void => {
      socket.write(name);
      socket.resume();
    };
  const taker = {
    take: taking("drains"),
    drain(socket: Handover["socket"], code: number): void {
      closing.push(["drains", code]);
      socket.end();
    },
  };
  const upgrades = { "/live": taker, "/own": taking("own"), "/ending": taking("ending") };
  const gate = gateOf({}, { vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades }], fallback: () => {} });
  const at = (path: string): Adopted => adopt(gate, {}, handshake.replace("/live", path));
  const [one, own, ending] = [at("/live"), at("/own"), at("/ending")];
  const passed = adopt(gate, {}, "SSH-2.0-OpenSSH\r\n");
  const kinds = await Promise.all([one, own, ending, passed].map(async ({ end }) => (await end).kind));
  assert.equal(kinds, ["handed-over", "handed-over", "handed-over", "passed"]);
  assert.is(gate.metrics().gauges.handedOver, 4);
  const controller = new AbortController();
  const drained = gate.drain({ closeCode: 1012, signal: controller.signal });
  ending.far.destroy();
  await until(() => gate.metrics().gauges.handedOver === 2, "two are left");
  controller.abort();
  assert.equal(await drained, { closed: 2, cut: 2, refused: 0 });
  assert.equal(closing, [["drains", 1012]]);
  assert.ok(own.far.destroyed && passed.far.destroyed);
});

test("an upgrade that a framer is about to take is closed once it is taken, and cut if it never is", async () => {
  const closing: Handover["socket"][] = [];
  const waiting: (() => void)[] = [];
  const taker = {
    take: (): Promise<void> => new Promise((resolve) => waiting.push(resolve)),
    drain(socket: Handover["socket"]): void {
      closing.push(socket);
      socket.destroy();
    },
  };
  const gate = gateOf({}, { vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": taker } }] });
  const [one, never] = [adopt(gate, {}, handshake), adopt(gate, {}, handshake)];
  await until(() => waiting.length === 2, "both are being taken");
  const controller = new AbortController();
  const drained = gate.drain({ signal: controller.signal });
  assert.is(closing.length, 0);
  waiting[0]!();
  await one.end;
  assert.equal(closing, [one.far]);
  await until(() => gate.metrics().gauges.handedOver === 1, "one is left");
  controller.abort();
  assert.equal(await drained, { closed: 1, cut: 1, refused: 0 });
  assert.ok(never.far.destroyed);
});

test("a framer whose drain throws has its sockets all the same, taken before the drain or meanwhile", async () => {
  const thrown: unknown[] = [];
  const onThrown = (error: unknown): void => void thrown.push((error as Error).message);
  const waiting: (() => void)[] = [];
  const taker = (take: () => void | Promise<void>) => ({
    take,
    drain(): void {
      throw new Error("a drain that fails");
    },
  });
  let drained: Promise<unknown> | undefined;
  const controller = new AbortController();
  const upgrades = {
    "/live": taker(() => {}),
    "/late": taker(() => new Promise((resolve) => waiting.push(resolve))),
    "/draining": taker(() => {
      drained = gate.drain({ signal: controller.signal });
    }),
  };
  const gate = gateOf({}, { vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades }] });
  const at = (path: string): Adopted => adopt(gate, {}, handshake.replace("/live", path));
  process.on("uncaughtException", onThrown);
  try {
    const all = [at("/live"), at("/live"), at("/late"), at("/draining")];
    waiting[0]!();
    for (const { end } of all) assert.is((await end).kind, "handed-over");
    await until(() => thrown.length === 4, "each of them is asked to close");
    assert.equal(new Set(thrown), new Set(["a drain that fails"]));
    assert.equal(gate.counts.abandoned, {});
    controller.abort();
    assert.equal(await drained, { closed: 0, cut: 4, refused: 0 });
    assert.ok(all.every(({ far }) => far.destroyed));
  } finally {
    process.removeListener("uncaughtException", onThrown);
  }
});

test("an upgrade that its framer does not take is counted once", async () => {
  const failing = { take: () => Promise.reject(new Error("no room")) };
  const gate = gateOf({}, { vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": failing } }] });
  const one = adopt(gate, {}, handshake);
  assert.is((await one.end).kind, "abandoned");
  await one.client.closed();
  const { connections, handedOver } = gate.metrics().gauges;
  assert.equal([connections, handedOver], [0, 0]);
  assert.equal(await gate.drain(), { closed: 0, cut: 0, refused: 0 });
});

test("a socket that was sent to another process is no longer the gate's", async () => {
  // As `child.send` leaves it.
  const away = ({ socket }: Handover): void => {
    setImmediate(() => Object.assign(socket, { _handle: null }));
  };
  const station = await new Station("adopt", {
    vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER, upgrades: { "*": away } }],
  }).listen();
  const client = await station.connect(upgrade);
  await until(() => station.gate.metrics().gauges.handedOver === 1, "it is handed over");
  await turn();
  assert.equal(await station.gate.drain(), { closed: 0, cut: 0, refused: 0 });
  client.stream.destroy();
  station.server.close();
});

for (const mode of ["auto", "events"] as const) {
  test(`once the guard is released, upgrades that were left to other listeners are theirs alone: ${mode}`, async () => {
    const station = await new Station(mode, { vhosts: [{ name: "localhost", port: "any" }] }).listen();
    const taken: Duplex[] = [];
    station.server.on("upgrade", (_request: unknown, socket: Duplex) => taken.push(socket.resume()));
    const client = await station.connect(upgrade);
    await until(() => taken.length === 1, "it is left to the listener");
    station.guard!.release();
    assert.is(station.gate.metrics().gauges.handedOver, 0);
    assert.equal(await station.gate.drain(), { closed: 0, cut: 0, refused: 0 });
    assert.not.ok(taken[0]!.destroyed);
    taken[0]!.destroy();
    await client.closed();
    await station.close();
  });
}

for (const mode of ["auto", "filter", "events"] as const) {
  test(`upgrades that are left to other listeners have until the end: ${mode}`, async () => {
    const station = await new Station(mode, { vhosts: [{ name: "localhost", port: "any" }] }).listen();
    const taken: Duplex[] = [];
    station.server.on("upgrade", (_request: unknown, socket: Duplex) => taken.push(socket.resume()));
    const clients = [await station.connect(upgrade), await station.connect(upgrade)];
    await until(() => taken.length === 2, "both are left to the listener");
    assert.is(station.gate.metrics().gauges.handedOver, 2);
    const controller = new AbortController();
    const drained = station.gate.drain({ signal: controller.signal });
    taken[0]!.destroy();
    await until(() => station.gate.metrics().gauges.handedOver === 1, "one is left");
    controller.abort();
    assert.equal(await drained, { closed: 1, cut: 1, refused: 0 });
    for (const client of clients) await client.closed();
    await station.close();
  });
}
