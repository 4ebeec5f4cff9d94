// In:    websocket-driver, faye-websocket and sockjs beside this file, with http-parser-js replaced.
// Out:   a line for each check; exit code 1 where one fails.
// Never: looks into a package; test/frameworks/http-parser-users.ts has put this file where the packages are.

"use strict";
const assert = require("node:assert");
const { once } = require("node:events");
const http = require("node:http");
const net = require("node:net");
const websocket = require("websocket-driver");
const FayeWebSocket = require("faye-websocket");
const sockjs = require("sockjs");

const checks = [];
const check = (name, run) => checks.push([name, run]);

/** A server over net with websocket-driver, which parses the handshake itself; it echoes. */
function driverServer({ cut = false, early = false } = {}) {
  const seen = { errors: [], closes: [] };
  const server = net.createServer((socket) => {
    const driver = websocket.server();
    // Whatever the parser is, the driver trips over a frame that comes before its start.
    if (early) driver.start();
    else {
      driver.on("connect", () => {
        if (websocket.isWebSocket(driver)) return driver.start();
        seen.errors.push("not a WebSocket");
        return socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
      });
    }
    driver.on("error", (error) => seen.errors.push(error.message));
    driver.on("close", (event) => {
      seen.closes.push(event.code);
      socket.end();
    });
    driver.on("message", ({ data }) => (typeof data === "string" ? driver.text(data) : driver.binary(data)));
    socket.on("error", () => {});
    if (cut)
      socket.on("data", (octets) => {
        for (let i = 0; i < octets.length; i++) driver.io.write(octets.subarray(i, i + 1));
      });
    else socket.on("data", (octets) => driver.io.write(octets));
    driver.io.on("data", (octets) => socket.write(octets));
  });
  return { server, seen };
}

async function listening(server, run) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await run(server.address().port);
  } finally {
    server.close();
    server.closeAllConnections?.();
  }
}

/** A client over net with websocket-driver, which parses the response itself. */
function driverClient(port, path = "/") {
  const driver = websocket.client(`ws://127.0.0.1:${port}${path}`);
  const socket = net.connect(port, "127.0.0.1", () => driver.start());
  socket.on("error", () => {});
  socket.pipe(driver.io).pipe(socket);
  return { driver, socket };
}

const next = (emitter, name) => once(emitter, name).then(([event]) => event);

check("the parser is headgate's", async () => {
  const { HTTPParser } = require("http-parser-js");
  assert.strictEqual(HTTPParser, require("headgate/http-parser").HTTPParser);
  const driver = require("node:module").createRequire(require.resolve("websocket-driver"));
  assert.strictEqual(driver("http-parser-js").HTTPParser, HTTPParser);
});

for (const cut of [false, true]) {
  check(`websocket-driver on both sides: open, echo, close${cut ? ", octet by octet" : ""}`, async () => {
    const { server, seen } = driverServer({ cut });
    await listening(server, async (port) => {
      const { driver } = driverClient(port);
      await next(driver, "open");
      driver.text("hello");
      assert.strictEqual((await next(driver, "message")).data, "hello");
      driver.binary(Buffer.alloc(70_000, 7));
      assert.strictEqual((await next(driver, "message")).data.length, 70_000);
      driver.close("done", 4001);
      assert.strictEqual((await next(driver, "close")).code, 4001);
    });
    assert.deepStrictEqual(seen, { errors: [], closes: [4001] });
  });
}

const HANDSHAKE = [
  "GET /chat HTTP/1.1",
  "Host: localhost",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
const head = (lines) => `${lines.join("\r\n")}\r\n\r\n`;

check("a frame that comes with the handshake", async () => {
  const { server } = driverServer({ early: true });
  await listening(server, async (port) => {
    const socket = net.connect(port, "127.0.0.1");
    const frame = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
    socket.write(Buffer.concat([Buffer.from(head(HANDSHAKE)), frame]));
    let answer = "";
    for await (const octets of socket) {
      answer += octets.toString("latin1");
      if (answer.endsWith("\x81\x02hi")) break;
    }
    assert.match(answer, /^HTTP\/1\.1 101 /);
    assert.match(answer, /s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
  });
});

check("a frame that comes with the response", async () => {
  const server = net.createServer((socket) => {
    socket.once("data", (octets) => {
      const key = /Sec-WebSocket-Key: (.*)\r/.exec(octets.toString())[1];
      const accept = require("node:crypto")
        .createHash("sha1")
        .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest("base64");
      const lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"];
      const response = Buffer.from(head([...lines, `Sec-WebSocket-Accept: ${accept}`]));
      socket.write(Buffer.concat([response, Buffer.from([0x81, 2, 0x68, 0x69])]));
    });
    socket.on("error", () => {});
  });
  await listening(server, async (port) => {
    const { driver, socket } = driverClient(port);
    assert.strictEqual((await next(driver, "message")).data, "hi");
    socket.destroy();
  });
});

for (const [name, lines] of [
  ["a request line without a version", ["GET /chat"]],
  ["a space before a colon", [...HANDSHAKE, "X : y"]],
  ["a folded line", [...HANDSHAKE, "X: y", " z"]],
  ["both framings", [...HANDSHAKE, "Content-Length: 1", "Transfer-Encoding: chunked"]],
]) {
  check(`a malformed handshake ends the connection: ${name}`, async () => {
    const { server, seen } = driverServer();
    await listening(server, async (port) => {
      const socket = net.connect(port, "127.0.0.1");
      socket.write(head(lines));
      let answer = "";
      for await (const octets of socket) answer += octets;
      assert.match(answer, /^HTTP\/1\.1 400 /);
    });
    assert.deepStrictEqual(seen.errors, ["not a WebSocket"]);
  });
}

for (const [name, response] of [
  ["no HTTP", "hello\r\n\r\n"],
  ["a bare LF", "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\n\n"],
  ["404", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"],
  ["another accept", head(["HTTP/1.1 101 X", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Accept: x"])],
]) {
  check(`a client refuses a response: ${name}`, async () => {
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(response));
    });
    await listening(server, async (port) => {
      const { driver } = driverClient(port);
      assert.match((await next(driver, "error")).message, /handshake/i);
    });
  });
}

check("faye-websocket on both sides: open, echo, close", async () => {
  const server = http.createServer();
  server.on("upgrade", (request, socket, body) => {
    if (!FayeWebSocket.isWebSocket(request)) return socket.destroy();
    const ws = new FayeWebSocket(request, socket, body, ["echo"]);
    ws.on("message", (event) => ws.send(event.data));
  });
  await listening(server, async (port) => {
    const client = new FayeWebSocket.Client(`ws://127.0.0.1:${port}/`, ["echo"]);
    await next(client, "open");
    assert.strictEqual(client.protocol, "echo");
    client.send("hello");
    assert.strictEqual((await next(client, "message")).data, "hello");
    client.close(4002, "done");
    assert.strictEqual((await next(client, "close")).code, 4002);
  });
});

check("faye-websocket is told of a server that refuses", async () => {
  const server = http.createServer();
  server.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"));
  await listening(server, async (port) => {
    const client = new FayeWebSocket.Client(`ws://127.0.0.1:${port}/`);
    client.on("error", () => {});
    const { code } = await new Promise((resolve) => client.on("close", resolve));
    assert.strictEqual(code, 1002);
  });
});

check("sockjs echoes over its WebSocket", async () => {
  const echo = sockjs.createServer({ log: () => {} });
  echo.on("connection", (connection) => connection?.on("data", (message) => connection.write(message)));
  const server = http.createServer();
  echo.installHandlers(server, { prefix: "/echo" });
  await listening(server, async (port) => {
    const client = new FayeWebSocket.Client(`ws://127.0.0.1:${port}/echo/000/abcdefgh/websocket`);
    assert.strictEqual((await next(client, "message")).data, "o");
    client.send(JSON.stringify(["hello"]));
    assert.strictEqual((await next(client, "message")).data, 'a["hello"]');
    client.close();
    await next(client, "close");
  });
});

(async () => {
  let failed = 0;
  for (const [name, run] of checks) {
    try {
      await Promise.race([
        run(),
        new Promise((_, reject) => setTimeout(() => reject(new Error("no answer for 10 s")), 10_000).unref()),
      ]);
      console.log(`ok ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED ${name}\n${error.stack}`);
    }
  }
  console.log(`${process.version}: ${checks.length - failed} passed, ${failed} failed`);
  process.exit(failed > 0 ? 1 : 0);
})();
