// In:    sockets that are over, or half over, when they are adopted; with nothing, half a head or a complete one in `rest`.
// Out:   whether each has its one end, and a client that still reads gets its answer.
// Never: breaks a socket that a gate has; faults.test.ts does.

import { once } from "node:events";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import type { ConnectionEnd } from "#src/outcome/end.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { suite } from "./support/suite.js";
import { Client, octetsOf } from "./support/tcp.js";
import { openTransport, type Pair, type Transport } from "./support/transport.js";
import { handshakeFields } from "./support/world.js";

const request = (host: string): string => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const upgrade = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`;

function openGate(): Gate {
  return createGate({
    vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": ({ socket }) => void socket.end("taken") } }],
    requests: (_request, response) => void response.end("served"),
    authorize: ({ path }) => path !== "/asked" || new Promise<boolean>(() => {}),
    limits: { lingerTimeout: 500 },
  });
}

function shown(end: ConnectionEnd): string {
  if (end.kind === "abandoned") return `${end.code} ${end.stage}`;
  if (end.kind === "refused") return end.decision.code;
  return end.kind === "malformed" ? end.fault.code : end.kind;
}

/** How a socket comes to be given so, from the moment on when it was accepted. */
const ways: Record<string, { half: boolean; spoil: (pair: Pair) => unknown }> = {
  "the client has ended, and the caller heard it": {
    half: true,
    spoil: async ({ near, far }) => {
      near.end();
      far.resume();
      await once(far, "end");
    },
  },
  "the client has ended, and the end is unread": { half: true, spoil: ({ near }) => near.end() },
  "the client has ended, and Node has ended the other half": {
    half: false,
    spoil: async ({ near, far }) => {
      near.end();
      far.resume();
      await once(far, "end");
    },
  },
  "the caller has ended it": { half: true, spoil: ({ far }) => far.end() },
  "the caller has destroyed it": { half: true, spoil: ({ far }) => far.destroy() },
  "it has just broken": { half: true, spoil: ({ far }) => far.destroy(new Error("broken")) },
};

/** By way and `rest`: how it ends, and the status code that the client sees. */
const over = { "": "PEER_ENDED silent", half: "PEER_ENDED silent", whole: "PEER_ENDED silent" };
const still = {
  "": "PEER_ENDED silent",
  half: "PEER_ENDED head",
  served: "served 200",
  refused: "NAME_UNKNOWN 421",
  malformed: "METHOD_INVALID 400",
  upgrade: "PEER_ENDED head",
  asked: "PEER_ENDED authorize",
};
const destroyed = { "": "SOCKET_DESTROYED silent", half: "SOCKET_DESTROYED silent", served: "SOCKET_DESTROYED silent" };
const rests: Record<string, string> = {
  "": "",
  half: "GET / HT",
  whole: request("a"),
  served: request("a"),
  refused: request("b"),
  malformed: "?",
  upgrade: upgrade("/"),
  asked: upgrade("/asked"),
};
const wanted: Record<string, Record<string, string>> = {
  "the client has ended, and the caller heard it": still,
  // Where the end is still to be heard, a framer gets the socket before, and hears it.
  "the client has ended, and the end is unread": { ...still, upgrade: "handed-over" },
  "the client has ended, and Node has ended the other half": over,
  "the caller has ended it": over,
  "the caller has destroyed it": destroyed,
  "it has just broken": destroyed,
};

for (const isTls of [false, true]) {
  const test = suite(`given: ${isTls ? "TLS" : "TCP"}`);
  let transport: Transport;
  test.before(async () => {
    transport = await openTransport(isTls);
  });
  test.after(() => transport.close());

  for (const [way, { half, spoil }] of Object.entries(ways)) {
    test(way, async () => {
      for (const [name, how] of Object.entries(wanted[way]!)) {
        const pair = await transport.pair({ half });
        const client = new Client(pair.near);
        await spoil(pair);
        const gate = openGate();
        const told: string[] = [];
        for (const event of ["refused", "malformed", "abandoned"] as const) gate.on(event, () => told.push(event));
        const end = await gate.adopt(pair.far, { rest: octetsOf(rests[name]!) }).ended;
        if (!pair.far.closed) await once(pair.far, "close");
        assert.is(gate.pendingHeads, 0);
        if (end.kind === "handed-over") {
          assert.is(shown(end), how, name);
          continue;
        }
        pair.near.end();
        const responses = await client.all();
        assert.is([shown(end), ...responses.map(({ statusCode }) => statusCode)].join(" "), how, name);
        assert.is(told.length, end.kind === "served" ? 0 : 1);
        assert.is(pair.far.listenerCount("data"), 0);
      }
    });
  }
}
