// In:    connections of a gate that gives requests to an http.Server, and everything that may end them.
// Out:   whether each comes to one end, with all responses that were due, and nothing is left.
// Never: looks into the gate; the application, the client and the gate's events are compared.

import { once } from "node:events";
import type net from "node:net";
import { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import { createGate } from "#src/gate.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import {
  application,
  atEveryCut,
  bodies,
  chunks,
  foreign,
  get,
  handshake,
  nothingIsLeft,
  openWorld,
  post,
  said,
  statuses,
  targets,
  written,
} from "./support/requests.js";
import { suite } from "./support/suite.js";
import { until } from "./support/until.js";

const ending = suite("requests: how connections end");

ending("a client that ends after its last request gets its responses", async () => {
  for (const octets of [
    get("/1"),
    get("/1?delay=40"),
    get("/1?delay=20") + get("/2?delay=20") + post("/3?delay=20", "abc"),
  ]) {
    for (const way of ["tcp", "memory"] as const) {
      for (const cut of ["whole", 1, 2] as const) {
        const world = await openWorld();
        const client = await world.connect(way);
        await client.send(octets, cut);
        client.stream.end();
        const responses = await client.all();
        assert.equal(
          bodies(responses),
          world.app.seen.map(({ method, target }) => said(method, target)),
        );
        assert.is(responses.length, octets.split("HTTP/1.1").length - 1);
        assert.is((await world.ends[0]!).kind, "served");
        await world.close();
      }
    }
  }
});

ending("an ended client's refusal arrives as well, and half a head after it is dropped", async () => {
  const world = await openWorld();
  const refused = await world.connect();
  await refused.send(get("/1?delay=20") + foreign);
  refused.stream.end();
  assert.equal(statuses(await refused.all()), [200, 421]);
  const half = await world.connect();
  await half.send(`${get("/2?delay=20")}GET /half`);
  half.stream.end();
  assert.equal(statuses(await half.all()), [200]);
  assert.is((await world.ends[1]!).kind, "served");
  await world.close();
});

ending("an ended client that asks for a WebSocket after a slow response", async () => {
  const world = await openWorld();
  const client = await world.connect();
  await client.send(get("/1?delay=20") + handshake("a"));
  client.stream.end();
  assert.equal(statuses(await client.all()), [200]);
  await world.close();
  assert.equal(world.refused, ["PEER_ENDED requests"]);
});

ending("an application that does not answer an ended client is told in time", async () => {
  const world = await openWorld({ limits: { lingerTimeout: 60 } });
  const client = await world.connect();
  await client.send(get("/1?never"));
  client.stream.end();
  const started = performance.now();
  assert.equal(await client.all(), []);
  assert.ok(performance.now() - started > 40);
  await world.close();
  assert.ok(world.app.seen[0]!.vanished);
});

ending("a client that ends or vanishes within a body", async () => {
  for (const go of [
    (socket: net.Socket) => void socket.end(),
    (socket: net.Socket) => void socket.destroy(),
    (socket: net.Socket) => void socket.resetAndDestroy(),
  ]) {
    for (const octets of [
      post("/1", "x".repeat(100)).slice(0, -50),
      chunks("/1", "5\r\nhe"),
      chunks("/1", "5\r\nhello\r\n0\r\n"),
    ]) {
      const world = await openWorld();
      const client = await world.connect();
      await client.send(get("/0") + octets);
      await client.responses(1);
      await until(() => world.app.seen.length === 2, "the application has both");
      go(client.stream as net.Socket);
      const end = await world.ends[0]!;
      assert.is(end.kind, "abandoned");
      assert.match(world.refused.join(), /^(?:PEER_ENDED|SOCKET_ERROR) requests$/);
      await world.close();
      assert.is(world.app.seen[1]!.state, "aborted");
    }
  }
});

ending("a client that vanishes within a response", async () => {
  const world = await openWorld();
  const client = await world.connect();
  client.stream.pause();
  await client.send(get("/1?size=20000000&pieces=100"));
  await until(() => world.app.seen.length === 1, "the application has the request");
  await until(() => written(world) > 0, "the response begins");
  (client.stream as net.Socket).resetAndDestroy();
  const end = await world.ends[0]!;
  assert.is(end.kind === "abandoned" && end.code, "SOCKET_ERROR");
  await world.close();
  assert.ok(world.app.seen[0]!.vanished);
});

ending("a stream that breaks and does not destroy itself", async () => {
  const app = application();
  const gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }], requests: app.server });
  const broken = new Duplex({
    autoDestroy: false,
    read() {},
    write: (_octets, _encoding, done) => done(new Error("broken")),
  });
  const ended = gate.adopt(broken).ended;
  broken.push(get("/1") + get("/2"));
  const end = await ended;
  assert.is(end.kind === "abandoned" && end.code, "SOCKET_ERROR");
  await until(() => broken.destroyed, "the stream is destroyed");
  assert.equal(targets(app.seen), ["/1"]);
  assert.ok(app.seen[0]!.vanished);
});

ending("a client that leaves between requests was served", async () => {
  const world = await openWorld();
  const client = await world.connect();
  await client.send(get("/1"));
  await client.responses(1);
  client.stream.end();
  await client.closed();
  assert.is((await world.ends[0]!).kind, "served");
  await world.close();
});

ending("a server that destroys the connection", async () => {
  for (const octets of [
    get("/1?destroy"),
    post("/1?unread&destroy", "x".repeat(100_000)) + get("/2"),
    get("/0") + get("/1?destroy") + get("/2"),
  ]) {
    const world = await openWorld();
    const client = await world.connect();
    await client.send(octets);
    await client.closed();
    assert.is((await world.ends[0]!).kind, "served");
    await world.close();
  }
});

ending("a server that destroys the connection while it takes a request: what follows goes nowhere", async () => {
  for (const behind of [chunks("/2?unread&destroy", "z"), post("/2?unread&destroy", "abc") + get("/3") + foreign]) {
    await atEveryCut(get("/1") + behind, [], ({ responses, seen, refused, end, label }) => {
      assert.equal(statuses(responses), [200], label);
      assert.equal(targets(seen), ["/1", "/2?unread&destroy"]);
      assert.equal(refused, []);
      assert.is(end.kind, "served");
    });
  }
});

ending("a server that destroys the connection of a client that has ended leaves no timer", async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const world = await openWorld();
  const before = timers();
  const client = await world.connect();
  await client.send(get("/1?delay=20&destroy"));
  client.stream.end();
  await client.closed();
  await world.close();
  assert.is(timers(), before);
});

ending("a server that destroys each connection as it comes in", async () => {
  const app = application();
  app.server.on("connection", (socket) => socket.destroy());
  const world = await openWorld({ app, disagree: true });
  const client = await world.connect();
  await client.send(chunks("/1", "z") + get("/2"));
  assert.equal(await client.all(), []);
  assert.is((await world.ends[0]!).kind, "served");
  await world.close();
  assert.equal(app.seen, []);
});

ending("closeIdleConnections and closeAllConnections reach connections of the gate", async () => {
  const world = await openWorld();
  // Node keeps a list of connections only while it listens.
  world.app.server.listen(0, "127.0.0.1");
  await once(world.app.server, "listening");
  const idle = await world.connect();
  const busy = await world.connect();
  await idle.send(get("/1"));
  await idle.responses(1);
  await busy.send(get("/2?never"));
  await until(() => world.app.seen.length === 2, "the application has both");
  world.app.server.closeIdleConnections();
  await idle.closed();
  assert.not(busy.stream.destroyed);
  world.app.server.closeAllConnections();
  await busy.closed();
  world.app.server.close();
  await world.close();
});

ending("what the server's own parser refuses is answered by the server", async () => {
  const unknown = "FOO /2 HTTP/1.1\r\nHost: a\r\n\r\n";
  await atEveryCut(
    get("/1") + unknown + get("/3"),
    [],
    ({ responses, seen }) => {
      assert.equal(statuses(responses), [200, 400]);
      assert.is(seen.length, 1);
    },
    () => ({ disagree: true }),
  );
});

ending("what the server answers before it destroys the connection arrives at a client that still sends", async () => {
  const world = await openWorld({ disagree: true });
  const client = await world.connect();
  const faults: Error[] = [];
  client.stream.on("error", (error) => faults.push(error));
  client.stream.write("FOO /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n");
  client.stream.write(Buffer.alloc(4_000_000));
  await client.send("x");
  assert.equal(statuses(await client.all()), [400]);
  // A reset would overtake the response on a longer way than this one.
  assert.equal(faults, []);
  await world.close();
});

ending("times: a head that never completes, an idle connection, an application's own timeout", async () => {
  const halfHead = async (): Promise<void> => {
    const world = await openWorld({ limits: { headTimeout: 300 } });
    const client = await world.connect();
    const started = performance.now();
    await client.send(get("/1") + get("/2").slice(0, 20));
    await client.responses(1);
    assert.is(world.gate.pendingHeads, 1);
    assert.equal(statuses(await client.all()), [200, 408]);
    assert.ok(performance.now() - started > 290);
    await world.close();
    assert.equal(world.refused, ["HEAD_TIMEOUT requests"]);
  };
  // Node keeps an idle connection a second longer than it announces.
  const idle = async (): Promise<void> => {
    const app = application();
    app.server.keepAliveTimeout = 1;
    const world = await openWorld({ app });
    const client = await world.connect();
    await client.send(get("/1"));
    assert.equal(statuses(await client.all()), [200]);
    assert.is((await world.ends[0]!).kind, "served");
    await world.close();
  };
  const halfHeadWhileIdle = async (): Promise<void> => {
    const app = application();
    app.server.keepAliveTimeout = 1;
    const world = await openWorld({ app, limits: { headTimeout: 1600 } });
    const client = await world.connect();
    await client.send(get("/1") + get("/2").slice(0, 20));
    assert.equal(statuses(await client.all()), [200, 408]);
    await world.close();
  };
  const own = async (): Promise<void> => {
    const app = application();
    app.server.setTimeout(50);
    const world = await openWorld({ app });
    const client = await world.connect();
    await client.send(get("/1?never"));
    assert.equal(await client.all(), []);
    await world.close();
  };
  await Promise.all([halfHead(), idle(), halfHeadWhileIdle(), own()]);
});

const leftovers = suite("requests: leftovers");

leftovers("no socket, server or timer of the tests above is left", nothingIsLeft);
