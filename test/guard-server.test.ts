// In:    http and https servers that a gate guards, and what applications ask of server and gate.
// Out:   whether both answer as they should, are released as they were, and report misuse.
// Never: looks into the gate; listeners, clients and the gate's events are compared.

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { WebSocket, WebSocketServer } from "ws";
import { createGate } from "#src/gate.js";
import { wsFramer } from "#src/handover/ws.js";
import type { Decision } from "#src/policy/decision.js";
import { LEAVE, NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { framed, gate, get, statuses } from "./support/guard.js";
import { closeGuarded, openGuarded } from "./support/guarded.js";
import { suite } from "./support/suite.js";
import { Client } from "./support/tcp.js";
import { handshakeFields } from "./support/world.js";

const pathOf = (decision: Decision | undefined): string => `${decision?.kind} ${decision?.head.path}`;

const faces = suite("guard: the server and the gate");
faces.after(closeGuarded);

for (const strict of [false, true]) {
  faces(`decisionOf and arrivalOf answer for a request and its socket; strict: ${strict}`, async () => {
    const learned: unknown[] = [];
    const world = await openGuarded({
      gate,
      guard: { mode: strict ? "filter" : "auto" },
      listener: (request, response) => {
        learned.push(world.gate.decisionOf(request)?.vhost?.name, world.gate.arrivalOf(request)?.remoteAddress);
        learned.push(world.gate.decisionOf(request.socket)?.head.path, world.gate.arrivalOf(response));
        response.end();
      },
    });
    const client = await world.connect();
    await client.send(get("/x"));
    await client.responses(1);
    assert.equal(learned, ["a", "127.0.0.1", "/x", undefined]);
    await world.close();
  });

  faces(`decisionOf answers for what became of an upgrade; strict: ${strict}`, async () => {
    const known: unknown[] = [];
    const echo = new WebSocketServer({ noServer: true });
    const upgrades = { "/live": wsFramer(echo), "/left": LEAVE };
    const world = await openGuarded({
      gate: { vhosts: [{ name: "localhost", upgrades }] },
      guard: { mode: strict ? "filter" : "auto" },
    });
    const know = (...objects: object[]) => known.push(...objects.map((each) => pathOf(world.gate.decisionOf(each))));
    echo.on("connection", (webSocket, request) => {
      know(webSocket, request, request.socket);
      webSocket.close();
    });
    const beside = new WebSocketServer({ server: world.server });
    beside.on("connection", (webSocket, request) => {
      know(request, request.socket);
      webSocket.close();
    });
    for (const path of ["/live", "/left"]) {
      await once(new WebSocket(`ws://localhost:${world.port}${path}`, { family: 4 }), "close");
    }
    assert.equal(known, ["accepted /live", "accepted /live", "accepted /live", "accepted /left", "accepted /left"]);
    await world.close();
  });
}

faces("requests that take the ruling of an earlier one have their own decisions", async () => {
  const learned: string[] = [];
  const server = http.createServer((request, response) => {
    learned.push(pathOf(one.decisionOf(request)), pathOf(one.decisionOf(request.socket)));
    request.url = "/rewritten";
    response.end();
  });
  const one = createGate(gate);
  one.guard(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new Client(net.connect((server.address() as net.AddressInfo).port, "127.0.0.1"));
  await client.send(get("/1") + get("/2"));
  await client.responses(2);
  await client.send(get("/3") + get("/4", "b") + get("/5"));
  assert.equal(
    (await client.all()).map(({ statusCode }) => statusCode),
    [200, 200, 200, 421],
  );
  assert.equal(
    learned,
    ["/1", "/1", "/2", "/2", "/3", "/3"].map((path) => `accepted ${path}`),
  );
  server.close();
});

for (const strict of [false, true]) {
  faces(`absolute-form, strict ${strict}: listeners see the host that was ruled on, wherever they look`, async () => {
    const world = await openGuarded({ gate, beside: "before", guard: { mode: strict ? "filter" : "auto" } });
    const hosts: unknown[] = [];
    const look = ({ headersDistinct, rawHeaders }: http.IncomingMessage): void => {
      const at = rawHeaders.findIndex((name) => name.toLowerCase() === "host");
      hosts.push([headersDistinct.host, rawHeaders[at + 1]]);
    };
    world.server.on("request", look).on("upgrade", look);
    for (const request of [
      get("http://a/x", "b", "Connection: close\r\n"),
      "GET http://a/y HTTP/1.0\r\n\r\n",
      get("http://a/z", "b", "Connection: close, upgrade\r\nUpgrade: h2c\r\n"),
      get("http://a/left", "b", handshakeFields),
    ]) {
      await statuses(world, request);
    }
    assert.equal(world.seen, [
      "request GET http://a/x a",
      "request GET http://a/y a",
      "request GET http://a/z a",
      "upgrade GET http://a/left a",
    ]);
    assert.equal(hosts, Array(4).fill([["a"], "a"]));
    await world.close();
  });
}

faces("released, the server is as it was; guarded twice by one gate it is a mistake", async () => {
  const world = await openGuarded({ gate });
  assert.throws(() => world.gate.guard(world.server), /already guards this server/);
  const { emit } = world.server;
  world.server.emit = function (this: unknown, ...values: unknown[]) {
    return Reflect.apply(emit, this, values);
  } as typeof emit;
  world.guard.release();
  world.guard.release();
  const client = await world.connect();
  await client.send(get("/x", "b"));
  assert.is((await client.responses(1))[0]!.statusCode, 200);
  await world.close();

  const server = http.createServer();
  const before = server.eventNames().sort();
  {
    using _guard = createGate(gate).guard(server);
    assert.ok(Object.hasOwn(server, "emit"));
  }
  assert.not.ok(Object.hasOwn(server, "emit"));
  assert.equal(server.eventNames().sort(), before);
});

faces("two gates: what either refuses is refused", async () => {
  const world = await openGuarded({ gate });
  createGate({ vhosts: [{ name: "b" }, { name: "a", port: 81 }] }).guard(world.server);
  assert.equal(await statuses(world, get("/", "b")), [421]);
  assert.equal(await statuses(world, get("/", "a:82")), [421]);
  const client = await world.connect();
  await client.send(`POST / HTTP/1.1\r\nHost: a:81\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx`);
  const [response] = await client.responses(1);
  assert.equal([response!.statusCode, response!.interim], [200, [100]]);
  await world.close();
});

faces("misuse is a TypeError that states the fix", async () => {
  assert.throws(() => createGate({ ...gate, framers: { LEAVE: framed } }), /framers\.LEAVE has the name of LEAVE/);
  const throws = (make: () => unknown, sentence: RegExp): void => {
    assert.throws(make, (error: unknown) => error instanceof TypeError && sentence.test(error.message));
  };
  const one = createGate(gate);
  throws(
    () => one.guard(net.createServer() as never),
    /server\.on\('connection', \(socket\) => gate\.adopt\(socket\)\)/,
  );
  throws(() => one.guard(tls.createServer() as never), /'secureConnection', \(socket\) => gate\.adopt\(socket\)\)/);
  for (const server of [http2.createServer(), http2.createSecureServer()]) {
    throws(
      () => one.guard(server, { mode: "filter" }),
      /mode filter reads HTTP\/1\.1 .*give the gate the application as requests/,
    );
  }
  for (const wrong of [undefined, null, {}, () => {}]) throws(() => one.guard(wrong as never), /takes an http\.Server/);
  throws(() => one.guard(http.createServer(), { stritc: true } as never), /stritc is not a setting of a guard/);
  throws(() => one.guard(http.createServer(), { vhosts: ["c"] }), /no vhost is named c/);
  throws(() => one.guard(http.createServer(), { vhosts: ["taken"] }), /every vhost has port NO_LISTEN/);
  throws(() => one.adopt(new net.Socket()), /leaves upgrades of \/left to other listeners/);

  const adopted = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }] });
  const server = http.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  throws(() => adopted.guard(server), /NO_LISTEN_SERVER, and the guarded server listens.*"local"/);
  server.close();
  const later = http.createServer();
  adopted.guard(later);
  later.listen(0, "127.0.0.1");
  const [error] = (await once(process, "uncaughtException")) as [Error];
  assert.match(error.message, /NO_LISTEN_SERVER, and the guarded server listens/);
  later.close();
});

faces("a client is told why only where the gate exposes it", async () => {
  for (const strict of [false, true]) {
    for (const expose of [false, true]) {
      const world = await openGuarded({ gate: { ...gate, expose }, guard: { mode: strict ? "filter" : "auto" } });
      for (const [octets, phrase, why] of [
        [get("/", "b"), "Misdirected Request (NAME_UNKNOWN)", "host b matches none of the vhosts: a, taken "],
        [
          get("/live", "b", handshakeFields),
          "Misdirected Request (NAME_UNKNOWN)",
          "host b matches none of the vhosts: a, taken ",
        ],
        [get("/", "a", "Host: a\r\n"), "Bad Request (HOST_REPEATED)", "a request has more than one Host "],
        [
          get("/live", "a", `Host: a\r\n${handshakeFields}`),
          "Bad Request (HOST_REPEATED)",
          "a request has more than one Host ",
        ],
      ] as const) {
        const client = await world.connect();
        await client.send(octets);
        const [response] = await client.all();
        const [first, second, ...more] = String(response!.body).split("\n");
        assert.equal([first, more.length], [phrase, expose ? 1 : 0]);
        if (expose) assert.ok(second!.startsWith(why), second);
        const isPlain = /X-Content-Type-Options: nosniff/i.test(client.received.toString("latin1"));
        assert.is(isPlain, expose);
      }
      await world.close();
    }
  }
});

faces("a policy from JSON leaves upgrades to others by the name LEAVE", async () => {
  const policy = JSON.parse('{ "vhosts": [{ "name": "a", "upgrades": { "/hmr": "LEAVE", "/live": "live" } }] }');
  for (const strict of [false, true]) {
    const setting = {
      gate: { ...policy, framers: { live: framed } },
      guard: { mode: strict ? "filter" : "auto" },
      beside: "after",
    } as const;
    const world = await openGuarded(setting);
    for (const path of ["/hmr", "/live", "/other"]) {
      assert.equal(await statuses(world, get(path, "a", handshakeFields)), [path === "/other" ? 404 : 101]);
    }
    assert.equal(world.seen, ["upgrade GET /hmr a"]);
    await world.close();
  }
});

faces("port local is the port that the server listens on", async () => {
  const world = await openGuarded({ gate: { vhosts: [{ name: "a", port: "local" }] } });
  const client = await world.connect();
  await client.send(get("/", `a:${world.port}`));
  assert.is((await client.responses(1))[0]!.statusCode, 200);
  assert.equal(await statuses(world, get("/", "a")), [421]);
  await world.close();
});
