// In:    adopted sockets whose clients, framers or deadlines end them.
// Out:   whether each ends in exactly one end, in time and with its response, and nothing is left over.
// Never: looks at what the policy decides; decision.test.ts does.

import { once } from "node:events";
import type net from "node:net";
import * as assert from "uvu/assert";
import type { Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import type { Handover } from "#src/handover/framer.js";
import { wsFramer } from "#src/handover/ws.js";
import type { ConnectionEnd } from "#src/outcome/end.js";
import { collect, echo, gateWith, handshake, pair } from "./support/adoption.js";
import { suite } from "./support/suite.js";
import { streamPair } from "./support/tcp.js";
import { until } from "./support/until.js";
import { statusOf } from "./support/world.js";

const ends = suite("adoption: one end each");

/** Milliseconds after which an end that a deadline brings is late, however slow the machine is: deadlines fall due in order. */
const LATE = 1500;

async function endOf(
  act: (near: net.Socket, far: net.Socket) => void,
  options: Partial<GateOptions> = {},
): Promise<{ end: ConnectionEnd; text: string; gate: Gate; isLate: boolean }> {
  const { near, far } = await pair();
  const [other, silent] = streamPair();
  let isLate = false;
  void gateWith({}, { limits: { headTimeout: LATE } })
    .adopt(silent)
    .ended.then(() => (isLate = true));
  const gate = gateWith({ "*": wsFramer(echo()) }, options);
  const text = collect(near);
  const ended = gate.adopt(far).ended.then((end) => ({ end, isLate }));
  act(near, far);
  const { end, isLate: wasLate } = await ended;
  other.destroy();
  return { end, text: await text, gate, isLate: wasLate };
}

ends("a silent client is closed without a word, half a head is answered 408, both on time", async () => {
  const limits = { headTimeout: 300 };
  for (const [octets, status] of [
    ["", 0],
    ["GET / HT", 408],
    ["GET / HTTP/1.1\r\nHost: a\r\n", 408],
  ] as const) {
    const started = performance.now();
    const { end, text, gate, isLate } = await endOf((near) => near.write(octets), { limits });
    const took = performance.now() - started;
    assert.equal([end.kind, (end as { code?: string }).code], ["abandoned", "HEAD_TIMEOUT"]);
    assert.is((end as { stage?: string }).stage, octets === "" ? "silent" : "head");
    assert.is(statusOf(text), status);
    assert.ok(took > 290, `took ${took} ms`);
    assert.not(isLate);
    assert.is(gate.pendingHeads, 0);
  }
});

ends("octets that trickle in do not move the deadline", async () => {
  let timer: NodeJS.Timeout | undefined;
  const { end, isLate } = await endOf(
    (near) => {
      near.write("GET / HTTP/1.1\r\nX: ");
      timer = setInterval(() => near.write("y"), 20);
    },
    { limits: { headTimeout: 300 } },
  );
  clearInterval(timer);
  assert.is((end as { code?: string }).code, "HEAD_TIMEOUT");
  assert.not(isLate);
});

ends("thousands may wait: no listener and no timer for each", async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const gate = gateWith({ "*": wsFramer(echo()) });
  const before = timers();
  const pairs = await Promise.all(Array.from({ length: 20 }, () => pair()));
  const waiting = pairs.map(({ near, far }) => {
    near.write("GET / HT");
    return gate.adopt(far).ended;
  });
  await until(() => pairs.every(({ far }) => far.bytesRead > 0), "all have begun their heads");
  assert.is(gate.pendingHeads, 20);
  assert.ok(timers() <= before + 1, "a timer for each");
  for (const event of ["data", "error", "close", "end"]) {
    const found = new Set(pairs.flatMap(({ far }) => far.listeners(event)));
    // net.Socket listens for its own 'end'.
    assert.is(found.size, event === "end" ? 2 : 1, event);
  }
  for (const { near } of pairs) near.end();
  for (const end of await Promise.all(waiting)) assert.is(end.kind, "abandoned");
  assert.is(gate.pendingHeads, 0);
  assert.ok(timers() <= before, "a timer keeps the process alive");
});

ends("the peer ends or vanishes within a head", async () => {
  for (const act of [
    (near: net.Socket) => near.end("GET / HTTP/1.1\r\n"),
    (near: net.Socket) => near.end(),
    (near: net.Socket) => near.write("GET /", () => near.resetAndDestroy()),
  ]) {
    const { end, gate } = await endOf(act);
    assert.is(end.kind, "abandoned");
    assert.ok(["PEER_ENDED", "SOCKET_ERROR"].includes((end as { code: string }).code));
    assert.is(gate.pendingHeads, 0);
  }
});

ends("a socket that is over when it is given", async () => {
  const { near, far } = await pair();
  far.destroy();
  assert.equal((await gateWith({ "*": wsFramer(echo()) }).adopt(far).ended).kind, "abandoned");
  near.destroy();
  const half = await pair({ allowHalfOpen: true });
  half.near.end();
  half.far.resume();
  await once(half.far, "end");
  assert.is(((await gateWith({ "*": wsFramer(echo()) }).adopt(half.far).ended) as { code: string }).code, "PEER_ENDED");
});

ends("a refusal arrives though a megabyte was sent after the head", async () => {
  const { end, text } = await endOf((near) => {
    near.write("GET / HTTP/1.1\r\nHost: other\r\n\r\n");
    near.write(Buffer.alloc(1 << 20, "x"));
  });
  assert.is(end.kind, "refused");
  assert.is(statusOf(text), 421);
  assert.match(text, /\r\n\r\nMisdirected Request \(NAME_UNKNOWN\)\n$/);
});

ends("a client that never closes is not waited for", async () => {
  const { near, far } = await pair({ allowHalfOpen: true });
  const gate = gateWith({ "*": wsFramer(echo()) }, { limits: { lingerTimeout: 100 } });
  near.write("GET / HTTP/1.1\r\nHost: other\r\n\r\n");
  near.allowHalfOpen = true;
  gate.adopt(far);
  await once(far, "close");
  near.destroy();
});

ends("of clients that never close no more are read on than may wait for their heads", async () => {
  const gate = gateWith({ "*": wsFramer(echo()) }, { limits: { pendingHeads: 2, lingerTimeout: 60_000 } });
  const refused = async (): Promise<{ near: net.Socket; far: net.Socket }> => {
    const both = await pair();
    both.near.allowHalfOpen = true;
    both.near.write("GET / HTTP/1.1\r\nHost: other\r\n\r\n");
    assert.is((await gate.adopt(both.far).ended).kind, "refused");
    const [octets] = (await once(both.near, "data")) as [Buffer];
    assert.is(statusOf(octets.toString("latin1")), 421);
    return both;
  };
  const first = [await refused(), await refused()];
  const third = await refused();
  if (!third.far.closed) await once(third.far, "close");
  assert.equal(
    first.map(({ far }) => far.destroyed),
    [false, false],
  );
  first[0]!.near.end();
  await once(first[0]!.far, "close");
  const fourth = await refused();
  const { bytesRead } = fourth.far;
  fourth.near.write("more");
  await until(() => fourth.far.bytesRead > bytesRead, "the fourth is read on");
  assert.is(fourth.far.destroyed, false);
  for (const { near, far } of [...first, third, fourth]) {
    near.destroy();
    far.destroy();
  }
});

ends("too many pending heads: 503, counted", async () => {
  const gate = gateWith({ "*": wsFramer(echo()) }, { limits: { pendingHeads: 1 } });
  const first = await pair();
  const firstEnd = gate.adopt(first.far).ended;
  const second = await pair();
  const text = collect(second.near);
  assert.is(((await gate.adopt(second.far).ended) as { code: string }).code, "OVERLOADED");
  assert.is(statusOf(await text), 503);
  first.near.write(handshake);
  assert.is((await firstEnd).kind, "handed-over");
  first.near.destroy();
});

ends("a framer that throws before it writes is answered 500, later it is destroyed", async () => {
  const failing: [(handover: Handover) => void | Promise<void>, number][] = [
    [
      () => {
        throw new Error("no");
      },
      500,
    ],
    [
      async () => {
        throw new Error("no");
      },
      500,
    ],
    [
      ({ socket }) => {
        socket.write("HTTP/1.1 101 ");
        throw new Error("no");
      },
      101,
    ],
  ];
  for (const [framer, status] of failing) {
    const { near, far } = await pair();
    const gate = gateWith({ "*": framer });
    let abandoned = 0;
    gate.on("abandoned", () => abandoned++);
    const text = collect(near);
    near.write(handshake);
    const end = await gate.adopt(far).ended;
    assert.is((end as { code?: string }).code, "FRAMER_FAILED");
    assert.is(statusOf(await text), status);
    assert.is(abandoned, 1);
  }
});

/** A thenable that breaks the rules of promises. */
const settlesTwice = (then: (taken: () => void, failed: (cause: unknown) => void) => unknown): object => ({ then });

ends("what a framer returns matters only where it is a promise, and then once", async () => {
  const framers: unknown[] = [
    () => 1,
    () => null,
    () => settlesTwice((taken, failed) => [taken(), failed(1)]),
    () => settlesTwice((taken) => [taken(), taken()]),
  ];
  for (const framer of framers) {
    const { near, far } = await pair();
    near.write(handshake);
    assert.is((await gateWith({ "*": framer as () => void }).adopt(far).ended).kind, "handed-over");
    assert.is(far.destroyed, false);
    near.destroy();
    far.destroy();
  }
});
