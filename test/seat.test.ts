// In:    servers of node:http, node:https and node:http2 with our parser in the seat of Node's.
// Out:   whether all that Node promises still holds, other servers and clients never meet the parser, and it can be undone.
// Never: repeats what test/seat-transcripts.test.ts compares octet by octet.

import { AsyncLocalStorage, createHook } from "node:async_hooks";
import { spawnSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import http, { type IncomingMessage, type Server } from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net, { type Socket } from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { kernel } from "#src/head/kernel/instance.js";
import {
  install,
  type ParseError,
  type SeatableServer,
  SeatUnavailable,
  useIn,
  whyUnavailable,
} from "#src/http-parser-node.js";
import { parseRequestHead, useKernel } from "#src/parser.js";
import { certificate } from "./support/certificate.js";
import { suite } from "./support/suite.js";
import { streamPair } from "./support/tcp.js";
import { turn, until } from "./support/until.js";

const test = suite("seat");

interface Pool {
  readonly list: object[];
}
const common = process.getBuiltinModule("_http_common" as "http") as unknown as {
  parsers: Pool;
  HTTPParser: new () => object;
};

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

async function listen(server: SeatableServer): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as net.AddressInfo).port;
}

async function close(server: SeatableServer): Promise<void> {
  const closed = once(server, "close");
  server.close();
  (server as Server).closeAllConnections?.();
  await closed;
}

class Client {
  received = "";
  readonly stream: Duplex;

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on("data", (octets: Buffer) => (this.received += octets.toString("latin1")));
    stream.on("error", () => {});
  }

  static async connect(port: number): Promise<Client> {
    const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return new Client(socket);
  }

  send(text: string): void {
    this.stream.write(text, "latin1");
  }

  /** Waits until that has come. */
  has(text: string): Promise<void> {
    return until(
      () => this.received.includes(text),
      () => `${text} in ${this.received}`,
    );
  }

  closed(): Promise<void> {
    return until(
      () => this.stream.destroyed,
      () => `closed after ${this.received}`,
    );
  }
}

/** A server with our parser, on a port, for the time of a test. */
async function seated(
  listener: http.RequestListener,
  run: (port: number, server: Server) => Promise<void>,
  options: http.ServerOptions = {},
): Promise<void> {
  const server = http.createServer(options, listener);
  useIn(server);
  const port = await listen(server);
  try {
    await run(port, server);
  } finally {
    await close(server);
  }
}

const parserOf = (socket: unknown): object => (socket as { parser: object }).parser;
const isOurs = (socket: unknown): boolean => !(parserOf(socket) instanceof common.HTTPParser);

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

test("a fault is a 'clientError' with code, reason, octet, all octets of the read, and the HeadFault as cause", async () => {
  const errors: (ParseError & { rawPacket: Buffer })[] = [];
  await seated(
    (_request, response) => response.end("yes"),
    async (port, server) => {
      server.on("clientError", (error, socket) => {
        errors.push(error as never);
        socket.destroy();
      });
      const sent = [
        `${GET}GET / HTTP/1.1\r\nHost: b\r\nA b\r\n\r\n`,
        "\r\nGET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        `${GET}POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc`,
      ];
      for (const text of sent) {
        const client = await Client.connect(port);
        client.send(text);
        await client.closed();
        assert.is(errors.at(-1)!.rawPacket.toString("latin1"), text);
      }
    },
  );
  const [first, second, third] = errors;
  assert.is(first!.code, "HPE_INVALID_HEADER_TOKEN");
  assert.is(first!.message, "Parse Error: Invalid header token");
  assert.is(first!.cause!.code, "FIELD_NAME_SPACE");
  assert.is(first!.bytesParsed, GET.length + "GET / HTTP/1.1\r\nHost: b\r\nA".length);
  assert.is(second!.cause!.code, "HOST_REPEATED");
  assert.is(third!.code, "HPE_STRICT");
  assert.is(third!.cause, undefined);
  assert.is(third!.bytesParsed, third!.rawPacket.indexOf("bc"));
});

test("closeIdleConnections, closeAllConnections and getConnections see our connections", async () => {
  const held: http.ServerResponse[] = [];
  await seated(
    (request, response) => {
      if (request.url === "/held") held.push(response);
      else response.end("yes");
    },
    async (port, server) => {
      const [idle, busy, begun, silent] = await Promise.all([1, 2, 3, 4].map(() => Client.connect(port)));
      idle!.send(GET);
      await idle!.has("yes");
      busy!.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
      await until(() => held.length === 1, "a request");
      begun!.send("GET / HT");
      server.closeIdleConnections();
      await idle!.closed();
      for (const client of [busy, begun, silent]) assert.not.ok(client!.stream.destroyed);
      held[0]!.end("late");
      await busy!.has("late");
      begun!.send("TP/1.1\r\nHost: a\r\n\r\n");
      await begun!.has("yes");
      assert.is(await new Promise((resolve) => server.getConnections((_error, count) => resolve(count))), 3);
      server.closeAllConnections();
      for (const client of [busy, begun, silent]) await client!.closed();
    },
  );
});

test("AsyncLocalStorage: what a listener of 'connection' enters is there in requests, and stays apart", async () => {
  const storage = new AsyncLocalStorage<number>();
  let connections = 0;
  const seen: (number | undefined)[] = [];
  await seated(
    (request, response) => {
      seen.push(storage.getStore());
      request.on("data", () => seen.push(storage.getStore()));
      request.on("end", () => response.end("yes"));
    },
    async (port, server) => {
      server.prependListener("connection", () => storage.enterWith(++connections));
      for (const _ of [1, 2]) {
        const client = await Client.connect(port);
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
        await client.has("yes");
        client.received = "";
        client.send(GET);
        await client.has("yes");
        client.stream.destroy();
      }
    },
  );
  assert.equal(seen, [1, 1, 1, 2, 2, 2]);
});

test("async_hooks and http's diagnostics channels work as before", async () => {
  let before = 0;
  const hook = createHook({ before: () => void before++ }).enable();
  const started: string[] = [];
  const note = (message: unknown): void =>
    void started.push((message as { request: IncomingMessage }).request.url ?? "");
  subscribe("http.server.request.start", note);
  subscribe("http.server.response.finish", note);
  await seated(
    (_request, response) => response.end("yes"),
    async (port) => {
      const client = await Client.connect(port);
      client.send(GET);
      await client.has("yes");
    },
  );
  hook.disable();
  unsubscribe("http.server.request.start", note);
  unsubscribe("http.server.response.finish", note);
  assert.ok(before > 0);
  assert.equal(started, ["/", "/"]);
});

test("a handler that throws ends its process as with Node's parser, and with a listener the connection is dead", () => {
  const program = (seat: string): string => `
    import http from "node:http"; import net from "node:net"; import { useIn } from "headgate/http-parser/node";
    process.on("uncaughtException", (error) => console.log("caught", error.message));
    const server = http.createServer((request) => { throw new Error(request.url); });
    server.on("clientError", (error, socket) => { console.log(error.code, socket.destroyed); socket.destroy(); });
    ${seat}
    server.listen(0, () => {
      const client = net.connect(server.address().port);
      client.write("GET /1 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\nGET /2 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n");
      process.once("uncaughtException", () => client.write("GET /3 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"));
      client.on("error", () => {}).on("close", () => server.close());
    });`;
  const run = (seat: string): string =>
    spawnSync(process.execPath, ["--input-type=module", "-e", program(seat)], { encoding: "utf8" }).stdout;
  const ours = run("useIn(server);");
  assert.match(ours, /^caught \/1\n/);
  assert.not.match(ours, /\/2/);
  assert.is(ours.split("\n")[0], run("").split("\n")[0]);
});

test("a socket that has no handle, one that is read already, and one that is emitted twice come by 'data'", async () => {
  const server = http.createServer((request, response) => {
    let body = "";
    request.on("data", (octets: Buffer) => (body += octets.toString("latin1")));
    request.on("end", () => response.end(`<${request.url} ${body}>`));
  });
  useIn(server);
  const [near, far] = streamPair();
  server.emit("connection", far);
  const inMemory = new Client(near);
  inMemory.send(`POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc${GET}`);
  await inMemory.has("</ >");
  assert.match(inMemory.received, /<\/1 abc>/);
  near.destroy();

  // Accepted by another server, with octets that were read before.
  const door = net.createServer((socket) => {
    socket.once("data", (octets) => {
      socket.pause();
      socket.unshift(octets);
      server.emit("connection", socket);
      socket.resume();
    });
  });
  door.listen(0, "127.0.0.1");
  await once(door, "listening");
  const client = await Client.connect((door.address() as net.AddressInfo).port);
  client.send("GET /x HT");
  await turn();
  client.send("TP/1.1\r\nHost: a\r\n\r\n");
  await client.has("</x >");
  client.send("GET /y HTTP/1.1\r\nHost: a\r\n\r\n");
  await client.has("</y >");
  client.stream.destroy();
  const closed = once(door, "close");
  door.close();
  await closed;

  // After CONNECT the same socket again, whose handle Node takes for read.
  server.on("connect", (_request, socket: Socket, first: Buffer) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    if (first.length > 0) socket.unshift(first);
    server.emit("connection", socket);
  });
  const port = await listen(server);
  const tunnel = await Client.connect(port);
  tunnel.send(`CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n${GET}`);
  await tunnel.has("</ >");
  tunnel.send("GET /z HTTP/1.1\r\nHost: a\r\n\r\n");
  await tunnel.has("</z >");
  tunnel.stream.destroy();
  await close(server);
});

test("a handler that listens for 'data' of the socket itself gets copies, and requests go on", async () => {
  const raw: string[] = [];
  await seated(
    (request, response) => {
      if (request.url === "/") request.socket.on("data", (octets: Buffer) => raw.push(octets.toString("latin1")));
      response.end(`<${request.url}>`);
    },
    async (port) => {
      const client = await Client.connect(port);
      client.send(GET);
      await client.has("</>");
      const next = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
      client.send(next);
      await client.has("</2>");
      assert.equal(raw, [next]);
    },
  );
});

test("a client that answers within the handler's write is read when the handler is done", async () => {
  const server = http.createServer((request, response) => response.end(`<${request.url}>`));
  useIn(server);
  const [near, far] = streamPair();
  let received = "";
  near.on("data", (octets: Buffer) => {
    received += octets.toString("latin1");
    if (received.includes("</1>") && !received.includes("</2>")) near.write("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  });
  server.emit("connection", far);
  near.write("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(
    () => received.includes("</2>"),
    () => received,
  );
  near.destroy();
});

test("back-pressure: a body that is not read stops the client", async () => {
  let request: IncomingMessage | undefined;
  await seated(
    (given) => void (request = given),
    async (port) => {
      const client = await Client.connect(port);
      const size = 64 * 1024 * 1024;
      client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
      const block = Buffer.alloc(1024 * 1024, "x");
      let sent = 0;
      while (client.stream.write(block) && sent < size) sent += block.length;
      await until(() => request !== undefined && request.readableLength > 0, "a body");
      await turn();
      assert.ok(request!.readableLength < 1024 * 1024, `${request!.readableLength} octets held`);
      assert.ok((request!.socket as Socket).bytesRead < size);
      client.stream.destroy();
    },
  );
});

/** Every octet of a message, of its own pattern. */
const pattern = (seed: string, length: number): string => seed.repeat(Math.ceil(length / seed.length)).slice(0, length);

test("the boundary: a head, a body and a nested read never see each other's octets", async () => {
  const bodies = new Map<string, Buffer[]>();
  const heads = new Map<string, IncomingMessage>();
  const others: Client[] = [];
  await seated(
    (request, response) => {
      heads.set(request.url!, request);
      const pieces: Buffer[] = [];
      bodies.set(request.url!, pieces);
      // Other parses and other reads come between the callbacks of one read.
      parseRequestHead(Buffer.from(`GET /${pattern("Z", 3000)} HTTP/1.1\r\nHost: z\r\n\r\n`));
      kernel().input.fill(0x21);
      kernel().generation++;
      request.on("data", (piece: Buffer) => {
        pieces.push(piece);
        kernel().input.fill(0x3f);
        kernel().generation++;
      });
      request.on("end", () => response.end(`<${request.url}>`));
    },
    async (port) => {
      for (const seed of ["A", "B", "C"]) {
        const client = await Client.connect(port);
        others.push(client);
        const name = `X-${seed}: ${pattern(seed, 300)}\r\n`;
        const one = `POST /${seed}1 HTTP/1.1\r\nHost: a\r\n${name}Content-Length: 5000\r\n\r\n${pattern(`${seed}1`, 5000)}`;
        const two = `POST /${seed}2 HTTP/1.1\r\nHost: a\r\n${name}Transfer-Encoding: chunked\r\n\r\n7d0\r\n${pattern(`${seed}2`, 2000)}\r\n0\r\n\r\n`;
        const three = `GET /${seed}3 HTTP/1.1\r\nHost: a\r\n${name}\r\n`;
        client.send(one + two + three);
      }
      for (const [i, seed] of ["A", "B", "C"].entries()) await others[i]!.has(`</${seed}3>`);
      for (const seed of ["A", "B", "C"]) {
        assert.is(Buffer.concat(bodies.get(`/${seed}1`)!).toString("latin1"), pattern(`${seed}1`, 5000));
        assert.is(Buffer.concat(bodies.get(`/${seed}2`)!).toString("latin1"), pattern(`${seed}2`, 2000));
        for (const number of [1, 2, 3]) {
          const { headers, rawHeaders } = heads.get(`/${seed}${number}`)!;
          assert.is(headers[`x-${seed.toLowerCase()}`], pattern(seed, 300));
          assert.is(rawHeaders[3], pattern(seed, 300));
        }
        // Not one piece is a view of the kernel's memory.
        const pieces = [...bodies.get(`/${seed}1`)!, ...bodies.get(`/${seed}2`)!];
        for (const { buffer } of pieces) assert.is.not(buffer, kernel().input.buffer);
      }
    },
  );
});

test("an upgraded socket gets copies, which later reads of other sockets leave alone", async () => {
  const got: Buffer[] = [];
  await seated(
    (_request, response) => response.end("yes"),
    async (port, server) => {
      server.on("upgrade", (_request, socket: Duplex, first: Buffer) => {
        got.push(first);
        socket.on("data", (octets: Buffer) => got.push(octets));
        socket.on("end", () => socket.end());
        socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
      });
      const client = await Client.connect(port);
      client.send(`GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n${pattern("1", 100)}`);
      await client.has("101");
      client.send(pattern("2", 6000));
      await until(() => Buffer.concat(got).length === 6100, "6100 octets");
      const other = await Client.connect(port);
      other.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n${pattern("9", 60_000)}`);
      await other.has("yes");
      assert.is(Buffer.concat(got).toString("latin1"), pattern("1", 100) + pattern("2", 6000));
      client.stream.destroy();
    },
  );
});

test("useKernel: connections go on in the memory that their sockets read into", async () => {
  await seated(
    (request, response) => response.end(`<${request.url} ${request.headers["x-a"]}>`),
    async (port) => {
      const client = await Client.connect(port);
      client.send("GET /1 HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n");
      await client.has("</1 b>");
      useKernel("scalar");
      client.send("GET /2 HTTP/1.1\r\nHost: a\r\nX-A: c\r\n\r\n");
      await client.has("</2 c>");
      client.send("GET /3 HTT");
      await turn();
      useKernel("simd");
      client.send("P/1.1\r\nHost: a\r\nX-A: d\r\n\r\n");
      await client.has("</3 d>");
    },
  );
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

test("without the memory of sockets the parser is fed by 'data', and reads the same", async () => {
  const program = `
    import net from "node:net"; import http from "node:http"; import { once } from "node:events";
    const { useIn } = await import("#src/http-parser-node.js");
    const server = http.createServer((q, s) => { let b = ""; q.on("data", (d) => b += d).on("end", () => s.end("<" + q.url + b + ">")); });
    const original = Object.getOwnPropertySymbols;
    Object.getOwnPropertySymbols = (x) => x instanceof net.Socket ? [] : original(x);
    useIn(server);
    Object.getOwnPropertySymbols = original;
    server.listen(0, () => {
      const client = net.connect(server.address().port);
      client.write("POST /1 HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 40000\\r\\n\\r\\n" + "x".repeat(40000) + "GET /2 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n");
      let text = ""; client.on("data", (d) => { text += d; if (text.includes("</2>")) { console.log(text.length > 40000); client.destroy(); server.close(); } });
    });`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  assert.is(stdout, "true\n", stderr);
});
