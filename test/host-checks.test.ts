// In:    the Host values that usual hand-written checks get wrong, for localhost, 127.0.0.1, [::1] and app.example.com.
// Out:   whether requests and upgrades are ruled on rightly, adopted, guarded and strictly guarded.
// Never: speaks another protocol than HTTP/1.1.

import * as assert from "uvu/assert";
import { createGate, type GateOptions } from "#src/gate.js";
import { closeGuarded, openGuarded } from "./support/guarded.js";
import { suite } from "./support/suite.js";
import { type Client, closeDoors, openDoor } from "./support/tcp.js";
import { handshakeFields } from "./support/world.js";

/** A Host value, and the status code that a request with it gets. */
const hosts: readonly (readonly [string, 200 | 400 | 421])[] = [
  ["localhost", 200],
  ["localhost:3000", 200],
  ["LOCALHOST:3000", 200],
  ["localhost.:3000", 200],
  ["127.0.0.1:3000", 200],
  ["[::1]:3000", 200],
  ["[0:0::0:1]", 200],
  ["app.example.com", 200],
  ["App.Example.com:443", 200],
  ["localhost.evil.com", 421],
  ["evil.com", 421],
  ["evillocalhost", 421],
  ["app.example.com.evil.com", 421],
  ["0x7f.1", 421],
  ["127.1", 421],
  ["127.000.0.1", 421],
  ["2130706433", 421],
  ["0.0.0.0:3000", 421],
  ["[::ffff:127.0.0.1]", 421],
  ["localhost:80.evil.com", 400],
  ["localhost:x@evil.com", 400],
  ["localhost:99999", 400],
  ["localhost:0", 400],
  ["localhost:-1", 400],
  ["localhost/../evil", 400],
  ["localhost#evil.com", 400],
  ["localhost evil.com", 400],
  ["evil@localhost", 400],
  ["::1", 400],
  ["[::1", 400],
  ["[::1]evil.com", 400],
  ["", 400],
];

const upgrades: NonNullable<GateOptions["vhosts"][0]["upgrades"]> = {
  "/live": ({ socket }) => {
    socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    socket.resume();
  },
};
const gate: GateOptions = {
  vhosts: ["localhost", "127.0.0.1", "[::1]", "app.example.com"].map((name) => ({ name, port: "any", upgrades })),
};

interface Opened {
  connect(): Promise<Client>;
  close(): Promise<void>;
}

const ways: Record<string, () => Promise<Opened>> = {
  guarded: () => openGuarded({ gate }),
  "guarded strictly": () => openGuarded({ gate, guard: { strict: true } }),
  adopted: () => {
    const adopting = createGate({ ...gate, requests: (_request, response) => response.end() });
    return openDoor((socket) => void adopting.adopt(socket));
  },
};

const test = suite("host checks");
test.after(async () => {
  await closeGuarded();
  await closeDoors();
});

for (const [way, open] of Object.entries(ways)) {
  test(way, async () => {
    const world = await open();
    for (const [host, status] of hosts) {
      const client = await world.connect();
      await client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      assert.is((await client.all())[0]?.statusCode, status, `a request for ${host}`);
      const other = await world.connect();
      await other.send(`GET /live HTTP/1.1\r\nHost: ${host}\r\n${handshakeFields}\r\n`);
      assert.is((await other.all())[0]?.statusCode, status === 200 ? 101 : status, `an upgrade for ${host}`);
    }
    await world.close();
  });
}
