// In:    servers of node:http, node:https and node:http2, with and without our parser in the seat of Node's.
// Out:   whether the connections of those servers have it and no others, and whether it can be undone.
// Never: looks at what the parser reads.

import { spawnSync } from "node:child_process";
import { EventEmitter, once } from "node:events";
import http, { type Server } from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { Engine } from "#src/engine/engine.js";
import { engineFor } from "#src/engine/seat.js";
import { SeatParser } from "#src/engine/seat-parser.js";
import { selfTest } from "#src/engine/self-test.js";
import { createGate } from "#src/gate.js";
import { install, type SeatableServer, SeatUnavailable, useIn, whyUnavailable } from "#src/http-parser-node.js";
import { certificate } from "./support/certificate.js";
import { Client, close, common, GET, isOurs, isPoolNodes, listen, seated } from "./support/seat.js";
import { suite } from "./support/suite.js";
import { streamPair } from "./support/tcp.js";
import { turn, until } from "./support/until.js";

const test = suite("seat");

test("a server's connections have our parser, its clients and other servers have Node's", async () => {
  const seen: boolean[] = [];
  await seated(
    (request, response) => {
      seen.push(isOurs(request.socket));
      response.end("ours");
    },
    async (port) => {
      const other = http.createServer((request, response) => {
        seen.push(isOurs(request.socket));
        response.end("other");
      });
      const otherPort = await listen(other);
      for (const each of [port, otherPort, port, otherPort]) {
        const request = http.get({ port: each, host: "127.0.0.1", agent: false });
        // By the next turn, the response may be complete and the parser gone.
        request.on("response", (response) => {
          seen.push(isOurs(response.socket));
          response.resume();
        });
        await once(request, "close");
      }
      await close(other);
    },
  );
  const [ours, others, clients] = [true, false, false];
  assert.equal(seen, [ours, clients, others, clients, ours, clients, others, clients]);
});

test("after connections have ended, Node's pool has none of our parsers", async () => {
  await seated(
    (_request, response) => response.end("yes"),
    async (port) => {
      const clients = await Promise.all(Array.from({ length: 20 }, () => Client.connect(port)));
      for (const client of clients) client.send(GET);
      for (const client of clients) await client.has("yes");
      for (const client of clients) client.stream.destroy();
      await until(
        () => common.parsers.list.every((parser) => parser instanceof common.HTTPParser),
        "only Node's parsers",
      );
    },
  );
  await turn();
  assert.ok(common.parsers.list.every((parser) => parser instanceof common.HTTPParser));
});

test("with Node's pool full, a connection that ends leaves nothing there", async () => {
  const { list } = common.parsers;
  const before = list.length;
  await seated(
    (_request, response) => response.end("yes"),
    async (port) => {
      const client = await Client.connect(port);
      client.send(GET);
      await client.has("yes");
      const fillers = Array.from({ length: 1000 - list.length }, () => ({}));
      list.push(...fillers);
      client.stream.destroy();
      await turn();
      await until(() => list.length === 1000, "a pool that is full");
      for (const filler of fillers) list.splice(list.indexOf(filler), 1);
      assert.ok(list.every((parser) => parser instanceof common.HTTPParser));
    },
  );
  assert.ok(list.length <= before + 1);
});

test("a listener that throws before Node's leaves no parser on the pool, and neither does one that throws after it", async () => {
  for (const add of ["prependListener", "on"] as const) {
    const server = http.createServer();
    server[add]("connection", () => {
      throw new Error("mine");
    });
    useIn(server);
    const [near] = streamPair();
    assert.throws(() => server.emit("connection", near), "mine");
    assert.ok(
      common.parsers.list.every((parser) => parser instanceof common.HTTPParser),
      add,
    );
    near.destroy();
  }
});

test("listeners are those that were there, and removing Node's removes ours", () => {
  const server = http.createServer();
  const first = (): void => {};
  const last = (): void => {};
  server.prependListener("connection", first);
  server.on("connection", last);
  const before = server.listeners("connection");
  const seat = useIn(server);
  assert.equal(server.listeners("connection"), before);
  assert.not.equal(server.rawListeners("connection"), before);
  seat.release();
  assert.equal(server.rawListeners("connection"), before);
  seat.release();
  assert.equal(server.rawListeners("connection"), before);
  {
    using _seat = useIn(server);
    assert.not.equal(server.rawListeners("connection"), before);
  }
  assert.equal(server.rawListeners("connection"), before);
  useIn(server);
  server.removeListener("connection", before[1] as () => void);
  assert.equal(server.rawListeners("connection"), [first, last]);
});

test("after release new connections have Node's parser, and those that are open keep ours", async () => {
  const ours: boolean[] = [];
  const server = http.createServer((request, response) => {
    ours.push(isOurs(request.socket));
    response.end("yes");
  });
  const seat = useIn(server);
  const port = await listen(server);
  const old = await Client.connect(port);
  old.send(GET);
  await old.has("yes");
  seat.release();
  const young = await Client.connect(port);
  young.send(GET);
  await young.has("yes");
  old.received = "";
  old.send(GET);
  await old.has("yes");
  assert.equal(ours, [true, false, true]);
  await close(server);
});

test("install seats all servers that are made from then on, of http, https and http2, until it is released", async () => {
  const early = http.createServer();
  const installation = install();
  const { listener } = { listener: () => {} };
  const made = [http.createServer(listener), new http.Server(listener), https.createServer(listener)];
  const secure = http2.createSecureServer({ allowHTTP1: true }, listener);
  installation.release();
  const late = http.createServer();
  const isSeated = (server: SeatableServer, event: string): boolean => {
    const [shown] = server.listeners(event);
    return server.rawListeners(event)[0] !== shown;
  };
  assert.equal(
    made.map((server, i) => isSeated(server, i < 2 ? "connection" : "secureConnection")),
    [true, true, true],
  );
  assert.ok(isSeated(secure, "secureConnection"));
  assert.not.ok(isSeated(early, "connection"));
  assert.not.ok(isSeated(late, "connection"));
  assert.not.ok(Object.hasOwn(http.Server.prototype, "on"));
  assert.not.ok(Object.hasOwn(tls.Server.prototype, "on"));
  const plain = tls.createServer(listener);
  {
    using _installation = install();
    assert.equal(net.createServer(listener).rawListeners("connection"), [listener]);
    assert.equal(tls.createServer(listener).rawListeners("secureConnection"), plain.rawListeners("secureConnection"));
  }
});

test("heads are kept for guards alone: not of another server, nor once the guard is released", async () => {
  using _installation = install();
  const kept: boolean[] = [];
  const [guarded, other] = [http.createServer(), http.createServer()];
  for (const server of [guarded, other]) {
    server.on("request", (request, response) => {
      kept.push(engineFor(server).heads?.get(request) !== undefined);
      response.end("yes");
    });
  }
  const guard = createGate({ vhosts: [{ name: "a", port: "any" }] }).guard(guarded);
  const [first, second] = [await Client.connect(await listen(guarded)), await Client.connect(await listen(other))];
  for (const client of [first, second, first]) {
    if (kept.length === 2) guard.release();
    client.received = "";
    client.send(GET);
    await client.has("yes");
  }
  assert.equal(kept, [true, false, false]);
  await Promise.all([close(guarded), close(other)]);
});

test("useIn takes servers with Node's listener alone", () => {
  for (const server of [net.createServer(), tls.createServer(), http2.createServer(), {}]) {
    assert.throws(
      () => useIn(server as Server),
      (error: unknown) => error instanceof TypeError && /useIn takes/.test(error.message),
    );
  }
  const server = http.createServer();
  server.removeAllListeners("connection");
  assert.throws(() => useIn(server), /Node's own listener/);
});

test("https, an http2 server's HTTP/1.1, and HTTP/2 beside it", async () => {
  const { key, cert } = certificate();
  const ours: boolean[] = [];
  const answer = (request: { socket: unknown; httpVersion: string }, response: { end(text: string): void }): void => {
    if (request.httpVersion === "1.1") ours.push(isOurs(request.socket));
    response.end(`over ${request.httpVersion}`);
  };
  const servers = [
    https.createServer({ key, cert }, answer),
    http2.createSecureServer({ key, cert, allowHTTP1: true }, answer as never),
  ];
  for (const server of servers) {
    useIn(server);
    const port = await listen(server);
    const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
    await once(socket, "secureConnect");
    const client = new Client(socket);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n${"x".repeat(70_000)}${GET}`);
    await until(
      () => client.received.split("over 1.1").length === 3,
      () => `two answers in ${client.received}`,
    );
    socket.destroy();
    if (server === servers[1]) {
      const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
      const stream = session.request({ ":path": "/" }).setEncoding("latin1");
      const [text] = await once(stream, "data");
      assert.is(text, "over 2.0");
      const gone = once(session, "close");
      session.close();
      await gone;
    }
    await close(server);
  }
  assert.equal(ours, [true, true, true, true]);
  assert.ok(common.parsers.list.every((parser) => parser instanceof common.HTTPParser));
});

test("a server that is to be lenient keeps Node's parser", async () => {
  const lax: object[] = [{ insecureHTTPParser: true }];
  if ("httpValidation" in http.createServer()) lax.push({ httpValidation: "relaxed" }, { httpValidation: "insecure" });
  for (const options of lax) {
    const ours: boolean[] = [];
    await seated(
      (request, response) => {
        ours.push(isOurs(request.socket));
        response.end("yes");
      },
      async (port) => {
        const client = await Client.connect(port);
        client.send(GET);
        await client.has("yes");
      },
      options,
    );
    assert.equal(ours, [false], JSON.stringify(options));
  }
});

test("elsewhere the seat is unavailable, and the reason is given", () => {
  const program = `
    import { useIn, install, SeatUnavailable, whyUnavailable } from "headgate/http-parser/node";
    import http from "node:http";
    console.log(whyUnavailable());
    for (const call of [install, () => useIn(http.createServer())]) {
      try { call(); } catch (error) { console.log(error instanceof SeatUnavailable, error.code, error.message === whyUnavailable()); }
    }`;
  const run = (change: string): string =>
    spawnSync(
      process.execPath,
      ["--input-type=module", "-e", `${change}\n${program.replaceAll(/^ *import .*$/gm, "")}`],
      { encoding: "utf8" },
    ).stdout;
  const start = `
    const http = process.getBuiltinModule("node:http");
    const common = process.getBuiltinModule("_http_common");`;
  const entry = `const { useIn, install, SeatUnavailable, whyUnavailable } = await import("#src/http-parser-node.js");`;
  const changes: [string, RegExp][] = [
    [`Object.defineProperty(process.versions, "bun", { value: "1" });`, /bun has no parser/],
    [`Object.defineProperty(process.versions, "deno", { value: "1" });`, /deno has no parser/],
    [
      `const get = process.getBuiltinModule; process.getBuiltinModule = (name) => name === "_http_common" ? undefined : get(name);`,
      /there is no module _http_common/,
    ],
    [
      `const alloc = common.parsers.alloc; common.parsers.alloc = function () { return new common.HTTPParser(); };`,
      /does not take the parser/,
    ],
  ];
  for (const [change, reason] of changes) {
    const output = run(`${start}${change}${entry}`);
    assert.match(output, reason, change);
    assert.match(output, /true SEAT_UNAVAILABLE true\ntrue SEAT_UNAVAILABLE true/, change);
  }
  assert.is(whyUnavailable(), null);
  assert.is(new SeatUnavailable("x").code, "SEAT_UNAVAILABLE");
});

test("the test before the first use needs no method that the parser of Node 20.19.0 lacks", () => {
  const engine = new Engine<SeatParser>((own) => new SeatParser(own));
  (engine.parts.methods as Map<string, number>).delete("QUERY");
  assert.is(selfTest(engine), null);
});

test("a listener of an http2 server's 'unknownProtocol' or 'session' never meets our parser", async () => {
  const { key, cert } = certificate();
  const ours: boolean[] = [];
  const other = http.createServer({ insecureHTTPParser: true }, (request, response) => {
    ours.push(isOurs(request.socket));
    response.end("other");
  });
  const front = http2.createSecureServer({ key, cert, allowHTTP1: false });
  useIn(front);
  const pools: boolean[] = [];
  front.on("session", () => pools.push(isPoolNodes()));
  front.on("unknownProtocol", (socket) => {
    pools.push(isPoolNodes());
    other.emit("connection", socket);
  });
  const port = await listen(front);
  const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const client = new Client(socket);
  client.send("GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
  await client.has("other");
  socket.destroy();
  const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  await once(session, "connect");
  await until(() => pools.length === 2, "a session");
  const gone = once(session, "close");
  session.destroy();
  await gone;
  assert.equal(ours, [false]);
  assert.equal(pools, [true, true]);
  await close(front);
});

test("Node's listener of an http2 server is found by itself, not by its name", () => {
  const server = http2.createSecureServer({ allowHTTP1: true });
  const [nodes] = server.listeners("secureConnection") as (() => void)[];
  const mine = { connectionListener() {} }.connectionListener;
  server.prependListener("secureConnection", mine);
  useIn(server);
  const [first, second] = server.rawListeners("secureConnection");
  assert.is(first, mine);
  assert.is.not(second, nodes);
  assert.equal(server.listeners("secureConnection"), [mine, nodes]);
});

const isSeated = (server: Server): boolean =>
  server.rawListeners("connection")[0] !== server.listeners("connection")[0];

test("installations are independent of each other", () => {
  const [one, two] = [install(), install()];
  two.release();
  assert.ok(isSeated(http.createServer()));
  const three = install();
  one.release();
  assert.ok(isSeated(http.createServer()));
  three.release();
  assert.not.ok(isSeated(http.createServer()));
  assert.not.ok(Object.hasOwn(http.Server.prototype, "on"));
});

test("an installation leaves other changes of `on` alone, earlier and later ones", () => {
  const { prototype } = http.Server;
  const { on: inherited } = prototype;
  const earlier = function (this: Server, ...values: Parameters<Server["on"]>): Server {
    return Reflect.apply(inherited, this, values);
  };
  const descriptor = { value: earlier, enumerable: true, configurable: true, writable: true };
  Object.defineProperty(prototype, "on", descriptor);
  try {
    const installation = install();
    assert.ok(isSeated(http.createServer()));
    installation.release();
    assert.equal(Object.getOwnPropertyDescriptor(prototype, "on"), descriptor);
  } finally {
    Reflect.deleteProperty(prototype, "on");
  }

  const installation = install();
  const { on } = EventEmitter.prototype;
  let seen = 0;
  EventEmitter.prototype.on = function (...values) {
    if (this instanceof http.Server && values[0] === "request") seen++;
    return Reflect.apply(on, this, values);
  };
  try {
    http.createServer().on("request", () => {});
    assert.is(seen, 1);
  } finally {
    EventEmitter.prototype.on = on;
    installation.release();
  }

  const wrapped = install();
  const { on: ours } = prototype;
  const later = function (this: Server, ...values: Parameters<Server["on"]>): Server {
    return Reflect.apply(ours, this, values);
  };
  Object.defineProperty(prototype, "on", { value: later, configurable: true, writable: true });
  try {
    wrapped.release();
    assert.is(prototype.on, later);
    assert.not.ok(isSeated(http.createServer()));
  } finally {
    Reflect.deleteProperty(prototype, "on");
  }
});

test("a server that has the seat is not tried again", () => {
  const server = http.createServer();
  const first = useIn(server);
  const pool = common.parsers as unknown as { alloc(): object };
  const { alloc } = pool;
  pool.alloc = () => new common.HTTPParser();
  try {
    const second = useIn(server);
    first.release();
    assert.ok(isSeated(server));
    second.release();
    assert.not.ok(isSeated(server));
    assert.throws(() => useIn(server), /does not take the parser/);
  } finally {
    pool.alloc = alloc;
  }
});
