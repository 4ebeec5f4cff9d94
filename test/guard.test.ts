// In:    http and https servers that a gate guards, alone and beside another listener of 'upgrade'.
// Out:   whether their listeners see what the policy accepts, and nothing else.
// Never: looks into the gate; listeners, clients and the gate's events are compared.

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { WebSocket, WebSocketServer } from "ws";
import { createGate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { LEAVE } from "#src/handover/framer.js";
import { wsFramer } from "#src/handover/ws.js";
import type { Decision } from "#src/policy/decision.js";
import { NO_LISTEN, NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { closeGuarded, type Guarded, kinds, named, openGuarded } from "./support/guarded.js";
import { NodeReader } from "./support/node-parser.js";
import { suite } from "./support/suite.js";
import { Client } from "./support/tcp.js";
import { until } from "./support/until.js";
import { handshakeFields } from "./support/world.js";

/** Answers an opening handshake without speaking WebSocket, and ends. */
const framed: NonNullable<GateOptions["vhosts"][0]["upgrades"]>[string] = ({ socket }) => {
  socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  socket.resume();
};
const gate: GateOptions = {
  vhosts: [
    { name: "a", upgrades: { "/live": framed, "/left": LEAVE } },
    { name: "taken", port: NO_LISTEN },
  ],
};
const get = (target: string, host = "a", more = ""): string => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;

/** Sends octets; the status codes of all responses until the server closes, of which there is at least one. */
async function statuses(world: Guarded, octets: string, methods: string[] = []): Promise<number[]> {
  const client = await world.connect();
  await client.send(octets);
  return (await client.all(methods)).map(({ statusCode }) => statusCode);
}

const pathOf = (decision: Decision | undefined): string => `${decision?.kind} ${decision?.head.path}`;

/** What Node emits by 'upgrade'; all else comes by 'request'. */
function isUpgradeToNode(request: string): boolean {
  const reader = new NodeReader();
  reader.read(Buffer.from(request));
  reader.close();
  return reader.requests[0]!.upgrade;
}

const rulings = suite("guard: requests and upgrades");
rulings.after(closeGuarded);

for (const kind of kinds({}, { strict: true })) {
  rulings(`${named(kind)}: each request of a connection, pipelined or not`, async () => {
    const world = await openGuarded({ ...kind, gate });
    const pipelined = get("/1") + get("/2", "a:99") + get("/3", "b") + get("/4");
    assert.equal(await statuses(world, pipelined), [200, 200, 421]);
    assert.equal(world.seen.splice(0), ["request GET /1 a", "request GET /2 a:99"]);

    const client = await world.connect();
    await client.send(get("/1"));
    await client.responses(1);
    await client.send(get("/2", "taken"));
    assert.equal(
      (await client.all()).map(({ statusCode }) => statusCode),
      [200, 421],
    );
    assert.equal(world.seen, ["request GET /1 a"]);
    assert.equal(world.said, ["handover", "handover", "NAME_UNKNOWN", "handover", "NAME_NOT_SERVED"]);
    await world.close();
  });

  rulings(`${named(kind)}: what Node's parser lets pass`, async () => {
    const world = await openGuarded({ ...kind, gate });
    for (const [request, status, code] of [
      [get("/", "a", "Host: b\r\n"), 400, "HOST_REPEATED"],
      [get("/", "a", "Host: a\r\n"), 400, "HOST_REPEATED"],
      [get("/", "a:99999"), 400, "AUTHORITY_PORT"],
      [get("/", "good evil"), 400, "AUTHORITY_INVALID"],
      [get("/", "evil@a"), 400, "AUTHORITY_USERINFO"],
      [get("/", ""), 400, "AUTHORITY_EMPTY"],
      [get("http://b/", "a"), 421, "NAME_UNKNOWN"],
      [get("https://a/"), world.server instanceof http.Server ? 421 : 200, "SCHEME_MISMATCH"],
      [get("/", "a", "Connection: close, keep-alive\r\n"), 400, "CONNECTION_CONTRADICTORY"],
      ["GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "VERSION_UNSUPPORTED"],
      ["POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "TRANSFER_ENCODING_VERSION"],
      ["GET / HTTP/1.0\r\n\r\n", 421, "AUTHORITY_ABSENT"],
      [get("/", "a", "X: y\r\n".repeat(100)), 431, "FIELD_LINES_TOO_MANY"],
    ] as const) {
      if (status === 200) continue;
      assert.equal(await statuses(world, request), [status], request);
      assert.is(world.said.pop(), code, request);
    }
    assert.equal([world.seen, world.said], [[], []]);
    await world.close();
  });

  rulings(`${named(kind)}: upgrades`, async () => {
    const world = await openGuarded({ ...kind, gate });
    const left = kind.beside === "nobody" ? 404 : 101;
    for (const [request, status, code, seen] of [
      [get("/live", "a", handshakeFields), 101, "handover", []],
      [get("/live", "b", handshakeFields), 421, "NAME_UNKNOWN", []],
      [get("/live", "a", `Host: b\r\n${handshakeFields}`), 400, "HOST_REPEATED", []],
      [get("/other", "a", handshakeFields), 404, "PATH_UNCLAIMED", []],
      [get("/left", "b", handshakeFields), 421, "NAME_UNKNOWN", []],
      [get("/left", "a", handshakeFields.replace("13", "8")), 426, "WEBSOCKET_VERSION", []],
      [get("/left", "a", handshakeFields), left, left === 404 ? "PATH_UNCLAIMED" : "handover", ["upgrade GET /left a"]],
      [`POST /live HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`, 405, "METHOD_NOT_ALLOWED", []],
    ] as const) {
      assert.equal(await statuses(world, request), [status], request);
      assert.equal(world.said.splice(0), [code], request);
      assert.equal(world.seen.splice(0), status === left ? seen.slice(0, left === 404 ? 0 : 1) : [], request);
    }
    await world.close();
  });

  // llhttp of Node 20 takes an option in front of an HTAB for another one, and hands the value on without it.
  rulings(`${named(kind)}: an upgrade does not come as a request`, async () => {
    const world = await openGuarded({ ...kind, gate });
    const padded = get("/live", "a", handshakeFields.replace("Connection: Upgrade", "$&\t"));
    const isTaken = !kind.guard.strict && isUpgradeToNode(padded);
    assert.equal(await statuses(world, padded), [isTaken ? 101 : 400]);
    assert.equal(world.said, [isTaken ? "handover" : "CONNECTION_INVALID"]);
    assert.equal(world.seen, []);
    await world.close();
  });

  rulings(`${named(kind)}: CONNECT`, async () => {
    const world = await openGuarded({ ...kind, gate });
    world.server.on("connect", () => world.seen.push("connect"));
    assert.equal(await statuses(world, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), [405]);
    assert.equal(await statuses(world, "CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n"), [421]);
    assert.equal(world.said, ["METHOD_NOT_ALLOWED", "NAME_UNKNOWN"]);
    assert.equal(world.seen, []);
    await world.close();
  });

  rulings(`${named(kind)}: Upgrade to anything else is a request`, async () => {
    const world = await openGuarded({ ...kind, gate });
    for (const [request, target] of [
      [
        get("/h2c", "a", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
        "GET /h2c",
      ],
      [get("/foo", "a", "Connection: Upgrade\r\nUpgrade: foo\r\n"), "GET /foo"],
      [
        "POST /body HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\nContent-Length: 4\r\n\r\nbody",
        "POST /body",
      ],
      [`GET /old HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n`, "GET /old"],
    ] as const) {
      const client = await world.connect();
      await client.send(request);
      const [response] = await client.responses(1);
      assert.equal([response!.statusCode, `${response!.body}`], [200, target], request);
      // The connection is ruled on as before.
      await client.send(get("/next", "b"));
      assert.is((await client.all())[1]?.statusCode, 421, request);
      assert.equal(world.seen.splice(0), [`request ${target} a`]);
      assert.equal(world.said.splice(0), ["handover", "NAME_UNKNOWN"]);
    }
    await world.close();
  });

  rulings(`${named(kind)}: an upgrade behind a request that is not answered yet`, async () => {
    let release = (): void => {};
    const world = await openGuarded({
      ...kind,
      gate,
      listener: (_request, response) => (release = () => void response.end("slow")),
    });
    for (const [target, host, status] of [
      ["/live", "a", 101],
      ["/live", "b", 421],
      ["/other", "a", 404],
    ] as const) {
      const client = await world.connect();
      await client.send(get("/slow") + get(target, host, handshakeFields));
      await until(() => world.seen.length > 0, "the application has the request");
      release();
      assert.equal(
        (await client.all()).map(({ statusCode }) => statusCode),
        [200, status],
      );
      world.seen.length = 0;
    }
    await world.close();
  });
}

const bodies = suite("guard: bodies and 100-continue");
bodies.after(closeGuarded);

for (const strict of [false, true]) {
  bodies(
    `a refused request gets no 100, an accepted one does, with and without a listener; strict: ${strict}`,
    async () => {
      for (const listens of [false, true]) {
        const world = await openGuarded({ gate, guard: { strict } });
        if (listens) {
          world.server.on("checkContinue", (request, response) => {
            world.seen.push("checkContinue");
            response.writeContinue();
            world.server.emit("request", request, response);
          });
        }
        const head = (host: string) =>
          `POST / HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`;
        const refused = await world.connect();
        await refused.send(head("b"));
        const [no] = await refused.responses(1);
        assert.equal([no!.statusCode, no!.interim], [421, []]);
        assert.equal(world.seen, []);
        refused.stream.end();
        const accepted = await world.connect();
        await accepted.send(head("a"));
        await until(() => accepted.received.length > 0, "100 Continue");
        await accepted.send("body");
        const [yes] = await accepted.responses(1);
        assert.equal([yes!.statusCode, yes!.interim], [200, [100]]);
        assert.equal(world.seen, listens ? ["checkContinue", "request POST / a"] : ["request POST / a"]);
        assert.equal(world.said, ["NAME_UNKNOWN", "handover"]);
        await world.close();
      }
    },
  );

  bodies(`other expectations; strict: ${strict}`, async () => {
    const world = await openGuarded({ gate, guard: { strict } });
    world.server.on("checkExpectation", (request, response) => {
      world.seen.push(`expectation ${request.url}`);
      response.end();
    });
    assert.equal(await statuses(world, get("/", "b", "Expect: tea\r\n")), [421]);
    assert.equal(world.seen, []);
    const client = await world.connect();
    await client.send(get("/tea", "a", "Expect: tea\r\n"));
    await client.responses(1);
    assert.equal(world.seen, ["expectation /tea"]);
    await world.close();
  });

  bodies(
    `a refusal arrives though a body is being sent, and one that never ends is not waited for; strict: ${strict}`,
    async () => {
      const world = await openGuarded({ gate: { ...gate, limits: { lingerTimeout: 200 } }, guard: { strict } });
      const client = await world.connect();
      await client.send("POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 2000000\r\n\r\n");
      await client.send(Buffer.alloc(2_000_000, "x"));
      const [response] = await client.all();
      assert.equal([response!.statusCode, response!.fields.get("connection")], [421, "close"]);
      const endless = await world.connect();
      await endless.send("POST / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n");
      assert.is((await endless.all())[0]!.statusCode, 421);
      const head = await world.connect();
      await head.send("HEAD / HTTP/1.1\r\nHost: b\r\nContent-Length: 4\r\n\r\n");
      assert.is((await head.all(["HEAD"]))[0]!.body.length, 0);
      assert.equal(await statuses(world, "HEAD / HTTP/1.1\r\nHost: b\r\n\r\n", ["HEAD"]), [421]);
      await world.close();
    },
  );
}

const strictly = suite("guard: strict");
strictly.after(closeGuarded);

strictly("refuses what Node's parser hides from a guard", async () => {
  const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const [request, code] of [
    [`${"\r\n".repeat(5)}${get("/")}`, "EMPTY_LINES"],
    [get("/").replace(" ", "  "), "REQUEST_LINE_WHITESPACE"],
    ["DESCRIBE / RTSP/1.0\r\nHost: a\r\n\r\n", "VERSION_INVALID"],
    [`${chunked}${"0".repeat(20)}1\r\nx\r\n0\r\n\r\n`, "BODY_MALFORMED"],
  ] as const) {
    for (const strict of [false, true]) {
      const world = await openGuarded({ gate, guard: { strict } });
      const client = await world.connect();
      await client.send(request);
      const [response] = await client.responses(1);
      assert.is(response!.statusCode, strict ? 400 : 200, `${request} ${strict}`);
      if (strict) assert.is(world.said.pop(), code);
      await world.close();
    }
  }
});

strictly("a head that is not whole in time", async () => {
  const world = await openGuarded({ gate: { ...gate, limits: { headTimeout: 100 } }, guard: { strict: true } });
  assert.equal(await statuses(world, "GET / HT"), [408]);
  assert.equal(world.said, ["HEAD_TIMEOUT"]);
  await world.close();
});

for (const tls of [false, true]) {
  strictly(`the server's own ways with its connections hold; tls: ${tls}`, async () => {
    const world = await openGuarded({ tls, gate, guard: { strict: true } });
    const { server } = world;
    const given: unknown[] = [];
    server.on(tls ? "secureConnection" : "connection", (socket) => given.push(socket));
    const count = (): Promise<number> =>
      new Promise((resolve, reject) =>
        server.getConnections((error, connections) => (error ? reject(error) : resolve(connections))),
      );
    const silent = await world.connect();
    const idle = await world.connect();
    await idle.send(get("/"));
    await idle.responses(1);
    await until(() => given.length === 2, "both are connected");
    assert.is(await count(), 2);
    server.closeIdleConnections();
    await idle.closed();
    server.closeAllConnections();
    await silent.closed();

    server.keepAliveTimeout = 50;
    const kept = await world.connect();
    await kept.send(get("/"));
    await kept.closed();
    server.close();
    await once(server, "close");
    assert.is(await count(), 0);
    await world.close();
  });
}

const faces = suite("guard: the server and the gate");
faces.after(closeGuarded);

for (const strict of [false, true]) {
  faces(`decisionOf and arrivalOf answer for a request and its socket; strict: ${strict}`, async () => {
    const learned: unknown[] = [];
    const world = await openGuarded({
      gate,
      guard: { strict },
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
    const world = await openGuarded({ gate: { vhosts: [{ name: "localhost", upgrades }] }, guard: { strict } });
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

faces("requests that are ruled on by a precedent have their own decisions", async () => {
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
    const world = await openGuarded({ gate, beside: "before", guard: { strict } });
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
  const before = [...server.eventNames()];
  {
    using _guard = createGate(gate).guard(server);
    assert.ok(Object.hasOwn(server, "emit"));
  }
  assert.not.ok(Object.hasOwn(server, "emit"));
  assert.equal(server.eventNames(), before);
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

faces("misuse is a TypeError that says the fix", async () => {
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
      () => one.guard(server, { strict: true }),
      /strict reads HTTP\/1\.1 .*give the gate the application as requests/,
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
      const world = await openGuarded({ gate: { ...gate, expose }, guard: { strict } });
      for (const [octets, phrase, why] of [
        [get("/", "b"), "Misdirected Request", "host b matches none of the vhosts: a, taken "],
        [get("/live", "b", handshakeFields), "Misdirected Request", "host b matches none of the vhosts: a, taken "],
        [get("/", "a", "Host: a\r\n"), "Bad Request", "a request has more than one Host "],
        [get("/live", "a", `Host: a\r\n${handshakeFields}`), "Bad Request", "a request has more than one Host "],
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
    const setting = { gate: { ...policy, framers: { live: framed } }, guard: { strict }, beside: "after" } as const;
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
