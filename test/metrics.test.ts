// In:    gates with connections that take their time, by a clock of the test.
// Out:   whether durations are measured and counted, and the number of connections is bounded.
// Never: measures how long anything takes.

import { once } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import * as assert from "uvu/assert";
import type { Timing } from "#src/outcome/end.js";
import { explain } from "#src/outcome/explain-end.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { adopt, gateOf, handshake, passedOn } from "./support/adopted.js";
import { Station } from "./support/drained.js";
import { suite } from "./support/suite.js";
import { webSocketOver } from "./support/websocket.js";

const test = suite("metrics");

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
