// In:    sockets in every state that the caller of adopt may leave them in.
// Out:   whether every octet is delivered once, and nothing of the gate is left on them.
// Never: looks at what the policy decides; decision.test.ts does.

import { once } from "node:events";
import * as assert from "uvu/assert";
import { WebSocket, WebSocketServer } from "ws";
import type { Handover } from "#src/handover/framer.js";
import { wsFramer } from "#src/handover/ws.js";
import { BYE, collect, echo, gateWith, HI, handshake, listeners, pair } from "./support/adoption.js";
import { suite } from "./support/suite.js";
import { Client, streamPair } from "./support/tcp.js";
import { until } from "./support/until.js";
import { statusOf } from "./support/world.js";

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

ways("octets that were read before adopt come first, at every cut", async () => {
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

ways("a Duplex that is not a socket, octet by octet", async () => {
  const [near, far] = streamPair();
  const end = gateWith({ "*": wsFramer(echo()) }).adopt(far).ended;
  const text = collect(near);
  for (const octet of Buffer.concat([Buffer.from(handshake), HI, BYE])) near.write(Uint8Array.of(octet));
  assert.is((await end).kind, "handed-over");
  assert.match(await text, "\x81\x02hi");
});

ways(
  "a framer that is a function gets a paused socket, on which the gate listens for errors and the close alone",
  async () => {
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
    assert.equal(listeners(far), { ...before, error: 1, close: 1 + (before.close ?? 0) });
    assert.is(got!.signal.aborted, false);
    const closed = new Promise((resolve) => far.on("close", resolve));
    far.destroy(new Error("broken"));
    await closed;
    assert.is(got!.signal.aborted, true);
    near.destroy();
  },
);

ways("ws leaves its own listeners on the socket, and the gate one listener of 'close'", async () => {
  const plain = await pair();
  const server = echo();
  const request = { method: "GET", url: "/", socket: plain.far, headers: headersOf(handshake) };
  server.handleUpgrade(request as never, plain.far, Buffer.alloc(0), () => {});
  const adopted = await pair();
  adopted.near.write(handshake);
  await gateWith({ "*": wsFramer(server) }).adopt(adopted.far).ended;
  const own = listeners(plain.far);
  assert.equal(listeners(adopted.far), { ...own, close: own.close! + 1 });
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

for (const clientTracking of [true, false]) {
  ways(`the framer closes its own WebSockets and no others, clientTracking ${clientTracking}`, () =>
    closesOwn(clientTracking),
  );
}

async function closesOwn(clientTracking: boolean): Promise<void> {
  const server = echo({ clientTracking });
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
}

ways("after the handover a head keeps its octets alone, and makes its fields again", async () => {
  const server = echo();
  const gate = gateWith({ "*": wsFramer(server) });
  const { near, far } = await pair();
  let made: Record<string, unknown> | undefined;
  server.on("connection", (_webSocket, request) => {
    made = request.headers;
  });
  gate.adopt(far);
  const client = new WebSocket("ws://a/chat", { createConnection: () => near });
  await once(client, "open");
  const [webSocket] = server.clients;
  const { headers } = gate.decisionOf(webSocket!)!.head;
  assert.equal({ ...headers }, { ...made });
  assert.is.not(headers, made);
  client.terminate();
});
