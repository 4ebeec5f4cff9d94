// In:    gates with clients of every kind, adopted and guarded, that are drained.
// Out:   whether those that read get all that is theirs, the others are cut when the signal comes, and the counts agree.
// Never: bounds how long anything takes: the signal is aborted by hand.

import { once } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import type { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import type { Handover } from "#src/handover/framer.js";
import type { Timing } from "#src/outcome/end.js";
import { explain } from "#src/outcome/explain-end.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { type Adopted, adopt, gateOf, handshake, passedOn } from "./support/adopted.js";
import { get, type Road, roads, Station, upgrade } from "./support/drained.js";
import { ask } from "./support/http2-gate.js";
import { suite } from "./support/suite.js";
import type { Client } from "./support/tcp.js";
import { turn, until } from "./support/until.js";
import { webSocketOver } from "./support/websocket.js";

const test = suite("drain");
const times = <Made>(count: number, make: () => Promise<Made>): Promise<Made[]> =>
  Promise.all(Array.from({ length: count }, make));

interface Size {
  readonly webSockets: number;
  readonly deaf: number;
  readonly requests: number;
  readonly streams: number;
}

const SMALL: Size = { webSockets: 30, deaf: 5, requests: 20, streams: 20 };
const LARGE: Size = { webSockets: 1000, deaf: 100, requests: 200, streams: 200 };

async function crowd(road: Road, size: Size): Promise<void> {
  const station = await new Station(road, { limits: { streams: size.streams + 1 } }).listen();
  const { gate } = station;
  const http1 = station.speaksHttp1;
  const sockets = await times(http1 ? size.webSockets : 0, () => station.webSocket());
  const deaf: Client[] = await times(http1 ? size.deaf : 0, () => station.deaf());
  const late: Client[] = await times(http1 ? size.requests : 0, () => station.connect(get("/late")));
  const begun: Client[] = await times(http1 ? 3 : 0, () => station.connect(get("/begun")));
  const idle: Client[] = await times(http1 ? 3 : 0, () => station.connect(get("/")));
  for (const client of idle) await client.responses(1);
  const session = station.speaksHttp2 ? await station.session() : null;
  const streams = times(session === null ? 0 : size.streams, () => ask(session!, { ":path": "/late" }));
  const over = session === null ? null : webSocketOver(session as ClientHttp2Session, "/live");
  if (over !== null) await once(over.webSocket, "open");
  const half = http1 ? await station.connect(get("/").slice(0, -2)) : null;
  await station.asked(late.length + begun.length + (session === null ? 0 : size.streams));
  const known = sockets.length + deaf.length + late.length + begun.length + idle.length + (half === null ? 0 : 1);
  await until(() => road !== "adopt" || gate.pendingHeads === 1, "half a head waits");
  const { gauges: before } = gate.metrics();
  if (road === "auto" || road === "events") {
    // Half a head is known as well.
    await until(() => gate.metrics().gauges.guarded + before.handedOver === known, "all connections are known");
  }
  assert.is(gate.state, "open");
  const { gauges, adopted } = gate.metrics();
  assert.is(gauges.handedOver, sockets.length + deaf.length + (over === null ? 0 : 1));
  if (road === "adopt") {
    assert.equal(
      [gauges.pendingHeads, gauges.sessions, gauges.serving],
      [1, 1, late.length + begun.length + idle.length],
    );
    assert.equal([gauges.guarded, gauges.lingering, adopted], [0, 0, known + 1]);
  }

  const controller = new AbortController();
  const drained = gate.drain({ signal: controller.signal });
  assert.is(gate.state, "draining");
  for (const { code } of sockets) assert.is(await code, 1001);
  if (over !== null) assert.is(((await once(over.webSocket, "close")) as [number])[0], 1001);
  for (const client of idle) await client.closed();
  if (http1) {
    const [refused] = await (await station.connect(upgrade)).all();
    assert.equal(
      [refused!.statusCode, refused!.fields.get("retry-after"), String(refused!.body)],
      [503, "1", "Service Unavailable (DRAINING)\n"],
    );
    const [served] = await (await station.connect(get("/"))).all();
    assert.equal([served!.statusCode, served!.fields.get("connection"), String(served!.body)], [200, "close", "whole"]);
    await half!.send("\r\n");
    const [completed] = await half!.all();
    assert.equal([completed!.statusCode, completed!.fields.get("connection")], [200, "close"]);
  }
  station.answer();
  for (const client of late) {
    const [response] = await client.all();
    assert.equal([response!.fields.get("connection"), String(response!.body)], ["close", "whole"]);
  }
  for (const client of begun) assert.is(String((await client.all())[0]!.body), "begun whole");
  for (const { status, body } of await streams) assert.equal([status, body], [200, "whole"]);
  if (session !== null && !session.closed) await once(session, "close");
  await station.left(deaf.length);
  // Node counts a socket no more before its 'close', and a session's comes after that.
  await passedOn();

  if (deaf.length > 0) assert.is(gate.state, "draining");
  controller.abort();
  const counts = await drained;
  assert.is(gate.state, "drained");
  assert.equal([counts.cut, counts.refused], [deaf.length, http1 ? 1 : 0]);
  const others = sockets.length + late.length + begun.length + idle.length + (session === null ? 0 : 2);
  assert.is(counts.closed, others + (http1 ? 3 : 0));
  await station.left(0);
  for (const client of deaf) client.stream.destroy();
  await station.close();
}

for (const road of roads) test(`a crowd comes to its end: ${road}`, () => crowd(road, SMALL));
test("1,000 WebSockets, 200 streams, 200 requests, and 100 clients that do not read", () => crowd("adopt", LARGE));

test("closes are spread over the time that is given, and none is early", async () => {
  const station = await new Station("adopt").listen();
  const sockets = await times(5, () => station.webSocket());
  const clock = performance.now;
  let now = 0;
  // The clock of the drain; timers only ask it.
  performance.now = () => now;
  try {
    const drained = station.gate.drain({ spread: 50, closeCode: 4000 });
    let closed = 0;
    for (const { code } of sockets) void code.then((each) => (closed += each === 4000 ? 1 : 0));
    for (const step of [1, 2, 3, 4, 5]) {
      for (let i = 0; i < 50; i++) await turn();
      const seen = closed;
      assert.ok(seen < step, `${seen} were closed before step ${step}`);
      now = step * 10;
      while (closed < step) await turn();
    }
    assert.equal(await drained, { closed: 5, cut: 0, refused: 0 });
  } finally {
    performance.now = clock;
  }
  await station.close();
});

test("a kept-alive client that goes on asking reads close in a response, until the spread is over", async () => {
  const station = await new Station("adopt").listen();
  const [busy, idle] = await times(2, () => station.connect(get("/")));
  for (const client of [busy!, idle!]) await client.responses(1);
  const other = await station.webSocket();
  const drained = station.gate.drain({ spread: 300 });
  await busy!.send(get("/"));
  const responses = await busy!.all();
  assert.equal(
    responses.map(({ fields }) => fields.get("connection")),
    ["keep-alive", "close"],
  );
  assert.is((await idle!.all()).length, 1);
  assert.is(await other.code, 1001);
  assert.equal(await drained, { closed: 3, cut: 0, refused: 0 });
  await station.close();
});

for (const road of ["adopt", "http2"] as const) {
  test(`over HTTP/2 a session that has no stream serves requests until the spread is over: ${road}`, async () => {
    const station = await new Station(road).listen();
    const [busy, idle, silent] = await times(3, () => station.session());
    for (const session of [busy!, idle!]) assert.is((await ask(session, { ":path": "/" })).status, 200);
    const goneAway = new Set<unknown>();
    for (const session of [busy!, idle!, silent!]) session.on("goaway", () => goneAway.add(session));
    const closed = Promise.all([busy!, idle!, silent!].map((session) => once(session, "close")));
    const other = station.speaksHttp1 ? await station.webSocket() : null;
    const drained = station.gate.drain({ spread: 500 });
    // On its way when the drain begins: it is answered, and ends the session.
    const { status, body } = await ask(busy!, { ":path": "/" });
    assert.equal([status, body, [...goneAway]], [200, "whole", [busy]]);
    await closed;
    assert.equal([goneAway.size, await other?.code], [3, station.speaksHttp1 ? 1001 : undefined]);
    const { cut, refused } = await drained;
    assert.equal({ cut, refused }, { cut: 0, refused: 0 });
    await station.close();
  });
}

for (const road of ["adopt", "auto", "filter", "events"] as const) {
  test(`half of a later head is waited for: ${road}`, async () => {
    const station = await new Station(road).listen();
    const [half, idle] = await times(2, () => station.connect(get("/")));
    for (const client of [half!, idle!]) await client.responses(1);
    const read = (): number => [...station.sockets].reduce((sum, { bytesRead }) => sum + bytesRead, 0);
    const before = read();
    const head = get("/");
    await half!.send(head.slice(0, 20));
    // The gate counts it where it reads itself.
    await until(() => station.gate.pendingHeads === 1 || read() === before + 20, "half of a head has come");
    const drained = station.gate.drain();
    await idle!.closed();
    await half!.send(head.slice(20));
    const responses = await half!.all();
    assert.equal(
      responses.map(({ fields }) => fields.get("connection")),
      ["keep-alive", "close"],
    );
    assert.equal(await drained, { closed: 2, cut: 0, refused: 0 });
    await station.close();
  });
}

test("upgrades that wait for authorize are refused at once, over each version", async () => {
  let aborted = 0;
  const asked: string[] = [];
  const station = await new Station("adopt", {
    authorize: (head, { signal }) => {
      asked.push(head.httpVersion);
      signal.addEventListener("abort", () => aborted++);
      return new Promise(() => {});
    },
  }).listen();
  const session = await station.session();
  const fields = { ":method": "CONNECT", ":protocol": "websocket", ":path": "/live", "sec-websocket-version": "13" };
  const stream = session.request(fields, { endStream: false });
  const answered = once(stream, "response");
  const client = await station.connect(upgrade);
  const said: string[] = [];
  station.gate.on("refused", (decision) => said.push(explain(decision)));
  await until(() => asked.length === 2, "both are asked about");
  const drained = station.gate.drain();
  assert.is((await client.all())[0]!.statusCode, 503);
  const [headers] = (await answered) as [Record<string, unknown>];
  assert.equal([headers[":status"], headers["retry-after"]], [503, "1"]);
  stream.resume().end();
  assert.equal(await drained, { closed: 2, cut: 0, refused: 2 });
  assert.is(aborted, 2);
  assert.match(said[0]!, "upgrade of /live came while the gate was draining");
  await station.close();
});

test("without a signal the limit ends it; what waits for its head is cut, and what comes later is answered 503", async () => {
  const station = await new Station("adopt", { limits: { drainTimeout: 50 } }).listen();
  const { gate } = station;
  const ends: string[] = [];
  gate.on("abandoned", (end) => ends.push(explain(end)));
  const [silent, half] = [await station.connect(), await station.connect("GET / HTTP/1.1\r\n")];
  const asked = await station.connect(get("/late"));
  const session = await station.session();
  const stream = ask(session, { ":path": "/late" });
  await station.asked(2);
  const first = gate.drain();
  assert.equal(await first, { closed: 0, cut: 4, refused: 0 });
  for (const client of [silent, half, asked]) assert.is((await client.all()).length, 0);
  assert.is((await stream).status, undefined);
  assert.equal(
    ends.map((line) => line.replace(/ \(.*/, "")),
    Array(4).fill("the gate has drained"),
  );
  // Before its first octets such a connection may speak HTTP/2.
  assert.is((await (await station.connect(get("/"))).all()).length, 0);
  assert.equal(await gate.drain(), await first);
  await station.close();
});

test("a gate that has drained answers 503", async () => {
  const gate = gateOf({});
  await gate.drain();
  const late = adopt(gate, {}, handshake);
  const [response] = await late.client.all();
  assert.equal([response!.statusCode, response!.fields.get("retry-after")], [503, "1"]);
  assert.is(String(response!.body), "Service Unavailable (DRAINED)\n");
  assert.is(explain(await late.end), "the gate has drained (DRAINED, silent; client unknown)");
});

test("a gate without connections has drained at once, and so has one that is disposed of", async () => {
  assert.equal(await new Station("adopt").gate.drain({ spread: 0 }), { closed: 0, cut: 0, refused: 0 });
  const { gate } = new Station("adopt");
  await gate[Symbol.asyncDispose]();
  assert.is(gate.state, "drained");
});

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

test("one connection too many is answered 503, and there is room again when one has closed", async () => {
  const gate = gateOf({ maxConnections: 2 });
  const [first, second] = [adopt(gate, {}), adopt(gate, {})];
  const third = adopt(gate, {});
  const end = await third.end;
  assert.is(
    explain(end),
    "the gate already had 2 connections (CONNECTIONS_TOO_MANY, silent; client unknown; limits.maxConnections is 2)",
  );
  assert.is((await third.client.all())[0]!.statusCode, 503);
  first.client.stream.destroy();
  await first.end;
  const fourth = adopt(gate, {}, handshake);
  assert.is((await fourth.end).kind, "handed-over");
  second.client.stream.destroy();
  await second.end;
});

test("metrics have how long heads, authorize and handovers took, and each is an event", async () => {
  const clock = performance.now;
  let now = 0;
  performance.now = () => now;
  try {
    const answers: ((answer: boolean) => void)[] = [];
    const takings: (() => void)[] = [];
    const take = (): Promise<void> => new Promise((resolve) => takings.push(resolve));
    const gate = gateOf(
      {},
      {
        vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": take } }],
        authorize: () => new Promise((resolve) => answers.push(resolve)),
      },
    );
    const timings: Timing[] = [];
    gate.on("timed", (timing) => timings.push(timing));
    const one = adopt(gate, { remoteAddress: "203.0.113.9" });
    now += 7;
    await one.client.send(handshake);
    await passedOn();
    now += 300;
    answers[0]!(true);
    await passedOn();
    now += 20_000;
    takings[0]!();
    assert.is((await one.end).kind, "handed-over");
    const expected = { head: 7, authorize: 300, handover: 20_000 };
    assert.equal(Object.fromEntries(timings.map(({ stage, milliseconds }) => [stage, milliseconds])), expected);
    assert.ok(timings.every(({ arrival }) => arrival.remoteAddress === "203.0.113.9"));
    for (const [stage, durations] of Object.entries(gate.metrics().durations)) {
      const { bounds, counts, count, sum } = durations;
      const milliseconds = expected[stage as Timing["stage"]];
      assert.equal([counts.length, count, sum], [bounds.length + 1, 1, milliseconds], stage);
      const at = counts.indexOf(1);
      assert.ok(
        milliseconds <= (bounds[at] ?? Number.POSITIVE_INFINITY) && milliseconds > (bounds[at - 1] ?? 0),
        stage,
      );
    }
    one.far.destroy();
  } finally {
    performance.now = clock;
  }
});

test("over HTTP/2 authorize and handovers are timed as well, and heads that came in one piece took no time", async () => {
  const station = await new Station("adopt", { authorize: () => true }).listen();
  const session = await station.session();
  const over = webSocketOver(session as ClientHttp2Session, "/live");
  await once(over.webSocket, "open");
  const { webSocket } = await station.webSocket();
  const { durations } = station.gate.metrics();
  assert.equal([durations.head.count, durations.authorize.count, durations.handover.count], [1, 2, 2]);
  over.webSocket.terminate();
  webSocket.terminate();
  session.destroy();
  await station.close();
});

test("options of a drain are checked", async () => {
  const { gate } = new Station("adopt");
  for (const [options, problem] of [
    [{ within: 1 }, "within is not a setting of a drain; the settings are signal, closeCode, spread"],
    [{ signal: 5000 }, "signal is 5000; it must be an AbortSignal"],
    [{ signal: null }, "signal is null; it must be an AbortSignal"],
    [{ closeCode: 1006 }, "closeCode is 1006; it must be 1000, 1001, 1012, 1013, or from 3000 to 4999"],
    [{ closeCode: "1001" }, 'closeCode is "1001"; it must be a number'],
    [{ spread: -1 }, "spread is -1; it must be an integer from 0 to 3600000 milliseconds"],
    [{ spread: null }, "spread is null; it must be a number of milliseconds"],
  ] as const) {
    const error = await gate.drain(options as never).then(
      () => null,
      (thrown: Error) => thrown,
    );
    assert.ok(error?.message.startsWith(problem), `${error?.message}`);
  }
  assert.is(gate.state, "open");
});
