// In:    servers of node:http with our parser in the seat of Node's.
// Out:   whether all that Node promises still holds: errors, timeouts, connections to close, contexts, what throws.
// Never: repeats what test/seat-transcripts.test.ts compares octet by octet.

import { AsyncLocalStorage, createHook } from "node:async_hooks";
import { spawnSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import http from "node:http";
import type { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import { startEngine } from "#src/engine/seat.js";
import { type ParseError, useIn } from "#src/http-parser-node.js";
import { Client, close, GET, listen, seated } from "./support/seat.js";
import { suite } from "./support/suite.js";
import { until } from "./support/until.js";

const test = suite("seat promises");

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

const serverOf = ({ socket }: IncomingMessage): http.Server => (socket as unknown as { server: http.Server }).server;

/** Runs the same with Node's parser and with ours, which have to come to the same. */
async function likeNative(run: (server: http.Server, log: unknown[]) => Promise<void>): Promise<unknown[]> {
  const logs: unknown[][] = [];
  for (const prepare of [() => {}, useIn]) {
    const log: unknown[] = [];
    const server = http.createServer();
    prepare(server);
    await run(server, log);
    await close(server);
    logs.push(log);
  }
  assert.equal(logs[1], logs[0]);
  return logs[1]!;
}

test("a request that is being handled is not idle: `close` and `closeIdleConnections` leave its connection alone", async () => {
  const size = 20_000_000;
  await seated(
    (request, response) => {
      const { url } = request;
      if (url !== "/large") return response.end(`<${url}>`);
      response.end(Buffer.alloc(size, "y"));
      serverOf(request).close();
    },
    async (port) => {
      const client = await Client.connect(port);
      client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.has("</1>");
      client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.closed();
      assert.ok(client.received.length > size, `${client.received.length} octets`);
    },
  );
  let body = "";
  await seated(
    (request, response) => {
      response.end(`<${request.url}>`);
      request.on("data", (octets: Buffer) => (body += octets.toString("latin1")));
      if (request.url === "/2") serverOf(request).closeIdleConnections();
    },
    async (port) => {
      const client = await Client.connect(port);
      client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.has("</1>");
      client.send("POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
      await client.has("</2>");
      client.send("67890");
      await until(
        () => body === "1234567890",
        () => `a body in ${body}`,
      );
    },
  );
});

test("each message of a connection may expire, if a listener keeps the connection", async () => {
  const codes: unknown[] = [];
  await seated(
    (request, response) => response.end(`<${request.url}>`),
    async (port, server) => {
      server.on("clientError", (error: NodeJS.ErrnoException) => codes.push(error.code));
      const client = await Client.connect(port);
      for (const count of [1, 2]) {
        client.send(`GET /${count} HTTP/1.1\r\nHo`);
        await until(() => codes.length === count, `${count} timeouts`);
        client.send("st: a\r\n\r\n");
        await client.has(`</${count}>`);
      }
      client.stream.destroy();
    },
    { headersTimeout: 60, requestTimeout: 60, connectionsCheckingInterval: 20 },
  );
  assert.equal(codes, ["ERR_HTTP_REQUEST_TIMEOUT", "ERR_HTTP_REQUEST_TIMEOUT"]);
});

test("the time of the first message counts from its first octet; until then, from the connection's beginning", async () => {
  const engine = startEngine();
  const parser = engine.take();
  parser.initialize(engine.parts.common.HTTPParser.REQUEST, { socket: { _handle: null } }, 0, 0);
  const later = async (): Promise<number> => {
    const before = performance.now();
    await until(() => performance.now() > before, "a later time");
    return performance.now();
  };
  const { started } = parser;
  assert.ok(started > 0);
  await later();
  parser.execute(Buffer.from("\r\n"));
  assert.is(parser.started, started, "an empty line begins no message");
  const begun = await later();
  parser.execute(Buffer.from("GET / HT"));
  const { started: first } = parser;
  assert.ok(first >= begun);
  await later();
  parser.execute(Buffer.from("TP/1.1\r\n"));
  assert.is(parser.started, first);
  parser.remove();
});

test("octets after a fault do not make a head too large", async () => {
  const log = await likeNative(async (server, log) => {
    server.on("clientError", (error: ParseError, socket) => {
      log.push(error.code, error.bytesParsed);
      socket.destroy();
    });
    const port = await listen(server);
    const client = await Client.connect(port);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nA b\r\nContent-Length: 40000\r\n\r\n${"x".repeat(40_000)}`);
    await client.closed();
  });
  assert.equal(log, ["HPE_INVALID_HEADER_TOKEN", 27]);
});

test("after a callback has thrown, the error names it, and the octet, each time", () => {
  const program = (seat: string): string => `
    import http from "node:http"; import net from "node:net"; import { once } from "node:events";
    import { useIn } from "headgate/http-parser/node";
    const log = [];
    process.on("uncaughtException", (error) => log.push(error.message));
    class Message extends http.IncomingMessage {
      push(octets) { if (octets === null && this.url === "/complete") throw new Error("thrown"); return super.push(octets); }
    }
    const head = (path) => "POST " + path + " HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 4\\r\\n\\r\\n";
    for (const [first, next] of [[head("/head") + "ab", "cd"], [head("/body") + "a", "bc"], [head("/complete") + "abcd", ""]]) {
      const server = http.createServer({ IncomingMessage: Message }, (request) => {
        if (request.url === "/head") throw new Error("thrown");
        if (request.url === "/body") request.once("data", () => { log.push("data"); request.on("data", () => { throw new Error("thrown"); }); });
      });
      server.on("clientError", (error, socket) => {
        log.push(error.code, error.reason, error.bytesParsed, error.rawPacket.length);
        if (log.filter((each) => each === error.code).length === 2) socket.destroy();
      });
      ${seat}
      await once(server.listen(0), "listening");
      const client = net.connect({ port: server.address().port, noDelay: true });
      client.on("error", () => {});
      client.write(first);
      const has = async (count, what) => { while (log.filter((each) => each === what).length < count) await new Promise(setImmediate); };
      const before = log.filter((each) => each === "thrown").length;
      if (first.includes("/body")) { await has(1, "data"); client.write(next); }
      await has(before + 1, "thrown");
      client.write("more");
      while (typeof log.at(-1) !== "number") await new Promise(setImmediate);
      client.write("more");
      await once(client, "close");
      server.close();
    }
    console.log(JSON.stringify(log));`;
  const run = (seat: string): string =>
    spawnSync(process.execPath, ["--input-type=module", "-e", program(seat)], { encoding: "utf8" }).stdout;
  const ours = run("useIn(server);");
  assert.is(ours, run(""));
  for (const code of ["HPE_CB_HEADERS_COMPLETE", "HPE_JS_EXCEPTION", "HPE_CB_MESSAGE_COMPLETE"])
    assert.match(ours, code);
});

test("headers are Node's own where its functions for them were replaced, whenever that was", async () => {
  const { prototype } = http.IncomingMessage as unknown as {
    prototype: Record<string, (...values: [Record<string, string>, string, string]) => void>;
  };
  for (const name of ["_addHeaderLine", "_addHeaderLines"]) {
    for (const isBefore of [true, false]) {
      const original = prototype[name]!;
      let calls = 0;
      const patch = (): void => {
        prototype[name] = function (...values) {
          calls++;
          Reflect.apply(original, this, values);
        };
      };
      if (isBefore) patch();
      try {
        await seated(
          (request, response) => response.end(`<${request.headers.host}>`),
          async (port) => {
            if (!isBefore) patch();
            const client = await Client.connect(port);
            client.send(GET);
            await client.has("<a>");
            assert.ok(calls > 0, `${name}, ${isBefore ? "before" : "after"} useIn`);
          },
        );
      } finally {
        prototype[name] = original;
      }
    }
  }
});

test("AsyncLocalStorage: requests keep their stores when a handler listens for 'data' of the socket", async () => {
  const log = await likeNative(async (server, log) => {
    const storage = new AsyncLocalStorage<string>();
    server.prependListener("connection", () => storage.enterWith("connection"));
    server.on("request", (request, response) => {
      log.push(`${request.url} ${storage.getStore()}`);
      request.socket.on("data", () => {});
      response.end(`<${request.url}>`);
    });
    const client = await Client.connect(await listen(server));
    for (const number of [1, 2]) {
      client.send(`GET /${number} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await client.has(`</${number}>`);
    }
    client.stream.destroy();
  });
  assert.equal(log, ["/1 connection", "/2 connection"]);
});

test("AsyncLocalStorage: the close of a connection, and what follows an upgrade, have the stores that they have natively", async () => {
  await likeNative(async (server, log) => {
    const storage = new AsyncLocalStorage<string>();
    server.prependListener("connection", () => storage.enterWith("connection"));
    server.on("connection", (socket: Duplex) => {
      socket.on("close", () => log.push(`close ${storage.getStore()}`));
    });
    server.on("upgrade", (_request, socket: Duplex) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
      socket.on("data", () => {
        log.push(`data ${storage.getStore()}`);
        socket.destroy();
      });
    });
    const port = await listen(server);
    const client = await Client.connect(port);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    await client.has("101");
    client.send("x");
    await client.closed();
    await until(() => log.length === 2, "a closed socket");
  });
});
