// In:    connections whose requests a gate gives to an http.Server that takes heads as they were read, or only octets.
// Out:   whether each head is parsed once, and whether both servers see the same requests and clients get the same responses.
// Never: repeats what the other tests of requests check; they run with a server that takes heads.

import { AsyncLocalStorage } from "node:async_hooks";
import http from "node:http";
import type { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import { SeatParser } from "#src/engine/seat-parser.js";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import type { Framer } from "#src/handover/framer.js";
import { kernel } from "#src/head/kernel/instance.js";
import type { RequestHead } from "#src/head/request-head.js";
import { useIn } from "#src/http-parser-node.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { CUTS, chunks, foreign, get, handshake, last, nothingIsLeft, post, statuses } from "./support/requests.js";
import { suite } from "./support/suite.js";
import { type Client, type Cut, openDoor, streamPair } from "./support/tcp.js";
import { until } from "./support/until.js";

const once = suite("requests: heads are read once");
once.after(nothingIsLeft);

/** Octets that go to a parser of ours, and heads. */
interface Given {
  octets: string;
  heads: string[];
}

/** What parsers in the seat get while `act` runs. */
async function given(act: () => Promise<void>): Promise<Given> {
  const { execute, takeHead } = SeatParser.prototype;
  const seen: Given = { octets: "", heads: [] };
  SeatParser.prototype.execute = function (octets) {
    seen.octets += octets.toString("latin1");
    return execute.call(this, octets);
  };
  SeatParser.prototype.takeHead = function (read) {
    seen.heads.push(read.head.requestTarget);
    takeHead.call(this, read);
  };
  try {
    await act();
  } finally {
    Object.assign(SeatParser.prototype, { execute, takeHead });
  }
  return seen;
}

/** Answers once the body has come. */
const answering: http.RequestListener = (request, response) => {
  request.resume().on("end", () => response.end(`<${request.url}>`));
};

/** Takes an upgrade, and closes it once it has "hello". */
const greeted: Framer["take"] = ({ socket, rest }) => {
  socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
  let heard = Buffer.from(rest).toString("latin1");
  const hear = (): void => {
    if (heard === "hello") socket.end("hello");
  };
  socket.on("data", (octets: Buffer) => {
    heard += octets.toString("latin1");
    hear();
  });
  hear();
  socket.resume();
};

const gateFor = (server: http.Server, rules: Partial<GateOptions> = {}): Gate =>
  createGate({
    vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "/live": greeted } }],
    limits: { lingerTimeout: 2000 },
    requests: server,
    ...rules,
  });

type Adopt = (socket: Duplex) => void;

/** Sends octets over TCP or in memory, to the close. */
async function exchange(
  adopt: Adopt,
  way: "tcp" | "memory",
  octets: string,
  cut: Cut,
  endsItsHalf = false,
): Promise<Client> {
  const door = await openDoor(adopt);
  try {
    const client = way === "tcp" ? await door.connect() : door.connectInMemory();
    await client.send(octets, cut);
    if (endsItsHalf) client.stream.end();
    await client.closed();
    return client;
  } finally {
    await door.close();
  }
}

/** The first socket that a gate adopts lets it find out, by requests of its own, what its Node allows. */
const begin = (gate: Gate): Promise<unknown> => exchange((socket) => gate.adopt(socket), "tcp", last, "whole");

for (const way of ["tcp", "memory"] as const) {
  once(`over ${way}, the kernel reads each head once, and the server's parser none`, async () => {
    const gate = gateFor(http.createServer(answering));
    const origin = "Origin: http://a\r\nReferer: http://a/\r\nCookie: b=c\r\n";
    const octets =
      get("/1") + post("/2", "body 2", origin) + get("/3", origin) + chunks("/4", "3\r\nabc\r\n0\r\n\r\n") + last;
    await begin(gate);
    let before = 0;
    const { heads, octets: rest } = await given(async () => {
      before = kernel().generation;
      const client = await exchange((socket) => gate.adopt(socket), way, octets, "whole");
      assert.equal(statuses(await client.all()), [200, 200, 200, 200, 200]);
    });
    assert.equal(heads, ["/1", "/2", "/3", "/4", "/last"]);
    assert.is(rest, "body 23\r\nabc\r\n0\r\n\r\n");
    assert.is(kernel().generation - before, 5);
  });
}

once("a first head that the caller has read goes to the server later, and once", async () => {
  const paths: string[] = [];
  const server = http.createServer((request, response) => {
    paths.push(request.url!);
    answering(request, response);
  });
  const gate = gateFor(server);
  await begin(gate);
  paths.length = 0;
  const { heads, octets } = await given(async () => {
    const [near, far] = streamPair();
    let received = "";
    near.on("data", (piece: Buffer) => (received += piece.toString("latin1")));
    const { ended } = gate.adopt(far, { rest: Buffer.from(post("/1", "abcdef").slice(0, -2)) });
    assert.equal(paths, [], "a request while adopt runs");
    near.write(`ef${get("/2")}${last}`);
    assert.is((await ended).kind, "served");
    await until(
      () => received.includes("</last>"),
      () => `the last response comes after ${received}`,
    );
    near.destroy();
  });
  assert.equal(paths, ["/1", "/2", "/last"]);
  assert.equal(heads, ["/1", "/2", "/last"]);
  assert.is(octets, "abcdef");
});

once("what else reads or pauses the server's stream gets octets", async () => {
  const spies: Record<string, (socket: Duplex, seen: (octets: Buffer) => void) => void> = {
    "a listener of 'data'": (socket, seen) => socket.on("data", seen),
    "a listener of 'data' before Node's": (socket, seen) => socket.prependListener("data", seen),
  };
  for (const [title, spy] of Object.entries(spies)) {
    for (const method of ["on", "prependListener"] as const) {
      let seen = "";
      const server = http.createServer(answering);
      server[method]("connection", (socket: Duplex) => spy(socket, (octets) => (seen += octets.toString("latin1"))));
      const gate = gateFor(server);
      const client = await exchange(
        (socket) => gate.adopt(socket),
        "tcp",
        get("/1") + post("/2", "abc") + last,
        "whole",
      );
      assert.equal(statuses(await client.all()), [200, 200, 200], title);
      assert.is(seen, get("/1") + post("/2", "abc") + last, `${title}, ${method}`);
    }
  }
  const paused = http.createServer((request, response) => {
    answering(request, response);
    const { socket } = request;
    response.on("finish", () => {
      socket.pause();
      setImmediate(() => setImmediate(() => socket.resume()));
    });
  });
  const gate = gateFor(paused);
  const { heads } = await given(async () => {
    const client = await exchange((socket) => gate.adopt(socket), "tcp", get("/1") + get("/2") + last, "whole");
    assert.equal(statuses(await client.all()), [200, 200, 200]);
  });
  assert.equal(heads, ["/1"]);
});

once("other connections of the server keep Node's parser, unless the seat is taken for them too", async () => {
  const server = http.createServer(answering);
  const gate = gateFor(server);
  await begin(gate);
  // Two Host lines, which Node's parser accepts.
  const twice = `${last.slice(0, -2)}Host: b\r\n\r\n`;
  const direct = async (): Promise<number[]> => {
    const client = await exchange((socket) => server.emit("connection", socket), "tcp", twice, "whole");
    return statuses(await client.all());
  };
  const { heads, octets } = await given(async () => assert.equal(await direct(), [200]));
  assert.equal([heads, octets], [[], ""]);
  const seat = useIn(server);
  assert.equal(await direct(), [400]);
  seat.release();
  assert.equal(await direct(), [200]);
  const after = await given(async () => void (await begin(gate)));
  assert.equal([after.heads, after.octets], [["/last"], ""]);
});

once("requests run in the context in which the server got its connection", async () => {
  for (const options of [{}, { insecureHTTPParser: true }]) {
    const stores = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const server = http.createServer(options, (request, response) => {
      seen.push(stores.getStore());
      answering(request, response);
    });
    const gate = gateFor(server);
    const [near, far] = streamPair();
    let received = "";
    near.on("data", (piece: Buffer) => (received += piece.toString("latin1")));
    const { ended } = stores.run("of adopt", () => gate.adopt(far, { rest: Buffer.from(get("/1")) }));
    await until(
      () => received.includes("</1>"),
      () => `the first response comes, and not ${received}`,
    );
    near.write(get("/2"));
    await until(
      () => received.includes("</2>"),
      () => `the second response comes after ${received}`,
    );
    near.write(last);
    await ended;
    near.destroy();
    assert.equal(seen, ["of adopt", "of adopt", "of adopt"], JSON.stringify(options));
  }
});

once("a gate that guards the same server rules on what was adopted by another", async () => {
  const server = http.createServer(answering);
  const refused: string[] = [];
  const guarding = createGate({ vhosts: [{ name: "a", port: "any" }] });
  guarding.on("refused", ({ code }) => refused.push(code));
  guarding.guard(server);
  const gate = createGate({
    vhosts: [
      { name: "a", port: NO_LISTEN_SERVER },
      { name: "b", port: NO_LISTEN_SERVER },
    ],
    requests: server,
  });
  const upgrade = "Connection: Upgrade\r\nUpgrade: h2c\r\n";
  const absolute = "GET http://a/3 HTTP/1.1\r\nHost: b\r\n\r\n";
  const client = await exchange(
    (socket) => gate.adopt(socket),
    "tcp",
    get("/1") + get("/2", upgrade) + absolute + foreign,
    "whole",
  );
  assert.equal(statuses(await client.all()), [200, 200, 200, 421]);
  assert.equal(refused, ["NAME_UNKNOWN"]);
});

const same = suite("requests: heads as they were read, and as octets");
same.after(nothingIsLeft);

/** All that an application can see of a request. */
function seenOf(request: http.IncomingMessage, body: string): unknown {
  const { method, url, httpVersion, rawHeaders, headers, headersDistinct, trailers, rawTrailers, complete } = request;
  const views = { rawHeaders, headers: Object.entries(headers), headersDistinct: Object.entries(headersDistinct) };
  return { method, url, httpVersion, ...views, trailers: { ...trailers }, rawTrailers, complete, body };
}

interface Case {
  readonly octets: string;
  readonly options?: http.ServerOptions;
  /** Requests that the server takes of a connection. */
  readonly most?: number;
  readonly rules?: Partial<GateOptions>;
  /** The client ends its half after the octets. */
  readonly ends?: true;
}

const cases: Record<string, Case> = {
  "absolute-form": { octets: `GET http://A.:8080/x HTTP/1.1\r\nX: 1\r\nhost: b\r\nY: 2\r\n\r\n${last}` },
  "an Upgrade that is not handed over": {
    octets: get("/1", "Connection: keep-alive,\tUpgrade\r\nUpgrade: h2c\r\nUPGRADE: foo\r\n") + last,
  },
  "HTTP/1.0, kept alive": { octets: `GET /1 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n${last}` },
  "HTTP/1.0, close beside keep-alive": {
    octets: `GET /1 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close, x\r\n\r\n${last}`,
  },
  "HTABs in Connection, and white space elsewhere": {
    octets: get("/1", "Connection:\tx,\ty \r\nConnection:\tz,keep-alive\t\r\nX-Odd:\t\x80\xff \r\nEmpty:\r\n") + last,
  },
  "repeated fields": {
    octets:
      get(
        "/1",
        "Cookie: a\r\nCookie: b\r\nSet-Cookie: c\r\nX: 1\r\nx: 2\r\nAge: 1\r\nAge: 2\r\nAccept: d\r\naccept: e\r\n",
      ) + last,
  },
  "names that mean something to Object": {
    octets: get("/1", "__proto__: a\r\nconstructor: b\r\ntoString: c\r\nhasOwnProperty: d\r\n") + last,
  },
  "bodies and trailers": {
    octets: post("/1", "abc") + chunks("/2", "3;x=y\r\nabc\r\n0\r\nSum: 7\r\nSum: 8\r\n\r\n") + post("/3", "") + last,
  },
  "an expectation": {
    octets: `POST /1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc${get("/2", "Expect: tea\r\n")}${last}`,
  },
  "a method that Node does not have": { octets: `${get("/1")}FOO /2 HTTP/1.1\r\nHost: a\r\n\r\n${last}` },
  "more than the server's maxHeaderSize": {
    octets: get("/1") + get("/2", `X: ${"x".repeat(3000)}\r\n`) + last,
    options: { maxHeaderSize: 2000 },
  },
  "a body beyond the server's requests per connection": {
    octets: post("/1", "abc") + post("/2", "abc") + last,
    most: 1,
  },
  "a refused request, pipelined between requests that would be served": {
    octets: get("/1") + post("/2", "abc") + foreign + get("/3") + last,
  },
  "a malformed head after a request": { octets: `${get("/1")}GET /2 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${last}` },
  "a malformed body": { octets: get("/1") + chunks("/2", "3\r\nabcd\r\n0\r\n\r\n") + last },
  "an upgrade after requests": { octets: `${get("/1") + post("/2", "abc") + handshake("a")}hello` },
  "report mode": {
    octets: get("/1", "Origin: http://evil.example\r\n") + post("/2", "abc", "Origin: null\r\n") + last,
    rules: { mode: "report" },
  },
  "report mode, a malformed head": {
    octets: `${get("/1")}GET /2 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${last}`,
    rules: { mode: "report" },
  },
  "a client that ends its half after its requests": { octets: get("/1") + post("/2", "abc") + get("/3"), ends: true },
  "a client that ends its half within a body": { octets: get("/1") + post("/2", "abc").slice(0, -1), ends: true },
  "a client that ends its half within a head": { octets: get("/1") + get("/2").slice(0, -3), ends: true },
  "a later request that is refused": { octets: post("/1", foreign) + get("/2") + foreign + last },
};

for (const [title, { octets, options, most, rules, ends: endsItsHalf = false }] of Object.entries(cases)) {
  same(title, async () => {
    /** What the application has seen, and what the client got. */
    const run = async (isLenient: boolean, way: "tcp" | "memory", cut: Cut): Promise<unknown> => {
      const seen: unknown[] = [];
      const server = http.createServer({ ...options, insecureHTTPParser: isLenient }, (request, response) => {
        let body = "";
        request.on("data", (piece: Buffer) => (body += piece.toString("latin1")));
        request.on("end", () => {
          seen.push(seenOf(request, body));
          response.sendDate = false;
          response.end(`<${request.url}>`);
        });
      });
      server.maxRequestsPerSocket = most ?? 0;
      const errors: unknown[] = [];
      server.on("clientError", ({ code, rawPacket }: Error & { code: string; rawPacket: Buffer }, socket: Duplex) => {
        errors.push(code, rawPacket.toString("latin1"));
        socket.end("HTTP/1.1 400 Bad\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      });
      server.on("dropRequest", (request: http.IncomingMessage) => errors.push(`dropped ${request.url}`));
      const gate = gateFor(server, rules);
      const ends: string[] = [];
      gate.on("refused", ({ code }) => ends.push(code));
      gate.on("reported", ({ code }) => ends.push(`reported ${code}`));
      gate.on("malformed", ({ fault }) => ends.push(fault.code));
      gate.on("abandoned", ({ code, stage }) => ends.push(`${code} ${stage}`));
      const accepted: string[] = [];
      gate.on("accepted", ({ head }: { head: RequestHead }) => accepted.push(String(head)));
      let kind: Promise<string> | undefined;
      const adopt: Adopt = (socket) => (kind = gate.adopt(socket).ended.then((end) => end.kind));
      const client = await exchange(adopt, way, octets, cut, endsItsHalf);
      const received = client.received.toString("latin1").replaceAll(/Date: .*\r\n/g, "");
      return { seen, errors, ends, accepted, received, kind: await kind };
    };
    const wanted = await run(true, "tcp", "whole");
    for (const way of ["tcp", "memory"] as const) {
      for (const cut of CUTS) assert.equal(await run(false, way, cut), wanted, `${way}, ${cut}`);
    }
  });
}

same("a body that never completes: the server's requestTimeout", async () => {
  for (const insecureHTTPParser of [true, false]) {
    const server = http.createServer(
      { insecureHTTPParser, requestTimeout: 150, connectionsCheckingInterval: 30 },
      answering,
    );
    const codes: string[] = [];
    server.on("clientError", ({ code }: Error & { code: string }, socket: Duplex) => {
      codes.push(code);
      socket.end("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    });
    // A server checks the times of its connections while it listens.
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const gate = gateFor(server);
    const client = await exchange(
      (socket) => gate.adopt(socket),
      "tcp",
      get("/1") + post("/2", "abc").slice(0, -1),
      "whole",
    );
    assert.equal(statuses(await client.all()), [200, 408]);
    assert.equal(codes, ["ERR_HTTP_REQUEST_TIMEOUT"]);
    server.close();
  }
});
