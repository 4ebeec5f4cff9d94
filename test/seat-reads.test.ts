// In:    sockets and streams of every kind, given to servers with our parser in the seat of Node's.
// Out:   whether each octet reaches the message that it belongs to, and no other, in whatever order reads come.
// Never: repeats what test/seat-transcripts.test.ts compares octet by octet.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import net, { type Socket } from "node:net";
import { Duplex } from "node:stream";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { startEngine } from "#src/engine/seat.js";
import { useIn } from "#src/http-parser-node.js";
import { certificate } from "./support/certificate.js";
import { Client, close, GET, listen, seated } from "./support/seat.js";
import { suite } from "./support/suite.js";
import { streamPair } from "./support/tcp.js";
import { turn, until } from "./support/until.js";

const test = suite("seat reads");

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

test("a listener of 'data' that throws, at once or a tick later, leaves the process alive", () => {
  const program = (thrower: string, seat: string): string => `
    import http from "node:http"; import net from "node:net"; import { useIn } from "headgate/http-parser/node";
    process.on("uncaughtException", (error) => { console.log("caught", error.message); client.destroy(); server.close(); });
    const server = http.createServer((request) => request.on("data", () => { ${thrower} }));
    ${seat}
    let client;
    server.listen(0, () => {
      client = net.connect(server.address().port).on("error", () => {});
      client.write("POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 4\\r\\n\\r\\nab");
    });`;
  for (const thrower of [`throw new Error("x")`, `process.nextTick(() => { throw new Error("x"); })`]) {
    for (const seat of ["useIn(server);", ""]) {
      const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program(thrower, seat)], {
        encoding: "utf8",
      });
      assert.equal([stdout, status], ["caught x\n", 0], `${thrower} ${seat}`);
    }
  }
});

test("ticks of the application wait until the code that runs is done, also where that code feeds the connection", async () => {
  const order: string[] = [];
  const { key, cert } = certificate();
  const server = https.createServer({ key, cert }, (request, response) => {
    request.on("data", () => {});
    request.on("end", () => response.end("yes"));
  });
  useIn(server);
  const [near, far] = streamPair();
  server.emit("connection", far);
  const secure = tls.connect({ socket: near, rejectUnauthorized: false });
  await once(secure, "secureConnect");
  const client = new Client(secure);
  const { push } = far;
  far.push = function (octets) {
    process.nextTick(() => order.push("tick"));
    order.push("push");
    const result = Reflect.apply(push, this, [octets]);
    order.push("pushed");
    return result;
  };
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd");
  await client.has("yes");
  assert.equal(order.slice(0, 3), ["push", "pushed", "tick"]);
  secure.destroy();
  near.destroy();
});

/** A TLS client whose records go to `port` when they are released, all in one segment. */

/** What a socket's read does that no callback is called for. */

/** A server, and a stream of the application's that its handler may feed. */

function fed(listener: (far: Duplex, request: IncomingMessage, response: http.ServerResponse) => void): {
  server: http.Server;
  far: Duplex;
} {
  const far = new Duplex({ read() {}, write: (_octets, _encoding, done) => done() });
  const server = http.createServer((request, response) => listener(far, request, response));
  useIn(server);
  return { server, far };
}

test("what a handler feeds its own connection is read after what was there, and goes to an upgrade in order", async () => {
  for (const later of ["", "and LATER"]) {
    const { server, far } = fed((stream, request, response) => {
      if (request.url === "/1") {
        stream.push("GET /2 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nfirst, ");
        stream.push("SECOND, ");
        stream.push("THIRD, ");
      }
      response.end();
    });
    const got: string[] = [];
    server.on("upgrade", (request, socket: Duplex, first: Buffer) => {
      got.push(request.url!, first.toString());
      socket.on("data", (octets: Buffer) => got.push(octets.toString()));
    });
    server.emit("connection", far);
    await turn();
    far.push("GET /1 HTTP/1.1\r\nHost: a\r\nX-Long: long enough to be taken for what follows it\r\n\r\n");
    // Before any tick: it comes after what waits.
    if (later !== "") far.push(later);
    await until(
      () => got.join("") === `/2first, SECOND, THIRD, ${later}`,
      () => got.join(""),
    );
    far.destroy();
  }
});

test("octets for another protocol that a handler fed before the upgrade stay in order, too", async () => {
  const { server, far } = fed((stream, request, response) => {
    if (request.url === "/1") stream.push("SECOND, ");
    response.end();
  });
  const got: string[] = [];
  server.on("upgrade", (_request, socket: Duplex, first: Buffer) => {
    got.push(first.toString());
    socket.on("data", (octets: Buffer) => got.push(octets.toString()));
  });
  server.emit("connection", far);
  await turn();
  far.push(
    "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nfirst, ",
  );
  far.push("THIRD");
  await until(
    () => got.join("") === "first, SECOND, THIRD",
    () => got.join(""),
  );
  far.destroy();
});

test("a fault in what a handler fed its connection is reported with those octets", async () => {
  const { server, far } = fed((stream, _request, response) => {
    stream.push("GET /2 HTTP/1.1\r\nHost: a\r\nA b\r\n\r\n");
    response.end();
  });
  const seen: unknown[] = [];
  server.on("clientError", (error: Error & { rawPacket: Buffer; code: string; bytesParsed: number }, socket) => {
    seen.push(error.code, error.bytesParsed, error.rawPacket.toString());
    socket.destroy();
  });
  server.emit("connection", far);
  await turn();
  far.push("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => seen.length > 0, "a fault");
  assert.equal(seen, ["HPE_INVALID_HEADER_TOKEN", 27, "GET /2 HTTP/1.1\r\nHost: a\r\nA b\r\n\r\n"]);
});

test("a client that ends within what a handler fed its connection is refused, and within nothing is not", async () => {
  for (const [fedThen, codes] of [
    ["GET /2 HT", ["HPE_INVALID_EOF_STATE"]],
    [GET, []],
  ] as const) {
    const urls: unknown[] = [];
    const { server, far } = fed((stream, request, response) => {
      urls.push(request.url);
      if (request.url === "/1") {
        stream.push(fedThen);
        stream.push(null);
      }
      response.end();
    });
    const seen: unknown[] = [];
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      seen.push(error.code);
      socket.destroy();
    });
    server.emit("connection", far);
    await turn();
    far.push("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => far.destroyed || far.writableEnded, "the end");
    assert.equal(seen, [...codes]);
    assert.equal(urls, fedThen === GET ? ["/1", "/"] : ["/1"]);
    far.destroy();
  }
});

test("the count of a read is reported to the connection that it came from, or to none", () => {
  const engine = startEngine();
  const { callbacks, common, onRead } = engine.parts;
  const parser = engine.take();
  const begin = (report: (count: unknown) => void): Record<symbol, (count: number) => void> => {
    const socket = { readable: false, _handle: null, push: () => false } as never;
    parser.initialize(common.HTTPParser.REQUEST, { socket }, 0, 0);
    parser.socket = socket;
    parser[callbacks.execute] = report;
    return socket;
  };
  const reports: unknown[] = [];
  const socket = begin((count) => reports.push("first", count));
  parser.consume({ useUserBuffer: () => {} });
  parser.onIncoming = () => {
    parser.remove();
    parser.free();
    assert.is(engine.take(), parser);
    begin((count) => reports.push("second", count));
    return 0;
  };
  engine.input.write(GET);
  socket[onRead!.callback]!(GET.length);
  assert.equal(reports, []);
  parser.remove();
});
