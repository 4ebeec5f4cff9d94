// In:    sockets in every state that a giver may leave them in.
// Out:   whether each ends in exactly one end, with every octet delivered once and nothing left behind.
// Never: looks at what the policy decides; decision.test.ts does.

import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import net from "node:net";
import type { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import { WebSocket, WebSocketServer } from "ws";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import type { Handover } from "#src/handover/framer.js";
import { wsFramer } from "#src/handover/ws.js";
import type { ConnectionEnd } from "#src/outcome/end.js";
import { NO_LISTEN, NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { suite } from "./support/suite.js";
import { Client, streamPair } from "./support/tcp.js";
import { turn, until } from "./support/until.js";
import { handshakeFields, openWorld, statusOf } from "./support/world.js";

const handshake = `GET /chat HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`;
/** A masked text frame that says "hi", and one that closes with 1000 (RFC 6455 §5.7, §5.5.1). */
const HI = Uint8Array.of(0x81, 0x82, 1, 2, 3, 4, 0x68 ^ 1, 0x69 ^ 2);
const BYE = Uint8Array.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8);

const echo = (): WebSocketServer =>
  new WebSocketServer({ noServer: true }).on("connection", (webSocket) => {
    webSocket.on("message", (data, isBinary) => webSocket.send(data, { binary: isBinary }));
  });

function gateWith(framer: GateOptions["vhosts"][0]["upgrades"], more: Partial<GateOptions> = {}): Gate {
  return createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: framer! }], ...more });
}

/** Two ends of one connection, the far end accepted by a plain server in the given manner. */
async function pair(options: net.ServerOpts = {}): Promise<{ near: net.Socket; far: net.Socket }> {
  const server = net.createServer(options).listen(0, "127.0.0.1");
  await once(server, "listening");
  const near = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  near.on("error", () => {});
  const [far] = (await once(server, "connection")) as [net.Socket];
  server.close();
  return { near, far };
}

async function collect(socket: Duplex): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  await once(socket, "close");
  return text;
}

const listeners = (socket: Duplex): Record<string, number> =>
  Object.fromEntries(socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]));

const ways = suite("adoption: every octet once");

for (const [manner, options] of Object.entries({ flowing: {}, paused: { pauseOnConnect: true } })) {
  ways(`a ${manner} socket reaches ws, early frames and all`, async () => {
    const { near, far } = await pair(options);
    near.write(Buffer.concat([Buffer.from(handshake), HI, HI]));
    near.write(HI);
    const end = gateWith({ "*": wsFramer(echo()) }).adopt(far).ended;
    const client = new Client(near);
    const echoes = (): number => client.received.toString("latin1").match(/\x81\x02hi/g)?.length ?? 0;
    assert.is((await end).kind, "handed-over");
    await until(() => echoes() >= 3, "three echoes");
    near.write(BYE);
    await client.closed();
    assert.is(echoes(), 3);
  });
}

ways("octets that the giver has read come first, at every cut", async () => {
  const whole = Buffer.concat([Buffer.from(handshake), HI, BYE]);
  for (let cut = 1; cut < whole.length; cut += 7) {
    const { near, far } = await pair({ pauseOnConnect: true });
    near.write(whole.subarray(cut));
    const text = collect(near);
    const end = await gateWith({ "*": wsFramer(echo()) }).adopt(far, { rest: whole.subarray(0, cut) }).ended;
    assert.is(end.kind, "handed-over");
    assert.match((await text).split("\r\n\r\n")[1]!, "\x81\x02hi", `cut at ${cut}`);
  }
});

ways("octets beyond ASCII are kept as they are, at every cut", async () => {
  const head = Buffer.from(handshake.replace("\r\n\r\n", "\r\nX-All: \x80\xa0\xe9\xff\r\n\r\n"), "latin1");
  for (let cut = head.length - 12; cut < head.length; cut++) {
    const [near, far] = streamPair();
    let value: string | undefined;
    const end = gateWith({ "*": ({ head }) => void (value = head.field("x-all")) }).adopt(far).ended;
    near.write(head.subarray(0, cut));
    near.write(head.subarray(cut));
    assert.is((await end).kind, "handed-over");
    assert.is(value, "\x80\xa0\xe9\xff");
    near.destroy();
  }
});

ways("a Duplex that is no socket, octet by octet", async () => {
  const [near, far] = streamPair();
  const end = gateWith({ "*": wsFramer(echo()) }).adopt(far).ended;
  const text = collect(near);
  for (const octet of Buffer.concat([Buffer.from(handshake), HI, BYE])) near.write(Uint8Array.of(octet));
  assert.is((await end).kind, "handed-over");
  assert.match(await text, "\x81\x02hi");
});

ways("a framer that is a function gets a paused socket without listeners of the gate", async () => {
  const { near, far } = await pair();
  const before = listeners(far);
  let got: Handover | undefined;
  const gate = gateWith({
    "/chat": (handover: Handover) => {
      got = handover;
      assert.is(handover.socket.isPaused(), true);
    },
  });
  near.write(Buffer.concat([Buffer.from(handshake), HI]));
  assert.is((await gate.adopt(far).ended).kind, "handed-over");
  assert.equal(Buffer.from(got!.rest), Buffer.from(HI));
  // It listens for no errors, and one must not end the process.
  assert.equal(listeners(far), { ...before, error: 1 });
  assert.is(got!.signal.aborted, false);
  const closed = new Promise((resolve) => far.on("close", resolve));
  far.destroy(new Error("broken"));
  await closed;
  assert.is(got!.signal.aborted, true);
  near.destroy();
});

ways("ws leaves its own listeners on the socket, and the gate none", async () => {
  const plain = await pair();
  const server = echo();
  const request = { method: "GET", url: "/", socket: plain.far, headers: headersOf(handshake) };
  server.handleUpgrade(request as never, plain.far, Buffer.alloc(0), () => {});
  const adopted = await pair();
  adopted.near.write(handshake);
  await gateWith({ "*": wsFramer(server) }).adopt(adopted.far).ended;
  assert.equal(listeners(adopted.far), listeners(plain.far));
  for (const socket of [plain.near, plain.far, adopted.near, adopted.far]) socket.destroy();
});

function headersOf(head: string): Record<string, string> {
  const lines = head.split("\r\n").slice(1, -2);
  return Object.fromEntries(lines.map((line) => [line.split(": ")[0]!.toLowerCase(), line.split(": ")[1]!]));
}

ways("verifyClient may take its time and may say no", async () => {
  for (const verdict of [true, false]) {
    const server = new WebSocketServer({
      noServer: true,
      verifyClient: (_info: unknown, done: (result: boolean, code?: number) => void) =>
        setTimeout(done, 20, verdict, 401),
    }).on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(data)));
    const { near, far } = await pair({ pauseOnConnect: true });
    near.write(Buffer.concat([Buffer.from(handshake), HI, BYE]));
    const text = collect(near);
    await gateWith({ "*": wsFramer(server) }).adopt(far).ended;
    const received = await text;
    assert.is(statusOf(received), verdict ? 101 : 401);
    assert.is(/hi/.test(received), verdict);
  }
});

ways("the framer closes its own WebSockets and no others", async () => {
  const server = echo();
  const [one, other] = [wsFramer(server), wsFramer(server)];
  const gates = [one, other].map((framer) => gateWith({ "*": framer }));
  const codes: number[] = [];
  const clients: WebSocket[] = [];
  for (const gate of gates) {
    const { near, far } = await pair();
    gate.adopt(far);
    const client = new WebSocket("ws://a/chat", { createConnection: () => near });
    client.on("close", (code) => codes.push(code));
    await once(client, "open");
    clients.push(client);
  }
  await one.close!(1001);
  await until(() => codes.length > 0, "the first one's client is closed");
  // The second one's would have been closed before it answers.
  clients[1]!.ping();
  await once(clients[1]!, "pong");
  assert.equal(codes, [1001]);
  assert.is(clients[1]!.readyState, WebSocket.OPEN);
  await other.close!(1001, AbortSignal.abort());
  await until(() => codes.length > 1, "the second one's client is closed");
  assert.is(codes.length, 2);
  assert.is(clients[1]!.readyState, WebSocket.CLOSED);
});

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

ends("a refusal arrives though a megabyte was sent behind the head", async () => {
  const { end, text } = await endOf((near) => {
    near.write("GET / HTTP/1.1\r\nHost: other\r\n\r\n");
    near.write(Buffer.alloc(1 << 20, "x"));
  });
  assert.is(end.kind, "refused");
  assert.is(statusOf(text), 421);
  assert.match(text, /\r\n\r\nMisdirected Request\n$/);
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

/** A promise of somebody who does not keep to the rules of promises. */
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

const faces = suite("adoption: events and misuse");

faces("each outcome is an event and a diagnostics message, with the decision", async () => {
  const messages: [string, object][] = [];
  const names = ["accepted", "refused", "malformed", "abandoned"] as const;
  const subscribers = names.map((name) => (message: unknown) => messages.push([name, message as object]));
  for (const [i, name] of names.entries()) channel(`headgate:${name}`).subscribe(subscribers[i]!);
  const events: string[] = [];
  const gate = gateWith({ "*": wsFramer(echo()) }, { requests: (_request, response) => response.end("served") });
  gate.on("accepted", ({ upgrade, vhost }) => events.push(`handover ${upgrade} ${vhost.name}`));
  gate.on("refused", ({ code }) => events.push(code));
  gate.on("malformed", ({ fault, arrival }) => events.push(`${fault.code} ${arrival.scheme}`));
  gate.on("abandoned", ({ code }) => events.push(code));
  const world = await openWorld(() => gate);
  await world.send(handshake);
  await world.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  await world.send("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
  await world.send("GET / HTTP/1.1\r\n\r\n");
  await world.close();
  for (const [i, name] of names.entries()) channel(`headgate:${name}`).unsubscribe(subscribers[i]!);
  assert.equal(events, ["handover true a", "handover false a", "NAME_UNKNOWN", "HOST_MISSING http"]);
  assert.equal(
    messages.map(([name]) => name),
    ["accepted", "accepted", "refused", "malformed"],
  );
  // The channel carries what the event does.
  assert.equal(
    messages.map(([, message]) => (message as { kind: string }).kind),
    ["accepted", "accepted", "refused", "malformed"],
  );
  assert.ok("fault" in messages[3]![1]);
});

faces("the scheme follows the giver, the socket, the declaration", async () => {
  const schemes: (string | undefined)[] = [];
  for (const [declared, arrival, encrypted] of [
    [undefined, {}, false],
    ["https", {}, false],
    ["https", { scheme: "http" }, false],
    ["http", {}, true],
    [undefined, { scheme: "http" }, true],
  ] as const) {
    const { near, far } = await pair();
    if (encrypted) Object.assign(far, { encrypted });
    const gate = gateWith({ "*": () => {} }, declared === undefined ? {} : { scheme: declared });
    gate.on("accepted", (decision) => schemes.push(`${decision.arrival.scheme} ${decision.arrival.schemeSource}`));
    near.write(handshake);
    await gate.adopt(far, { arrival }).ended;
    near.destroy();
    far.destroy();
  }
  assert.equal(schemes, ["http default", "https declared", "http given", "https tls", "https tls"]);
});

faces("addresses and ports of an arrival are the socket's, unless they are given", async () => {
  const { near, far } = await pair();
  const gate = gateWith({ "*": () => {} });
  near.write(handshake);
  const end = await gate.adopt(far, { arrival: { remoteAddress: "192.0.2.7" } }).ended;
  if (end.kind !== "handed-over") throw new Error(end.kind);
  const { arrival } = end.decision;
  const shown = {
    scheme: "http",
    schemeSource: "default",
    remoteAddress: "192.0.2.7",
    remotePort: near.localPort,
    localAddress: "127.0.0.1",
    localPort: near.remotePort,
    unix: false,
  };
  assert.is(arrival.remotePort, shown.remotePort);
  assert.equal(JSON.parse(JSON.stringify(arrival)), shown);
  near.destroy();
  far.destroy();
});

faces("a framer that takes its time loses nothing of a socket whose head its giver had read", async () => {
  const { near, far } = await pair();
  far.pause();
  let goOn = (): void => {};
  const ready = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const taken: Buffer[] = [];
  const gate = gateWith({
    "*": async ({ socket }) => {
      await ready;
      socket.on("data", (octets: Buffer) => taken.push(octets)).resume();
    },
  });
  const end = gate.adopt(far, { rest: Buffer.from(handshake) }).ended;
  await new Promise((resolve) => near.write("early", resolve));
  await turn();
  goOn();
  assert.is((await end).kind, "handed-over");
  near.end("late");
  await once(far, "end");
  assert.is(Buffer.concat(taken).toString(), "earlylate");
  far.destroy();
});

faces("an end can be waited for early, late, never, and by any means of a promise", async () => {
  const { near, far } = await pair();
  const end = gateWith({ "*": wsFramer(echo()) }).adopt(far).ended;
  const early = end.then(({ kind }) => kind);
  near.end();
  assert.is(await early, "abandoned");
  assert.is((await end).kind, "abandoned");
  assert.is((await Promise.all([end, end.catch(() => null)]))[1]?.kind, "abandoned");
  let settled = 0;
  await end.finally(() => settled++);
  assert.is(settled, 1);
  assert.is(`${end}`, "[object Promise]");
});

faces("an adoption may be narrowed, and Host cannot widen it", async () => {
  const vhosts = ["a", "b"].map((name) => ({ name, port: NO_LISTEN_SERVER, upgrades: { "*": () => {} } }));
  const gate = createGate({ vhosts });
  for (const [only, kind] of [
    ["a", "handed-over"],
    ["b", "refused"],
  ] as const) {
    const { near, far } = await pair();
    near.write(handshake);
    assert.is((await gate.narrow([only]).adopt(far).ended).kind, kind);
    near.destroy();
    far.destroy();
  }
  const { near, far } = await pair();
  assert.throws(() => gate.narrow(["c"]), /no vhost is named c/);
  near.destroy();
  far.destroy();
});

faces("a client is told why only where the gate exposes it", async () => {
  for (const [expose, request, phrase, why] of [
    [true, "GET / HTTP/1.1\r\nHost: evil\r\n\r\n", "Misdirected Request", "host evil matches none of the vhosts: a .*"],
    [false, "GET / HTTP/1.1\r\nHost: evil\r\n\r\n", "Misdirected Request", ""],
    [true, "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "Bad Request", "there is white space between .*"],
    [false, "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "Bad Request", ""],
    [
      true,
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "Upgrade Required",
      "GET / does not ask for an upgrade, and nothing here serves other requests .*",
    ],
    [true, "HEAD / HTTP/1.1\r\nHost: evil\r\n\r\n", "", ""],
  ] as const) {
    const { near, far } = await pair();
    const text = collect(near);
    near.write(request);
    await gateWith({}, { expose }).adopt(far).ended;
    const body = (await text).split("\r\n\r\n")[1]!;
    const lines = [phrase, why].filter((line) => line !== "").map((line) => `${line}\n`);
    assert.match(body, new RegExp(`^${lines.join("")}$`));
  }
});

faces("misuse is a TypeError that says the fix", async () => {
  const { near, far } = await pair();
  const upgrades = { "*": () => {} };
  const throws = (make: () => unknown, sentence: RegExp): void => {
    assert.throws(make, (error: unknown) => error instanceof TypeError && sentence.test(error.message));
  };
  const adopt = (port?: "local" | "NO_LISTEN") => () =>
    createGate({ vhosts: [{ name: "a", upgrades, ...(port && { port }) }] }).adopt(far).ended;
  throws(adopt(), /vhost a has no port.*NO_LISTEN_SERVER/);
  throws(adopt("local"), /"local".*listens on no port/);
  throws(adopt(NO_LISTEN), /every vhost has port NO_LISTEN/);
  const gate = gateWith(upgrades);
  throws(() => gate.adopt({} as never), /adopt takes a net.Socket/);
  const given = await pair();
  gate.adopt(given.far);
  throws(() => gate.adopt(given.far), /takes a socket once/);
  given.near.destroy();
  given.far.destroy();
  throws(() => gate.adopt(far, { rest: "GET" as never }), /rest must be/);
  throws(() => gate.adopt(far, { arrival: { scheme: "wss" as never } }), /arrival.scheme is "wss"/);
  throws(() => gate.adopt(far, { arrival: { localPort: "443" as never } }), /arrival.localPort is "443"/);
  throws(
    () => gate.adopt(far, { arrival: { remoteAdress: "::1" } as never }),
    /remoteAdress is not a setting of arrival/,
  );
  throws(() => gate.adopt(far, { arrival: { unix: true, remoteAddress: "::1" } }), /arrival\.unix is true; it must be/);
  throws(() => gate.adopt(far, { vhost: ["a"] } as never), /vhost is not a setting of an adoption/);
  throws(() => gate.narrow("a" as never), /must be a list of names/);
  throws(() => createGate({} as never), /at least one vhost/);
  throws(() => createGate(undefined as never), /a gate must be an object/);
  throws(() => gateWith({ "*": echo() as never }), /is a WebSocketServer; wrap it/);
  throws(() => gate.adopt(far.setEncoding("utf8")), /setEncoding/);
  throws(() => gateWith({ "*": 1 as never }), /is not a framer/);
  throws(() => gateWith(upgrades, { requests: 1 as never }), /requests must be/);
  throws(() => gateWith(upgrades, { expose: "yes" as never }), /expose is yes; it must be true or false/);
  throws(() => gateWith(upgrades, { trusted: true } as never), /trusted is not a setting of a gate/);
  throws(() => gateWith(upgrades, { limits: { headBits: 1 } as never }), /limits.headBits is not a limit/);
  assert.throws(() => gateWith(upgrades, { limits: { headBytes: 1 } }), /limits.headBytes is 1; .* from 16 to 131072/);
  throws(() => wsFramer({} as never), /wsFramer takes a WebSocketServer/);
  near.destroy();
  far.destroy();
});
