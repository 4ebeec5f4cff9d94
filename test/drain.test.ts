// In:    gates with clients of every kind, adopted and guarded, that are drained.
// Out:   whether those that read get all that is theirs, the others are cut when the signal comes, and the counts agree.
// Never: bounds how long anything takes: the signal is aborted by hand.

import { getEventListeners, once } from "node:events";
import http, { type ServerResponse } from "node:http";
import http2, { type ClientHttp2Session } from "node:http2";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { stopAccepting } from "#src/intake.js";
import { explain } from "#src/outcome/explain-end.js";
import { adopt, gateOf, handshake, passedOn } from "./support/adopted.js";
import { certificate } from "./support/certificate.js";
import { get, type Road, roads, Station, upgrade } from "./support/drained.js";
import { ask } from "./support/http2-gate.js";
import { suite } from "./support/suite.js";
import { Client } from "./support/tcp.js";
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
  // Node stops counting a socket before its 'close', and a session's 'close' comes after that.
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

test("a later head that is incomplete when the time is up: its connection is cut once", async () => {
  const station = await new Station("adopt").listen();
  const ends: string[] = [];
  station.gate.on("abandoned", (end) => ends.push(end.code));
  const client = await station.connect(get("/") + get("/").slice(0, -2));
  await client.responses(1);
  await until(() => station.gate.pendingHeads === 1, "the later head has begun");
  const { gauges } = station.gate.metrics();
  assert.equal([gauges.connections, gauges.serving], [1, 1]);
  assert.equal(await station.gate.drain({ signal: AbortSignal.abort() }), { closed: 0, cut: 1, refused: 0 });
  assert.equal(ends, ["DRAINED"]);
  await station.close();
});

test("what is cut is counted, also where a refused client is still read", async () => {
  const gate = gateOf({});
  const refused = adopt(gate, {}, "GET / HTTP/1.1\n");
  refused.client.stream.allowHalfOpen = true;
  await refused.client.responses(1);
  const silent = adopt(gate, {});
  const { lingering, pendingHeads } = gate.metrics().gauges;
  assert.equal([lingering, pendingHeads], [1, 1]);
  assert.equal(await gate.drain({ signal: AbortSignal.abort() }), { closed: 0, cut: 1, refused: 0 });
  await Promise.all([refused.client.closed(), silent.client.closed()]);
});

test("a signal that outlives the drain keeps nothing of it", async () => {
  const { signal } = new AbortController();
  const { gate } = new Station("adopt");
  await Promise.all([gate.drain({ signal }), gate.drain({ signal })]);
  assert.equal(getEventListeners(signal, "abort"), []);
});

for (const mode of ["auto", "filter", "events"] as const) {
  test(`a guarded https.Server: a client that does not complete its handshake is cut: ${mode}`, async () => {
    const gate = gateOf({}, { vhosts: [{ name: "localhost", port: "any" }] });
    const server = https.createServer(certificate(), (_request, response) => void response.end("whole"));
    gate.guard(server, { mode });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const silent = new Client(net.connect(port, "127.0.0.1"));
    const secured = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    const client = new Client(secured);
    await once(secured, "secureConnect");
    await client.send(get("/"));
    await client.responses(1);
    const { guarded, connections } = gate.metrics().gauges;
    assert.is(guarded + connections, 2);
    stopAccepting(server);
    const closed = once(server, "close");
    assert.equal(await gate.drain({ signal: AbortSignal.timeout(100) }), { closed: 1, cut: 1, refused: 0 });
    await Promise.all([silent.closed(), closed]);
    assert.equal((await client.all()).length, 1);
  });
}

for (const mode of ["auto", "events"] as const) {
  test(`connections of a server whose guard was released are not drained: ${mode}`, async () => {
    const gate = gateOf({}, { vhosts: [{ name: "localhost", port: "any" }] });
    const asked: ServerResponse[] = [];
    const server = http.createServer((_request, response) => void asked.push(response));
    const guard = gate.guard(server, { mode });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const [before, within] = [new Client(net.connect(port, "127.0.0.1")), new Client(net.connect(port, "127.0.0.1"))];
    for (const [i, client] of [before, within].entries()) {
      await client.send(get("/"));
      await until(() => asked.length > i, "it is asked");
    }
    asked[0]!.end("one");
    await before.responses(1);
    const early = gate.drain();
    guard.release();
    assert.equal(await early, { closed: 0, cut: 0, refused: 0 });
    assert.is(gate.metrics().gauges.guarded, 0);
    await before.send(get("/"));
    await until(() => asked.length === 3, "a third is asked");
    for (const response of asked.slice(1)) response.end("more");
    const answers = [await before.responses(2), await within.responses(1)];
    assert.equal(
      answers.flat().map(({ fields }) => fields.get("connection")),
      ["keep-alive", "keep-alive", "close"],
    );
    for (const client of [before, within]) client.stream.destroy();
    server.close();
  });
}

test("over HTTP/2 sessions of a server whose guard was released are not drained", async () => {
  const gate = gateOf({}, { vhosts: [{ name: "127.0.0.1", port: "any" }] });
  const server = http2.createServer((_request, response) => void response.end("whole"));
  const guard = gate.guard(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const session = http2.connect(`http://127.0.0.1:${port}`);
  assert.is((await ask(session, { ":path": "/" })).status, 200);
  guard.release();
  assert.equal(await gate.drain(), { closed: 0, cut: 0, refused: 0 });
  assert.is((await ask(session, { ":path": "/" })).status, 200);
  session.close();
  server.close();
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
  const { signal } = new AbortController();
  assert.equal(await new Station("adopt").gate.drain({ spread: 0 }), { closed: 0, cut: 0, refused: 0 });
  // Nothing is there to be closed over that time.
  assert.equal(await new Station("adopt").gate.drain({ spread: 3_600_000, signal }), { closed: 0, cut: 0, refused: 0 });
  const { gate } = new Station("adopt");
  await gate[Symbol.asyncDispose]();
  assert.is(gate.state, "drained");
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
