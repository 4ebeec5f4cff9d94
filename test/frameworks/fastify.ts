// In:    Fastify with @fastify/websocket, on one address and on both of localhost, guarded.
// Out:   whether pages and WebSockets work on each, strangers are refused, and an address that is not guarded is a warning.
// Never: has an address but those of the loopback interface.

import dns from "node:dns";
import { once } from "node:events";
import { createServer } from "node:http";
import { networkInterfaces } from "node:os";
import { createGate, localhost } from "headgate";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { suite } from "../support/suite.js";
import { warnings } from "../support/warnings.js";
import { knock, load, refusals, status } from "./knock.js";

const test = suite("frameworks: fastify");

/** Where localhost has no IPv6 address, another one of the loopback interface takes its place. */
const hasIpv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === "::1"));
const ADDRESSES = ["127.0.0.1", hasIpv6 ? "::1" : "127.0.0.2"] as const;
const urlHost = (address: string): string => (address.includes(":") ? `[${address}]` : address);

// biome-ignore lint/suspicious/noExplicitAny: the types of Fastify are not installed
async function application(options: object): Promise<any> {
  const app = load("fastify")({ forceCloseConnections: true, ...options });
  await app.register(load("fastify", "@fastify/websocket"));
  app.get("/", async () => "page");
  app.get("/ws", { websocket: true }, (webSocket: WebSocket) => {
    webSocket.on("message", (data) => webSocket.send(`echo: ${data}`));
  });
  await app.ready();
  return app;
}

async function echoes(port: number, address: string): Promise<void> {
  const origin = `http://${urlHost(address)}:${port}`;
  const webSocket = new WebSocket(`${origin.replace("http", "ws")}/ws`, { origin });
  await once(webSocket, "open");
  webSocket.send("hello");
  assert.is(String((await once(webSocket, "message"))[0]), "echo: hello");
  webSocket.close();
  await once(webSocket, "close");
}

/** Runs while `localhost` has two addresses, as it has where /etc/hosts names both. */
async function withBoth(run: () => Promise<void>): Promise<void> {
  const { lookup } = dns;
  const found = ADDRESSES.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  const both = (name: string, ...rest: unknown[]): void => {
    const done = rest.at(-1) as (...values: unknown[]) => void;
    const isAll = (rest[0] as { all?: boolean }).all === true;
    if (name !== "localhost") (lookup as (...values: unknown[]) => void)(name, ...rest);
    else if (isAll) done(null, found);
    else done(null, found[0]!.address, found[0]!.family);
  };
  dns.lookup = both as unknown as typeof lookup;
  try {
    await run();
  } finally {
    dns.lookup = lookup;
  }
}

test("one line, one address", async () => {
  const gate = createGate({ vhosts: localhost() });
  const said = refusals(gate);
  const app = await application({});
  gate.guard(app.server);
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address();
  await echoes(port, "127.0.0.1");
  assert.equal(said, []);
  await knock(port, "/ws", said);
  await app.close();
});

test("one line, both addresses by one server", async () => {
  const gate = createGate({ vhosts: localhost() });
  const said = refusals(gate);
  const app = await application({});
  gate.guard(app.server);
  await app.listen({ port: 0, host: hasIpv6 ? "::" : "0.0.0.0" });
  const { port } = app.server.address();
  for (const address of ADDRESSES) {
    await echoes(port, address);
    await knock(port, "/ws", said, { address });
  }
  await app.close();
});

test("one line, both addresses by a server each: the second is a warning, though its WebSockets are ruled on", async () => {
  await withBoth(async () => {
    const gate = createGate({ vhosts: localhost() });
    const said = refusals(gate);
    const app = await application({});
    gate.guard(app.server);
    await app.listen({ port: 0 });
    const { port } = app.server.address();
    await knock(port, "/ws", said);
    const found = await warnings("HEADGATE_UNGUARDED", async () => {
      for (let i = 0; i < 2; i++) assert.is(await status(port, "/", "Host: rebound.example\r\n", ADDRESSES[1]), 200);
    });
    assert.is(found.length, 1);
    assert.match(
      found[0]!.message,
      new RegExp(`a request on ${urlHost(ADDRESSES[1]).replace(/[[\]]/g, "\\$&")}:${port}`),
    );
    await echoes(port, ADDRESSES[1]);
    await app.close();
  });
});

test("serverFactory: nothing is unguarded", async () => {
  await withBoth(async () => {
    const gate = createGate({ vhosts: localhost() });
    const said = refusals(gate);
    const serverFactory = (handler: never): unknown => {
      const server = createServer(handler);
      gate.guard(server);
      return server;
    };
    const app = await application({ serverFactory });
    await app.listen({ port: 0 });
    const found = await warnings("HEADGATE_UNGUARDED", async () => {
      for (const { address, port } of app.addresses()) {
        await echoes(port, address);
        await knock(port, "/ws", said, { address });
      }
    });
    assert.equal(found, []);
    await app.close();
  });
});
