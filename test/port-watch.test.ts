// In:    servers on one port number of several loopback addresses, of which a gate guards some.
// Out:   whether a request to one that it does not guard is a warning, once, and nothing stays subscribed afterwards.
// Never: looks into the gate; the process's warnings and the channel's subscribers are what is compared.

import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import type { AddressInfo, Server } from "node:net";
import type { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import { certificate } from "./support/certificate.js";
import { statusOver } from "./support/status-over.js";
import { suite } from "./support/suite.js";
import { warnings } from "./support/warnings.js";

const started = channel("http.server.request.start");
const { key, cert } = certificate();
const respond: http.RequestListener = (_request, response) => void response.end();
const makes = {
  http: () => http.createServer(respond),
  https: () => https.createServer({ key, cert }, respond),
  http2: () => http2.createServer(respond as never),
};
const OTHER = "127.0.0.2";

const watch = suite("servers on the port of a guarded one");
const opened = new Set<Server>();
watch.after(async () => {
  for (const server of opened) await close(server);
});

async function listen<S extends Server>(server: S, host = "127.0.0.1", port = 0): Promise<S> {
  await once(server.listen(port, host), "listening");
  opened.add(server);
  return server;
}

async function close(server: Server): Promise<void> {
  opened.delete(server);
  server.close();
  (server as http.Server).closeAllConnections?.();
  await once(server, "close");
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const gateOf = (): Gate => createGate({ vhosts: [{ name: "127.0.0.0/8" }] });
const found = (run: () => unknown): Promise<Error[]> => warnings("HEADGATE_UNGUARDED", run);

for (const guarded of ["http", "https", "http2"] as const) {
  for (const other of ["http", "https"] as const) {
    watch(`${guarded} is guarded, ${other} is not: one warning, and then nothing is subscribed`, async () => {
      const server = await listen(makes[guarded]() as http.Server);
      const second = await listen(makes[other]() as http.Server, OTHER, portOf(server));
      const said = await found(async () => {
        const guards = [gateOf().guard(server), gateOf().guard(server)];
        assert.is(started.hasSubscribers, true);
        if (guarded !== "http2") assert.is(await statusOver(server, "127.0.0.1"), 200);
        assert.is(started.hasSubscribers, true);
        for (let i = 0; i < 3; i++) assert.is(await statusOver(second, OTHER), 200);
        assert.is(started.hasSubscribers, false);
        for (const guard of guards) guard.release();
      });
      assert.is(said.length, 1);
      const port = portOf(server);
      const sentence = `a gate guards the server on 127.0.0.1:${port}, and another server of this process has got a request on ${OTHER}:${port} that`;
      assert.ok(said[0]!.message.startsWith(sentence), said[0]!.message);
      await close(server);
      await close(second);
    });
  }
}

watch("a guard that comes before the server listens watches from then on", async () => {
  const server = makes.http();
  gateOf().guard(server);
  assert.is(started.hasSubscribers, false);
  await listen(server);
  assert.is(started.hasSubscribers, true);
  const second = await listen(makes.http(), OTHER, portOf(server));
  assert.is((await found(() => statusOver(second, OTHER))).length, 1);
  await close(server);
  await close(second);
});

watch("no warning where every server is guarded, another port is used, or the guard is gone", async () => {
  const said = await found(async () => {
    const gate = gateOf();
    const server = await listen(makes.http());
    const second = await listen(makes.http(), OTHER, portOf(server));
    const elsewhere = await listen(makes.http());
    const guards = [gate.guard(server), gate.guard(second)];
    for (const [each, host] of [
      [server, "127.0.0.1"],
      [second, OTHER],
      [elsewhere, "127.0.0.1"],
    ] as const) {
      assert.is(await statusOver(each, host), 200);
    }
    guards[0]!.release();
    guards[1]!.release();
    assert.is(started.hasSubscribers, false);
    for (const each of [server, second, elsewhere]) await close(each);
  });
  assert.equal(said, []);
});

watch("a server on another port is asked for its port once: that is a system call", async () => {
  const server = await listen(makes.http());
  const guard = gateOf().guard(server);
  const elsewhere = await listen(makes.http());
  const port = portOf(elsewhere);
  let asked = 0;
  const { address } = elsewhere;
  elsewhere.address = function () {
    asked++;
    return address.call(this);
  };
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) =>
      http.get({ port, host: "127.0.0.1", agent: false }, (response) => response.resume().on("end", resolve)),
    );
  }
  assert.is(asked, 1);
  guard.release();
  await close(server);
  await close(elsewhere);
});

watch("a server that has closed is not watched for, and is again when it listens", async () => {
  const server = makes.http();
  const guard = gateOf().guard(server);
  for (let i = 0; i < 2; i++) {
    await listen(server);
    assert.is(started.hasSubscribers, true);
    await close(server);
    assert.is(started.hasSubscribers, false);
  }
  guard.release();
});

watch("an upgrade that one guarded server passes on to another is ruled on once", async () => {
  const said: string[] = [];
  const gate = gateOf();
  gate.on("accepted", ({ head }) => said.push(`accepted ${head.path}`));
  gate.on("refused", ({ code }) => said.push(code));
  const main = await listen(makes.http());
  const secondary = await listen(makes.http(), OTHER, portOf(main));
  gate.guard(main);
  gate.guard(secondary);
  secondary.on("upgrade", main.emit.bind(main, "upgrade"));
  assert.is(await statusOver(secondary, OTHER, "/unheard"), 404);
  assert.equal(said.splice(0), ["accepted /unheard", "PATH_UNCLAIMED"]);
  main.on("upgrade", ({ url }: http.IncomingMessage, socket: Duplex) => {
    said.push(`listener ${url}`);
    socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  });
  assert.is(await statusOver(secondary, OTHER, "/ws"), 101);
  assert.equal(said.splice(0), ["accepted /ws", "listener /ws"]);
  assert.is(await statusOver(main, "127.0.0.1", "/ws"), 101);
  assert.equal(said, ["accepted /ws", "listener /ws"]);
  await close(main);
  await close(secondary);
});

// Last, since a strict guard has the process watch its requests from then on.
watch("strict guards watch as well, and are guards", async () => {
  const server = await listen(makes.http());
  const second = await listen(makes.http(), OTHER, portOf(server));
  gateOf().guard(server, { mode: "filter" });
  const guard = gateOf().guard(second, { mode: "filter" });
  const ask = async (): Promise<void> => assert.is(await statusOver(second, OTHER), 200);
  assert.is(await statusOver(server, "127.0.0.1"), 200);
  assert.equal(await found(ask), []);
  guard.release();
  assert.is((await found(ask)).length, 1);
  await close(server);
  await close(second);
});
