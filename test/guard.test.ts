// In:    http and https servers that a gate guards, alone and beside another listener of 'upgrade'.
// Out:   whether their listeners see what the policy accepts, and nothing else.
// Never: looks into the gate; listeners, clients and the gate's events are compared.

import { once } from "node:events";
import http from "node:http";
import * as assert from "uvu/assert";
import { gate, get, statuses } from "./support/guard.js";
import { closeGuarded, kinds, named, openGuarded } from "./support/guarded.js";
import { NodeReader } from "./support/node-parser.js";
import { suite } from "./support/suite.js";
import { until } from "./support/until.js";
import { handshakeFields } from "./support/world.js";

/** What Node emits by 'upgrade'; all else comes by 'request'. */
function isUpgradeToNode(request: string): boolean {
  const reader = new NodeReader();
  reader.read(Buffer.from(request));
  reader.close();
  return reader.requests[0]!.upgrade;
}

const rulings = suite("guard: requests and upgrades");
rulings.after(closeGuarded);

for (const kind of kinds({}, { mode: "filter" })) {
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
      [get("/", "a", "Connection: close keep-alive\r\n"), 400, "CONNECTION_INVALID"],
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

  // llhttp of Node 20 takes an option before an HTAB for another one, and passes the value on without it.
  rulings(`${named(kind)}: an upgrade does not come as a request`, async () => {
    const world = await openGuarded({ ...kind, gate });
    const padded = get("/live", "a", handshakeFields.replace("Connection: Upgrade", "$&\t"));
    // headgate reads it by RFC 9110 §5.6.3: an HTAB is white space.
    const isTaken = world.guard.mode !== "events" || isUpgradeToNode(padded);
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

  rulings(`${named(kind)}: an upgrade after a request that is not answered yet`, async () => {
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
        const world = await openGuarded({ gate, guard: { mode: strict ? "filter" : "auto" } });
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
    const world = await openGuarded({ gate, guard: { mode: strict ? "filter" : "auto" } });
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
      const world = await openGuarded({
        gate: { ...gate, limits: { lingerTimeout: 200 } },
        guard: { mode: strict ? "filter" : "auto" },
      });
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
  for (const [request, codes] of [
    // Node's parser, and headgate's in its place, read any number of them.
    [`${"\r\n".repeat(5)}${get("/")}`, { filter: "EMPTY_LINES" }],
    [get("/").replace(" ", "  "), { strict: "REQUEST_LINE_WHITESPACE", filter: "REQUEST_LINE_WHITESPACE" }],
    ["GET / RTSP/1.0\r\nHost: a\r\n\r\n", { strict: "VERSION_INVALID", filter: "VERSION_INVALID" }],
    // The server itself answers a fault in a body.
    [`${chunked}${"0".repeat(20)}1\r\nx\r\n0\r\n\r\n`, { strict: "handover", filter: "BODY_MALFORMED" }],
  ] as const) {
    for (const mode of ["events", "strict", "filter"] as const) {
      const world = await openGuarded({ gate, guard: { mode } });
      const client = await world.connect();
      await client.send(request);
      const [response] = await client.responses(1);
      const code = (codes as { [mode: string]: string })[mode];
      assert.is(response!.statusCode, code === undefined ? 200 : 400, `${request} ${mode}`);
      assert.is(world.said.pop(), code ?? "handover");
      await world.close();
    }
  }
});

strictly("a head that is not complete in time", async () => {
  const world = await openGuarded({ gate: { ...gate, limits: { headTimeout: 100 } }, guard: { mode: "filter" } });
  assert.equal(await statuses(world, "GET / HT"), [408]);
  assert.equal(world.said, ["HEAD_TIMEOUT"]);
  await world.close();
});

for (const tls of [false, true]) {
  strictly(`the server's own ways with its connections hold; tls: ${tls}`, async () => {
    const world = await openGuarded({ tls, gate, guard: { mode: "filter" } });
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
