// In:    requests that take their time, through a gate that gives them to an http.Server: expectations, early responses, upgrades, slow readers.
// Out:   whether each gets what it waits for, and no more is read or written than the other side takes.
// Never: looks into the gate; the application, the client and the gate's events are compared.

import { once } from "node:events";
import type http from "node:http";
import type net from "node:net";
import type { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { createGate } from "#src/gate.js";
import type { ConnectionEnd } from "#src/outcome/end.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import {
  application,
  atEveryCut,
  bodies,
  CUTS,
  chunks,
  expecting,
  foreign,
  get,
  handshake,
  last,
  nothingIsLeft,
  openWorld,
  post,
  type Seen,
  type Setting,
  said,
  statuses,
  targets,
  written,
} from "./support/requests.js";
import { suite } from "./support/suite.js";
import { octetsOf, openDoor } from "./support/tcp.js";
import { settled, turn, until } from "./support/until.js";

const lasting = suite("requests: 100-continue, early responses, upgrades");

lasting("100, then the body, then the response", async () => {
  for (const way of ["tcp", "memory"] as const) {
    for (const cut of CUTS) {
      const world = await openWorld();
      const client = await world.connect(way);
      await client.send(get("/1") + expecting("/2"), cut);
      await until(() => client.received.includes("HTTP/1.1 100 Continue\r\n\r\n"), "100 Continue");
      assert.is(world.app.seen.length, 2);
      await client.send(`hello${last}`, cut);
      const responses = await client.all();
      assert.equal(statuses(responses), [200, 200, 200]);
      assert.equal(
        responses.map(({ interim }) => interim),
        [[], [100], []],
      );
      assert.is(world.app.seen[1]!.body, "hello");
      await world.close();
    }
  }
  // A client that does not wait.
  await atEveryCut(`${expecting("/1")}hello${expecting("/2?early")}world${last}`, [], ({ responses, seen }) => {
    assert.equal(statuses(responses), [200, 200, 200]);
    assert.equal(
      seen.map(({ body }) => body),
      ["hello", "world", ""],
    );
  });
});

lasting("a server that rules on 100-continue itself", async () => {
  const ruling = (): Setting => {
    const app = application();
    app.server.on("checkContinue", (request: http.IncomingMessage, response: http.ServerResponse) => {
      if (!request.url!.includes("unread")) response.writeContinue();
      app.handle(request, response);
    });
    return { app };
  };
  await atEveryCut(
    `${expecting("/1")}hello${last}`,
    [],
    ({ responses }) => {
      assert.equal(statuses(responses), [200, 200]);
      assert.equal(responses[0]!.interim, [100]);
    },
    ruling,
  );
  // A final response without 100 ends the connection: the client may or may not send the body.
  for (const body of ["", "hello", `hello${get("/smuggled")}`, get("/smuggled")]) {
    await atEveryCut(
      expecting("/1?unread&status=403") + body,
      [],
      ({ responses, seen }) => {
        assert.equal(statuses(responses), [403]);
        assert.equal(responses[0]!.interim, []);
        assert.is(seen.length, 1);
      },
      ruling,
    );
  }
  const other = "GET /1 HTTP/1.1\r\nHost: a\r\nExpect: something\r\n\r\n";
  const unseen = (): Setting => ({ disagree: true });
  await atEveryCut(other + last, [], ({ responses }) => assert.equal(statuses(responses), [417, 200]), unseen);
});

lasting("a response before the body has come in, and the next request after that body", async () => {
  const body = "z".repeat(70_000);
  const whole = post("/1?early&size=100", body);
  for (const way of ["tcp", "memory"] as const) {
    for (const split of [whole.length - body.length, whole.length - 35_000, whole.length - 1]) {
      const world = await openWorld();
      const client = await world.connect(way);
      await client.send(whole.slice(0, split));
      await client.responses(1);
      await client.send(whole.slice(split) + get("/2") + foreign);
      assert.equal(statuses(await client.all()), [200, 200, 421]);
      assert.is(world.app.seen[0]!.body.length, body.length);
      await world.close();
    }
  }
});

lasting("a last response arrives though the client is still sending", async () => {
  const world = await openWorld();
  const client = await world.connect();
  await client.send(`POST /1?unread&close&size=1000 HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n`);
  for (let i = 0; i < 20; i++) await client.send("z".repeat(50_000));
  client.stream.end();
  assert.equal(bodies(await client.all()), [said("POST", "/1?unread&close&size=1000")]);
  await world.close();
});

/** A masked text frame with the text "hi", and one that closes with 1000 (RFC 6455 §5.7, §5.5.1). */
const HI = Buffer.of(0x81, 0x82, 1, 2, 3, 4, 0x68 ^ 1, 0x69 ^ 2);
const BYE = Buffer.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8);
const ECHOED = Buffer.of(0x81, 0x02, 0x68, 0x69, 0x81, 0x02, 0x68, 0x69, 0x88, 0x02, 0x03, 0xe8);
const echoing = (): WebSocketServer =>
  new WebSocketServer({ noServer: true }).on("connection", (webSocket) => {
    webSocket.on("message", (data, isBinary) => webSocket.send(data, { binary: isBinary }));
  });

lasting("a WebSocket as third request, frames glued to it", async () => {
  const octets = Buffer.concat([
    octetsOf(get("/1?size=90&pieces=3") + chunks("/2?delay=3", "3\r\nabc\r\n0\r\n\r\n") + handshake("a")),
    HI,
    HI,
    BYE,
  ]);
  for (const way of ["tcp", "memory"] as const) {
    for (const cut of [...CUTS, 5, 6, 7, 8]) {
      const world = await openWorld({ echo: echoing() });
      const client = await world.connect(way);
      await client.send(octets, cut);
      const responses = await client.responses(3);
      assert.equal(statuses(responses), [200, 200, 101], `${way}, ${cut}`);
      assert.is(bodies(responses)[0], said("GET", "/1?size=90&pieces=3"));
      const before = client.received.indexOf("\r\n\r\n", client.received.indexOf(" 101 ")) + 4;
      const received = await client.octets(before + ECHOED.length);
      assert.equal(received.subarray(before), ECHOED, `${way}, ${cut}`);
      await client.closed();
      assert.is((await world.ends[0]!).kind, "handed-over");
      await world.close();
      assert.is(world.app.seen.length, 2);
      assert.is(world.app.seen[1]!.body, "abc");
    }
  }
});

lasting(
  "after the handover the gate listens for the close of the socket alone, and the socket has its own allowHalfOpen",
  async () => {
    const app = application();
    let taken: Duplex | undefined;
    const gate = createGate({
      vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": ({ socket }) => void (taken = socket) } }],
      requests: app.server,
    });
    app.server.keepAliveTimeout = 1;
    let before: Record<string, number> = {};
    const listeners = (socket: Duplex): Record<string, number> =>
      Object.fromEntries(
        ["data", "end", "close", "timeout", "drain"].map((name) => [name, socket.listenerCount(name)]),
      );
    const ends: Promise<ConnectionEnd>[] = [];
    const door = await openDoor((socket) => {
      before = listeners(socket);
      ends.push(gate.adopt(socket).ended);
    });
    const client = await door.connect();
    await client.send(get("/1") + handshake("a"));
    assert.is((await ends[0]!).kind, "handed-over");
    assert.equal(listeners(taken!), { ...before, close: before.close! + 1 });
    assert.is(taken!.allowHalfOpen, false);
    assert.is((taken as net.Socket).timeout, 0);
    assert.ok(taken!.isPaused());
    client.stream.destroy();
    taken!.destroy();
    await door.close();
  },
);

lasting("a refused upgrade as second request", async () => {
  await atEveryCut(get("/1") + handshake("b"), [], ({ responses }) => assert.equal(statuses(responses), [200, 421]));
  const elsewhere = handshake("a").replace("/live", "/dead");
  await atEveryCut(get("/1") + elsewhere, [], ({ responses }) => assert.equal(statuses(responses), [200, 404]));
});

lasting("without requests 426, a body unread", async () => {
  const gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": () => {} } }] });
  const door = await openDoor((socket) => gate.adopt(socket));
  const client = await door.connect();
  await client.send(post("/1", "x".repeat(300_000)));
  const [response] = await client.all();
  assert.is(response!.statusCode, 426);
  assert.is(response!.fields.get("upgrade"), "websocket");
  await door.close();
});

const backpressure = suite("requests: backpressure");
backpressure.after(nothingIsLeft);

const PIECE = Buffer.alloc(65_536, "p");
const PIECES = 400;

backpressure("a slow reader slows the application, and is refused only after the complete response", async () => {
  const app = application();
  let written = 0;
  app.server.removeAllListeners("request").on("request", async (request, response) => {
    app.seen.push({ method: "GET", target: request.url!, host: "a" } as Seen);
    for (; written < PIECES; written++) if (!response.write(PIECE)) await once(response, "drain");
    response.end();
  });
  const world = await openWorld({ app });
  const client = await world.connect();
  client.stream.pause();
  await client.send(get("/1") + foreign);
  const stuck = await settled(() => written);
  assert.ok(stuck < PIECES, "the application was not slowed down");
  const socket = world.door.sockets[0] as net.Socket;
  assert.ok(socket.writableLength < 200_000, `${socket.writableLength} octets wait`);
  assert.is(world.refused.length, 0);
  client.stream.resume();
  await client.closed();
  const responses = await client.all();
  assert.equal(statuses(responses), [200, 421]);
  assert.is(responses[0]!.body.length, PIECES * PIECE.length);
  await world.close();
});

backpressure("1 MB in one piece to a slow reader, then a refusal", async () => {
  const world = await openWorld();
  const client = await world.connect();
  client.stream.pause();
  await client.send(get("/1?size=1000000") + foreign);
  await settled(() => written(world));
  while (!client.isClosed) {
    client.stream.resume();
    await client.news();
    client.stream.pause();
  }
  const responses = await client.all();
  assert.equal(statuses(responses), [200, 421]);
  assert.is(bodies(responses)[0], said("GET", "/1?size=1000000"));
  await world.close();
});

backpressure("an application that does not read slows the client", async () => {
  const app = application();
  let read = 0;
  let go = (): void => {};
  app.server.removeAllListeners("request").on("request", (request, response) => {
    app.seen.push({ method: request.method, target: request.url!, host: "a" } as Seen);
    go = () => {
      request.on("data", (octets: Buffer) => (read += octets.length));
      request.on("end", () => response.end("read"));
    };
    if (request.method === "GET") response.end();
  });
  const world = await openWorld({ app });
  const client = await world.connect();
  client.stream.write(`POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: ${PIECES * PIECE.length}\r\n\r\n`);
  for (let i = 0; i < PIECES; i++) client.stream.write(PIECE);
  client.stream.write(last);
  const socket = world.door.sockets[0] as net.Socket;
  const stuck = await settled(() => socket.bytesRead);
  assert.ok(stuck < 400_000, `${stuck} octets were read`);
  go();
  assert.equal(bodies(await client.all()), ["read", ""]);
  assert.is(read, PIECES * PIECE.length);
  await world.close();
});

backpressure("requests after one that is not answered are not read without end", async () => {
  const app = application();
  let response: http.ServerResponse | undefined;
  app.server.on("request", (_request, one) => (response = one));
  const world = await openWorld({ app });
  const client = await world.connect();
  client.stream.write(get("/1?never"));
  const flood = octetsOf(get("/2").repeat(2000));
  for (let i = 0; i < 200; i++) client.stream.write(flood);
  const socket = world.door.sockets[0] as net.Socket;
  const stuck = await settled(() => socket.bytesRead);
  assert.ok(stuck < 400_000, `${stuck} octets were read`);
  assert.equal(targets(world.app.seen), ["/1?never"]);
  // A paused socket does not hear that its client has gone; writing shows it.
  (client.stream as net.Socket).resetAndDestroy();
  await client.closed();
  await turn();
  response!.end("too late");
  const end = await world.ends[0]!;
  assert.is(end.kind === "abandoned" && end.code, "SOCKET_ERROR");
  await world.close();
  assert.equal(targets(world.app.seen), ["/1?never"]);
});
