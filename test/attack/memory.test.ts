// In:    clients that send without end while what they asked for waits, and never read.
// Out:   whether they are made to wait, too.
// Never: measures the heap; counts the octets that a server takes.

import http from "node:http";
import type { Socket } from "node:net";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { closeGuarded, openGuarded } from "../support/guarded.js";
import { suite } from "../support/suite.js";
import { type Client, closeDoors, octetsOf, openDoor } from "../support/tcp.js";
import { settled, until } from "../support/until.js";
import { handshakeFields } from "../support/world.js";

const memory = suite("attack: memory held after what waits");
memory.after(closeGuarded);
memory.after(closeDoors);

const SENT = 12_000_000;
/** What a connection may take before it waits: a read of Node's and the buffers of its streams, on both sides of a filter. */
const TAKEN = 1_000_000;

/** Sends one text over and over; resolves with the number of octets that the server has taken when it stops taking them. */
function flood(client: Client, text: string, taken: () => number): Promise<number> {
  const piece = octetsOf(text.repeat(Math.ceil(65_536 / text.length)));
  for (let sent = 0; sent < SENT; sent += piece.length) client.stream.write(piece);
  return settled(taken);
}

const small = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
const slow = "GET /slow HTTP/1.1\r\nHost: a.example\r\n\r\n";
const upgrade = `GET /live HTTP/1.1\r\nHost: a.example\r\n${handshakeFields}\r\n`;

/** What waits, and what it is flooded with. */
const floods: Record<string, { readonly first: string; readonly more: string }> = {
  "requests after a refusal that waits": { first: `${slow}GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n`, more: small },
  "requests after a malformed head that waits": {
    first: `${slow}GET / HTTP/1.1\r\nHost: a.example\r\nHost: b\r\n\r\n`,
    more: small,
  },
  "the body of a refusal that waits": {
    first: `${slow}POST / HTTP/1.1\r\nHost: evil.example\r\nTransfer-Encoding: chunked\r\n\r\n`,
    more: `100\r\n${"x".repeat(256)}\r\n`,
  },
  "requests that are refused after one that is": {
    first: `${slow}GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n`,
    more: "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
  },
  "requests after a slow one": { first: slow, more: small },
  "octets after an upgrade that waits for a response": { first: slow + upgrade, more: "x".repeat(64) },
  "octets after a refused upgrade that waits": {
    first: slow + upgrade.replace("a.example", "evil"),
    more: "x".repeat(64),
  },
  "the body of a slow request": {
    first: "POST /slow HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n",
    more: `100\r\n${"x".repeat(256)}\r\n`,
  },
};

const upgrades = { "/live": () => {} };
const never: http.RequestListener = (request, response) => {
  if (request.url === "/slow") return;
  response.end();
};

for (const [title, { first, more }] of Object.entries(floods)) {
  for (const tls of [false, true]) {
    for (const guard of [{}, { mode: "filter" as const }]) {
      memory(`${title}: ${tls ? "https" : "http"} guarded ${JSON.stringify(guard)}`, async () => {
        const guarded = await openGuarded({
          tls,
          guard,
          gate: { vhosts: [{ name: "a.example", upgrades }] },
          listener: never,
        });
        const sockets: Socket[] = [];
        guarded.server.on("connection", (socket: Socket) => sockets.push(socket));
        const client = await guarded.connect();
        await client.send(first);
        // Of the plain socket, TLS included; a strict guard emits its front as well, which counts nothing.
        const taken = (): number => Math.max(0, ...sockets.map(({ bytesRead }) => bytesRead ?? 0));
        const most = await flood(client, more, taken);
        assert.ok(most < TAKEN, `${most} octets were taken`);
        // A socket that is not read does not hear of its client's end.
        for (const socket of sockets) socket.destroy();
        await guarded.close();
      });
    }
  }

  memory(`${title}: adopted`, async () => {
    const server = http.createServer(never);
    const gate: Gate = createGate({
      vhosts: [{ name: "a.example", port: NO_LISTEN_SERVER, upgrades }],
      requests: server,
    });
    const door = await openDoor((socket) => gate.adopt(socket));
    const client = await door.connect();
    await client.send(first);
    const taken = (): number => (door.sockets[0] as Socket | undefined)?.bytesRead ?? 0;
    const most = await flood(client, more, taken);
    assert.ok(most < TAKEN, `${most} octets were taken`);
    client.stream.destroy();
    for (const socket of door.sockets) socket.destroy();
    await door.close();
  });
}

memory("octets before authorize has answered", async () => {
  const gate = createGate({
    vhosts: [{ name: "a.example", port: NO_LISTEN_SERVER, upgrades }],
    authorize: () => new Promise(() => {}),
  });
  const door = await openDoor((socket) => gate.adopt(socket));
  const client = await door.connect();
  await client.send(upgrade);
  await flood(client, "x".repeat(64), () => (door.sockets[0] as Socket).bytesRead);
  assert.equal(gate.counts.abandoned, { EARLY_OCTETS: 1 });
  client.stream.destroy();
  for (const socket of door.sockets) socket.destroy();
  await door.close();
});

memory("a client that is made to wait gets its responses when the slow one ends", async () => {
  let finish = (): void => {};
  const guarded = await openGuarded({
    gate: { vhosts: [{ name: "a.example" }] },
    listener: (_request, response) => {
      finish = () => response.end("slow");
    },
  });
  const client = await guarded.connect();
  await client.send(`${slow}GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n${small.repeat(1000)}`);
  await until(() => guarded.seen.length > 0, "the application has the request");
  finish();
  const responses = await client.all();
  assert.equal(
    responses.map(({ statusCode }) => statusCode),
    [200, 421],
  );
  assert.equal(guarded.seen, ["request GET /slow a.example"]);
  await guarded.close();
});
