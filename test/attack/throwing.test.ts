// In:    clients that vanish, and applications that throw, at the moment when the gate needs something of them.
// Out:   whether the gate throws nothing of its own, and leaves no connection open.
// Never: takes an application's own error for one of the gate's.

import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import http2 from "node:http2";
import net, { type AddressInfo, type Socket } from "node:net";
import { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { suite } from "../support/suite.js";
import { closeDoors, openDoor, streamPair } from "../support/tcp.js";
import { handshakeFields } from "../support/world.js";

const throwing = suite("attack: throwing on what a client can cause");
throwing.after(closeDoors);

/** Errors that were not caught, while `act` runs. */
async function uncaught(act: () => Promise<void>): Promise<string[]> {
  const messages: string[] = [];
  const listener = (error: Error): number => messages.push(error.message);
  process.on("uncaughtException", listener);
  try {
    await act();
    await new Promise(setImmediate);
  } finally {
    process.removeListener("uncaughtException", listener);
  }
  return messages;
}

async function listen(server: http.Server | http2.Http2Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

for (const strict of [false, true]) {
  throwing(`port "local", ${strict ? "strict" : "plain"}: ruled on after the socket is gone`, async () => {
    const server = http.createServer();
    const gate = createGate({ vhosts: [{ name: "127.0.0.1", port: "local" }] });
    gate.guard(server, { mode: strict ? "filter" : "auto" });
    const asked: unknown[] = [];
    const errors = await uncaught(async () => {
      server.on("request", (request: IncomingMessage, response) => {
        const { socket } = request;
        const ask = (): void => void asked.push(gate.decisionOf(request)?.kind, gate.arrivalOf(request)?.localPort);
        request.on("close", ask);
        socket.on("close", ask);
        // Destroyed here, the socket is gone when Node's parser comes to the next request of the same read.
        if (request.url === "/destroy") socket.destroy();
        else response.end();
      });
      const port = await listen(server);
      const socket = net
        .connect(port, "127.0.0.1")
        .on("error", () => {})
        .resume();
      const head = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
      socket.write(head("/") + head("/a") + head("/destroy") + head("/b").repeat(3));
      await once(socket, "close");
      server.close();
      await once(server, "close");
      assert.ok(asked.length >= 4);
      assert.ok(asked.every((each) => each === "accepted" || each === port));
    });
    assert.equal(errors, []);
  });
}

throwing('port "local", over HTTP/2: ruled on after the socket is gone', async () => {
  const server = http2.createServer();
  const gate = createGate({ vhosts: [{ name: "127.0.0.1", port: "local" }] });
  gate.guard(server);
  const asked: unknown[] = [];
  const errors = await uncaught(async () => {
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.on("close", () => asked.push(gate.decisionOf(stream)?.kind));
      stream.session!.destroy();
    });
    const port = await listen(server);
    const session = http2.connect(`http://127.0.0.1:${port}`).on("error", () => {});
    for (let i = 0; i < 3; i++) session.request({ ":path": "/" }).on("error", () => {});
    await once(session, "close");
    server.close();
    await once(server, "close");
    assert.is(asked[0], "accepted");
  });
  assert.equal(errors, []);
});

throwing('port "local": a stream without a port is refused', async () => {
  const server = http.createServer((_request, response) => response.end());
  const gate = createGate({ vhosts: [{ name: "a", port: "local" }] });
  gate.guard(server);
  const errors = await uncaught(async () => {
    const [near, far] = streamPair();
    server.emit("connection", far);
    near.write("GET / HTTP/1.1\r\nHost: a:80\r\n\r\n");
    const [octets] = await once(near, "data");
    assert.match(String(octets), /^HTTP\/1\.1 421 /);
    near.destroy();
  });
  assert.equal(errors, []);
  assert.equal(gate.counts.refused, { PORT_MISMATCH: 1 });
});

throwing("decisionOf and arrivalOf return undefined for what is not an object, and for objects unknown to them", () => {
  const gate: Gate = createGate({ vhosts: [{ name: "a" }] });
  for (const unknown of [
    null,
    undefined,
    0,
    "a",
    Symbol("a"),
    1n,
    true,
    {},
    () => {},
    new Proxy({}, {}),
    Object.create(null),
  ]) {
    assert.is(gate.decisionOf(unknown as object), undefined);
    assert.is(gate.arrivalOf(unknown as object), undefined);
  }
});

/** What an application does that throws, and what its client gets. */
const handlers: Record<string, { readonly act: http.RequestListener; readonly got: RegExp }> = {
  "at once": {
    act: () => {
      throw new Error("of the application");
    },
    got: /^HTTP\/1\.1 500 /,
  },
  "after the beginning of a response": {
    act: (_request, response) => {
      response.writeHead(200).flushHeaders();
      throw new Error("of the application");
    },
    got: /^HTTP\/1\.1 200 /,
  },
  "after a complete response": {
    act: (_request, response) => {
      response.end("whole");
      throw new Error("of the application");
    },
    got: /whole/,
  },
};

for (const [title, { act, got }] of Object.entries(handlers)) {
  for (const cut of ["in one piece", "after an answered request", "within the head"]) {
    throwing(`adopted, a handler that throws ${title}, ${cut}: the connection is closed`, async () => {
      const server = http.createServer((request, response) => {
        if (request.url === "/first") response.end("first");
        else act(request, response);
      });
      const gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }], requests: server });
      const kinds: string[] = [];
      const door = await openDoor((socket) => gate.adopt(socket).ended.then(({ kind }) => kinds.push(kind)));
      const errors = await uncaught(async () => {
        const client = await door.connect();
        if (cut === "after an answered request") {
          await client.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n");
          await client.responses(1);
        }
        const head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        if (cut === "within the head") await client.send(head, "octets");
        else await client.send(head);
        await client.closed();
        const answer = client.received.toString("latin1");
        assert.match(cut === "after an answered request" ? answer.slice(answer.indexOf("first") + 5) : answer, got);
      });
      assert.equal(errors, ["of the application"]);
      assert.equal(kinds, ["served"]);
      await door.close();
    });
  }
}

throwing(
  "adopted over HTTP/2, a handler that throws: the stream is answered 500, or reset, and the session goes on",
  async () => {
    const server = http.createServer((request, response) => {
      if (request.url === "/begun") response.writeHead(200).flushHeaders();
      if (request.url !== "/") throw new Error("of the application");
      response.end("served");
    });
    const gate = createGate({
      vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER }],
      requests: server,
      http2: { cleartext: true },
    });
    const door = await openDoor((socket) => gate.adopt(socket));
    const errors = await uncaught(async () => {
      const session = http2.connect(`http://localhost:${door.port}`, {
        createConnection: () => net.connect(door.port, "127.0.0.1") as Socket,
      });
      const ask = async (path: string): Promise<unknown[]> => {
        const stream = session.request({ ":path": path }).on("error", () => {});
        const [headers] = await once(stream, "response");
        stream.resume();
        await new Promise((resolve) => stream.on("close", resolve));
        return [headers[":status"], stream.rstCode];
      };
      assert.equal(await ask("/throws"), [500, 0]);
      assert.equal(await ask("/begun"), [200, http2.constants.NGHTTP2_INTERNAL_ERROR]);
      assert.equal(await ask("/"), [200, 0]);
      session.close();
      await once(session, "close");
    });
    assert.equal(errors, ["of the application", "of the application"]);
    for (const socket of door.sockets) socket.destroy();
    await door.close();
  },
);

throwing("adopted: a server that throws when it gets its connection", async () => {
  const server = new http.Server();
  server.prependListener("connection", () => {
    throw new Error("of the application");
  });
  const gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }], requests: server });
  const [near, far] = streamPair();
  const end = gate.adopt(far).ended;
  const errors = await uncaught(async () => {
    const octets: Buffer[] = [];
    near.on("data", (piece: Buffer) => octets.push(piece));
    near.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(near, "close");
    assert.match(Buffer.concat(octets).toString(), /^HTTP\/1\.1 500 /);
    assert.is((await end).kind, "served");
  });
  assert.equal(errors, ["of the application"]);
  assert.ok(far instanceof Duplex && far.destroyed);
});

/** A stream to which nothing can be written. */
function failing(): Duplex {
  return new Duplex({
    read() {},
    write() {
      throw new Error("written");
    },
  });
}

throwing("a stream that throws as a drain answers it: the others are drained", async () => {
  const gate = createGate({
    vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": () => {} } }],
    authorize: () => new Promise(() => {}),
    limits: { lingerTimeout: 20 },
  });
  const rest = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`);
  const [near, far] = streamPair();
  const errors = await uncaught(async () => {
    gate.adopt(failing(), { rest });
    gate.adopt(far, { rest });
    const drained = gate.drain({ signal: new AbortController().signal });
    assert.match(String(await once(near, "data")), /^HTTP\/1\.1 503 /);
    assert.equal(await drained, { closed: 2, cut: 0, refused: 2 });
  });
  assert.equal(errors, ["written"]);
});

throwing("a stream that throws as its deadline is answered: the others have theirs", async () => {
  const gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }], limits: { headTimeout: 20 } });
  const fails = failing();
  const [, silent] = streamPair();
  const errors = await uncaught(async () => {
    const [first, second] = [gate.adopt(fails, { rest: Buffer.from("GET / ") }), gate.adopt(silent)];
    const ends = await Promise.all([first.ended, second.ended]);
    assert.equal(
      ends.map((end) => (end as { code?: string }).code),
      ["HEAD_TIMEOUT", "HEAD_TIMEOUT"],
    );
  });
  assert.equal(errors, ["written"]);
  assert.is(gate.pendingHeads, 0);
});
