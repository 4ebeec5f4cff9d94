// In:    connections with several requests, at every cut, through a gate that gives them to an http.Server.
// Out:   whether application and gate saw the same requests, and the client complete responses in order.
// Never: looks into the gate; the application, the client and the gate's events are compared.

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
  last,
  nothingIsLeft,
  openWorld,
  post,
  type Seen,
  said,
  statuses,
  targets,
} from "./support/requests.js";
import { suite } from "./support/suite.js";
import { openDoor } from "./support/tcp.js";

const order = suite("requests: order and bodies");

order("pipelined GET, POST by Content-Length, POST in chunks with extensions and trailers", async () => {
  const hidden = get("/hidden");
  const octets = [
    get("/1"),
    post("/2?pieces=3", hidden),
    get("/3?delay=3"),
    chunks("/4", `5;a=b;c="d;e"\r\nhello\r\n1a\r\n${"y".repeat(26)}\r\n0;f\r\nX-Sum: 7\r\nX-Empty:\r\n\r\n`),
    post("/5", ""),
    chunks("/6?pieces=4&size=40", `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`),
    last,
  ].join("");
  await atEveryCut(octets, [], ({ responses, seen, end, label }) => {
    assert.equal(targets(seen), ["/1", "/2?pieces=3", "/3?delay=3", "/4", "/5", "/6?pieces=4&size=40", "/last"], label);
    assert.equal(
      seen.map(({ body }) => body),
      ["", hidden, "", `hello${"y".repeat(26)}`, "", hidden, ""],
    );
    assert.equal(seen[3]!.trailers, { "x-sum": "7", "x-empty": "" });
    assert.equal(
      bodies(responses),
      seen.map(({ method, target }) => said(method, target)),
    );
    assert.is(end.kind, "served");
  });
});

order("empty lines between requests", async () => {
  await atEveryCut(`\r\n${get("/1")}\r\n\r\n${post("/2", "x")}\r\n${last}`, [], ({ responses, seen }) => {
    assert.equal(targets(seen), ["/1", "/2", "/last"]);
    assert.equal(statuses(responses), [200, 200, 200]);
  });
});

order("HEAD, 204, 304, and responses in many pieces", async () => {
  const methods = ["HEAD", "GET", "GET", "HEAD", "GET", "DELETE", "GET"];
  const octets =
    `HEAD /1?size=50 HTTP/1.1\r\nHost: a\r\n\r\n${get("/2?status=204")}${get("/3?status=304")}` +
    `HEAD /4?pieces=9&size=900 HTTP/1.1\r\nHost: a\r\n\r\n${get("/5?pieces=60&size=3000")}` +
    `DELETE /6?status=204 HTTP/1.1\r\nHost: a\r\n\r\n${last}`;
  await atEveryCut(octets, methods, ({ responses, seen, label }) => {
    assert.equal(statuses(responses), [200, 204, 304, 200, 200, 204, 200], label);
    assert.equal(targets(seen).length, 7);
    assert.is(bodies(responses)[4], said("GET", "/5?pieces=60&size=3000"));
    assert.is(bodies(responses)[6], said("GET", "/last"));
  });
});

order("200 pipelined requests", async () => {
  const each = (i: number): string => (i % 3 === 0 ? post(`/${i}`, `body ${i}`) : get(`/${i}?pieces=2`));
  const octets = Array.from({ length: 200 }, (_, i) => each(i)).join("") + last;
  for (const way of ["tcp", "memory"] as const) {
    for (const cut of ["whole", 5, 6] as const) {
      const world = await openWorld();
      const client = await world.connect(way);
      await client.send(octets, cut);
      const responses = await client.all();
      assert.is(responses.length, 201);
      const wanted = world.app.seen.map(({ method, target }) => said(method, target));
      assert.equal(bodies(responses), wanted);
      assert.equal(
        world.app.seen.slice(0, 200).map(({ body }) => body),
        Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? `body ${i}` : "")),
      );
      await world.close();
    }
  }
});

order("more pipelined octets than are held during a slow response", async () => {
  const body = "z".repeat(1000);
  const targets = Array.from({ length: 400 }, (_, i) => `/${i}${i % 50 === 0 ? "?delay=10" : ""}`);
  for (const way of ["tcp", "memory"] as const) {
    const world = await openWorld();
    const client = await world.connect(way);
    for (const target of targets) client.stream.write(post(target, body));
    await client.send(last);
    assert.equal(bodies(await client.all()), [...targets.map((target) => said("POST", target)), said("GET", "/last")]);
    assert.ok(world.app.seen.slice(0, -1).every((one) => one.body === body));
    await world.close();
  }
});

order("a request listener instead of a server", async () => {
  const app = application();
  const gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }], requests: app.handle });
  const door = await openDoor((socket) => gate.adopt(socket));
  const client = await door.connect();
  await client.send(get("/1") + last);
  assert.equal(bodies(await client.all()), [said("GET", "/1"), said("GET", "/last")]);
  await door.close();
});

order("two gates of one server", async () => {
  const app = application();
  const both = [await openWorld({ app, disagree: true }), await openWorld({ app, disagree: true })];
  for (const world of both) {
    const client = await world.connect();
    await client.send(get("/1?delay=2") + get("/2") + last, 1);
    assert.equal(statuses(await client.all()), [200, 200, 200]);
    await world.close();
  }
  assert.is(app.seen.length, 6);
});

const later = suite("requests: every later one is ruled on");
later.after(nothingIsLeft);

for (const [title, first] of Object.entries({
  "at once": get("/1"),
  "after 50 ms": get("/1?delay=50"),
  "in pieces": get("/1?pieces=20&size=4000"),
  "after a body": post("/1", foreign),
  "after chunks": chunks("/1", `${foreign.length.toString(16)}\r\n${foreign}\r\n0\r\nX: y\r\n\r\n`),
})) {
  later(`a foreign Host after a response that comes ${title}`, async () => {
    await atEveryCut(first + foreign + get("/after"), [], ({ responses, seen, refused, end, label }) => {
      assert.equal(statuses(responses), [200, 421], label);
      assert.is(bodies(responses)[0], said(seen[0]!.method, seen[0]!.target));
      assert.is(responses[1]!.fields.get("connection"), "close");
      assert.is(seen.length, 1);
      assert.is(seen[0]!.state, "whole");
      assert.equal(refused, ["NAME_UNKNOWN"]);
      assert.is(end.kind, "refused");
    });
  });
}

later("requests in turns, the last one foreign", async () => {
  for (const way of ["tcp", "memory"] as const) {
    const world = await openWorld();
    const client = await world.connect(way);
    for (let i = 0; i < 5; i++) {
      await client.send(i % 2 ? post(`/${i}`, "abc") : get(`/${i}`), i);
      await client.responses(i + 1);
    }
    await client.send(foreign);
    assert.equal(statuses(await client.all()), [200, 200, 200, 200, 200, 421]);
    await world.close();
  }
});

const strippedFields = (one: Seen): unknown => [one.fields.upgrade, one.fields.connection];

for (const [title, head, connection] of [
  [
    "h2c",
    "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA\r\n\r\n",
    "HTTP2-Settings",
  ],
  ["foo", "GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive,upgrade\r\nupgrade: foo/1, bar\r\n\r\n", "keep-alive"],
  [
    "two Upgrade lines",
    "GET /x HTTP/1.1\r\nUpgrade: h2c\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
    undefined,
  ],
  ["an empty Upgrade", "GET /x HTTP/1.1\r\nUpgrade:\r\nHost: a\r\nConnection: upgrade\r\n\r\n", undefined],
  ["Upgrade that Connection does not name", "GET /x HTTP/1.1\r\nUpgrade: websocket\r\nHost: a\r\n\r\n", undefined],
  [
    "HTTP/1.0 and a handshake",
    "GET /live HTTP/1.0\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "keep-alive",
  ],
  [
    "POST with a body",
    "POST /x HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nabc",
    undefined,
  ],
  [
    "POST in chunks",
    "POST /x HTTP/1.1\r\nHost: a\r\nUpgrade: TLS/1.0\r\nConnection: , Upgrade ,,\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    undefined,
  ],
] as const) {
  later(`an Upgrade without a recipient is an ordinary request: ${title}`, async () => {
    await atEveryCut(get("/1") + head + get("/3") + foreign, [], ({ responses, seen, label }) => {
      assert.equal(statuses(responses), [200, 200, 200, 421], label);
      assert.equal(strippedFields(seen[1]!), [undefined, connection]);
      assert.is(seen[1]!.body, head.startsWith("POST") ? "abc" : "");
    });
  });
}

later("CONNECT is 405", async () => {
  const connect = "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n";
  await atEveryCut(get("/1") + connect + get("/3"), [], ({ responses, seen, refused }) => {
    assert.equal(statuses(responses), [200, 405]);
    assert.is(responses[1]!.fields.get("allow"), "GET");
    assert.is(seen.length, 1);
    assert.equal(refused, ["METHOD_NOT_ALLOWED"]);
  });
  await atEveryCut(connect, [], ({ responses }) => assert.equal(statuses(responses), [405]));
});

// llhttp waits after such a head for the rest of HTTP/2's connection preface, and the client would wait without end.
later("PRI is 405", async () => {
  await atEveryCut(`${get("/1")}PRI http://a HTTP/1.0\r\n\r\n${get("/3")}`, [], ({ responses, seen, refused }) => {
    assert.equal(statuses(responses), [200, 405]);
    assert.is(seen.length, 1);
    assert.equal(refused, ["METHOD_NOT_ALLOWED"]);
  });
});

later("under absolute-form the application reads the host that was ruled on", async () => {
  const absolute = (authority: string, host: string): string =>
    `GET http://${authority}/x?y HTTP/1.1\r\nX: 1\r\nHost: ${host}\r\nY: 2\r\n\r\n`;
  const octets = absolute("A.:8080", "b") + absolute("a", "a:81") + absolute("a", "a") + absolute("b", "a");
  await atEveryCut(octets, [], ({ responses, seen, label }) => {
    assert.equal(statuses(responses), [200, 200, 200, 421], label);
    assert.equal(
      seen.map(({ host, target, fields }) => [host, target, fields.x, fields.y]),
      [
        ["a:8080", "http://A.:8080/x?y", "1", "2"],
        ["a", "http://a/x?y", "1", "2"],
        ["a", "http://a/x?y", "1", "2"],
      ],
    );
  });
  await atEveryCut(`GET http://a/ HTTP/1.0\r\n\r\n`, [], ({ seen }) => assert.is(seen[0]!.host, "a"));
});

later("octets of other heads go on unchanged", async () => {
  const odd =
    "OPTIONS * HTTP/1.1\r\nhOsT:  A:1\t\r\nX-Odd:\t\x80\xff \r\nX-Odd: b\r\nConnection: x, y\r\nTE: trailers\r\n\r\n";
  await atEveryCut(odd + last, [], ({ seen }) => {
    assert.equal({ ...seen[0]!.fields }, { host: "A:1", "x-odd": "\x80\xff, b", connection: "x, y", te: "trailers" });
  });
});

later("a request with Connection: close is the last, even where the application keeps the connection", async () => {
  for (const first of [
    "GET /1?keep HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET /1?keep HTTP/1.0\r\nHost: a\r\n\r\n",
  ]) {
    await atEveryCut(first + get("/2"), [], ({ responses, seen, end }) => {
      assert.equal(statuses(responses), [200]);
      assert.equal(targets(seen), ["/1?keep"]);
      assert.is(end.kind, "served");
    });
  }
  await atEveryCut(get("/1?close") + get("/2"), [], ({ responses, seen }) => {
    assert.equal(statuses(responses), [200]);
    assert.equal(targets(seen), ["/1?close"]);
  });
});
