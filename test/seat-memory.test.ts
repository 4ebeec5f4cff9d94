// In:    connections of servers with our parser in the seat of Node's, whose sockets read into the kernel's memory.
// Out:   whether heads, bodies and other readers keep to their own octets, and the application gets memory of its own.
// Never: repeats what test/seat-transcripts.test.ts compares octet by octet.

import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import net from "node:net";
import { Duplex } from "node:stream";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { startEngine } from "#src/engine/seat.js";
import { kernel } from "#src/head/kernel/instance.js";
import { useIn } from "#src/http-parser-node.js";
import { HeadReader, parseRequestHead, useKernel } from "#src/parser.js";
import { certificate } from "./support/certificate.js";
import { Client, close, GET, listen, pattern, seated } from "./support/seat.js";
import { suite } from "./support/suite.js";
import { streamPair } from "./support/tcp.js";
import { turn, until } from "./support/until.js";

const test = suite("seat memory");

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

async function heldTls(port: number): Promise<{ client: tls.TLSSocket; hold(): void; release(): void }> {
  const raw = net.connect({ port, host: "127.0.0.1", noDelay: true });
  raw.on("error", () => {});
  await once(raw, "connect");
  let held: Buffer[] | null = null;
  const stream = new Duplex({
    read() {},
    write(octets: Buffer, _encoding, done) {
      if (held === null) raw.write(octets);
      else held.push(Buffer.from(octets));
      done();
    },
    destroy(error, done) {
      raw.destroy();
      done(error);
    },
  });
  raw.on("data", (octets) => stream.push(octets));
  const client = tls.connect({ socket: stream, rejectUnauthorized: false });
  client.on("error", () => {});
  await once(client, "secureConnect");
  return {
    client,
    hold: () => {
      held = [];
    },
    release: () => raw.write(Buffer.concat(held!)),
  };
}

test("a record that is decrypted after its socket was destroyed changes no head that another reader has begun", async () => {
  const { key, cert } = certificate();
  const reader = new HeadReader();
  let isDestroyed = false;
  const server = https.createServer({ key, cert }, (request) => {
    assert.is(reader.read(Buffer.from("GET /mine HTTP/1.1\r\nHost: mine\r\nX-Mine: AAAAAAAA")).kind, "partial");
    request.socket.destroy();
    isDestroyed = true;
  });
  useIn(server);
  const { client, hold, release } = await heldTls(await listen(server));
  hold();
  client.write("GET / HTTP/1.1\r\nHost: other\r\n\r\n");
  await turn();
  client.write(`GET /other HTTP/1.1\r\nHost: other\r\nX-Other: ${"E".repeat(200)}\n`);
  await turn();
  release();
  await until(() => isDestroyed, "a request");
  await turn();
  const result = reader.read(Buffer.from("BBB\r\n\r\n"));
  assert.is(result.kind, "complete");
  assert.is(result.kind === "complete" && result.head.field("x-mine"), "AAAAAAAABBB");
  client.destroy();
  await close(server);
});

const readSilently = (): void => void startEngine().input.fill(0x0a);

test("reads that no callback is called for change no head, however large, and no request in the same read", async () => {
  for (const size of [100, 60_000, 70_000, 100_000]) {
    const reader = new HeadReader({ limits: { headBytes: 131_072 } });
    const value = pattern("A", size);
    assert.is(reader.read(Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nX-A: ${value}`)).kind, "partial");
    readSilently();
    const result = reader.read(Buffer.from("B\r\n\r\n"));
    assert.is(result.kind === "complete" && result.head.field("x-a"), `${value}B`, `${size} octets`);
  }
  const urls: unknown[] = [];
  await seated(
    (request, response) => {
      urls.push(request.url);
      readSilently();
      response.end(`<${request.url}>`);
    },
    async (port) => {
      const client = await Client.connect(port);
      client.send([1, 2, 3].map((number) => `GET /${number} HTTP/1.1\r\nHost: a\r\n\r\n`).join(""));
      await client.has("</3>");
    },
  );
  assert.equal(urls, ["/1", "/2", "/3"]);
});

test("each piece of a body has memory of its own, which may be transferred", async () => {
  const chunked = "Transfer-Encoding: chunked\r\n\r\n";
  const bodies = [
    "Content-Length: 3\r\n\r\nabc",
    `Content-Length: 3\r\n\r\nabc${GET}`,
    `Content-Length: 6000\r\n\r\n${pattern("x", 6000)}`,
    `${chunked}3\r\nabc\r\n0\r\n\r\n`,
    `${chunked}bb8\r\n${pattern("x", 3000)}\r\nbb8\r\n${pattern("y", 3000)}\r\n0\r\n\r\n${GET}`,
  ];
  for (const isDirect of [true, false]) {
    const shapes: number[][] = [];
    const server = http.createServer((request, response) => {
      let size = 0;
      request.on("data", (piece: Buffer) => {
        shapes.push([piece.byteOffset, piece.buffer.byteLength - piece.length]);
        size += piece.length;
        structuredClone(piece, { transfer: [piece.buffer as ArrayBuffer] });
      });
      request.on("end", () => response.end(`<${request.method} ${size}>`));
    });
    useIn(server);
    const port = isDirect ? await listen(server) : 0;
    for (const body of bodies) {
      const [near, far] = streamPair();
      if (!isDirect) server.emit("connection", far);
      const client = isDirect ? await Client.connect(port) : new Client(near);
      client.send(`POST / HTTP/1.1\r\nHost: a\r\n${body}`);
      await client.has("<POST ");
      if (body.endsWith(GET)) await client.has("<GET 0>");
      client.stream.destroy();
    }
    assert.ok(shapes.length >= bodies.length);
    for (const shape of shapes) assert.equal(shape, [0, 0], isDirect ? "direct" : "by 'data'");
    if (isDirect) await close(server);
  }
});

test("rawPacket, the first octets of an upgrade and what follows it have memory of their own", async () => {
  const seen: Buffer[] = [];
  await seated(
    (_request, response) => response.end("yes"),
    async (port, server) => {
      server.on("clientError", (error: Error & { rawPacket: Buffer }, socket) => {
        seen.push(error.rawPacket);
        socket.destroy();
      });
      server.on("upgrade", (_request, socket: Duplex, first: Buffer) => {
        assert.is(first.toString(), "first");
        socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        socket.on("data", (octets: Buffer) => {
          seen.push(octets);
          socket.destroy();
        });
      });
      for (const [sent, next] of [
        [`${GET}BAD`],
        ["GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nfirst", "next"],
      ]) {
        const client = await Client.connect(port);
        client.send(sent!);
        if (next !== undefined) {
          await client.has("101");
          client.send(next);
        }
        await client.closed();
      }
    },
  );
  assert.equal(
    seen.map((octets) => octets.toString()),
    [`${GET}BAD`, "next"],
  );
  for (const { byteOffset, buffer, length } of seen) assert.equal([byteOffset, buffer.byteLength], [0, length]);
});
