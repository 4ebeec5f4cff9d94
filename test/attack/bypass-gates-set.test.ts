// In:    gates that are put on a server that another one guards, and taken off again, with connections and without.
// Out:   whether two with framers are a mistake, whether the server is as it was in the end, and whether nothing passes in between.
// Never: compares what the gates rule; bypass-gates.test.ts does.

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import { createGate, type Handover, LEAVE } from "#src/index.js";
import { kinds, member, orders } from "../support/several-gates.js";
import { suite } from "../support/suite.js";
import { Client } from "../support/tcp.js";
import { until } from "../support/until.js";
import { handshakeFields } from "../support/world.js";

const set = suite("bypass: several gates, as they are set");

const servers = kinds.filter(({ name }) => !name.includes("over")).map(({ make }) => make);

set("two gates with framers are a TypeError, in both orders, and the server stays as it was", () => {
  for (const make of servers) {
    const server = make() as http.Server;
    const framing = member(["a"], { framer: true });
    const other = member(["b"], { framer: true });
    const guard = framing.gate.guard(server);
    const { emit } = server;
    const listeners = server.eventNames().map((name) => server.listenerCount(name));
    assert.throws(
      () => other.gate.guard(server),
      (error: unknown) =>
        error instanceof TypeError &&
        /^upgrades\["\/live"\] of vhost b goes to a framer, .* write LEAVE in the others/.test(error.message),
    );
    assert.is(server.emit, emit);
    assert.equal(
      server.eventNames().map((name) => server.listenerCount(name)),
      listeners,
    );
    // Without framers it may, and when the first is released.
    const left = member(["b"]).gate.guard(server);
    assert.throws(() => other.gate.guard(server), /has framers as well/);
    guard.release();
    const again = other.gate.guard(server);
    assert.throws(() => framing.gate.guard(server), /has framers as well/);
    left.release();
    again.release();
  }
});

set("what counts is the policy that guards: vhosts that it is narrowed to", () => {
  const take = ({ socket }: Handover): void => void socket.destroy();
  const both = createGate({
    vhosts: [{ name: "a", upgrades: { "/live": take } }, { name: "b", upgrades: { "*": LEAVE } }, { name: "c" }],
  });
  const framing = member(["a"], { framer: true });
  for (const make of servers) {
    const server = make() as http.Server;
    framing.gate.guard(server);
    both.guard(server, { vhosts: ["b", "c"] }).release();
    assert.throws(() => both.guard(server, { vhosts: ["a"] }), /upgrades\["\/live"\] of vhost a goes to a framer/);
    assert.throws(() => both.guard(server), /has framers as well/);
  }
});

set("released in any order, the server is as it was", () => {
  for (const make of servers) {
    const gates = [member(["a"], { framer: true }), member(["b"]), member(["c"])].map(({ gate }) => gate);
    for (const order of orders([0, 1, 2])) {
      const server = make() as http.Server & { shouldUpgradeCallback?: unknown };
      const before = { names: server.eventNames(), choosing: server.shouldUpgradeCallback, symbols: symbolsOf(server) };
      const guards = gates.map((gate) => gate.guard(server));
      for (const i of order) guards[i]!.release();
      const after = { names: server.eventNames(), choosing: server.shouldUpgradeCallback, symbols: symbolsOf(server) };
      assert.equal(after, before);
      assert.is(Object.hasOwn(server, "emit"), false);
    }
  }
});

const symbolsOf = (server: object): string[] =>
  Object.getOwnPropertySymbols(server)
    .map(String)
    .filter((each) => each.includes("headgate"));

set("a socket whose upgrade was left and that is given back is ruled on again", async () => {
  for (const strict of [false, true]) {
    const server = http.createServer((_request, response) => void response.end());
    let count = 0;
    // A listener that wants no upgrade of this one, and reads on as HTTP.
    server.on("upgrade", (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
      count++;
      if (request.url !== "/back") return void socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
      if (head.length > 0) socket.unshift(head);
      socket.unshift("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      server.emit("connection", socket);
    });
    for (const names of [["a"], ["a", "b"]]) member(names).gate.guard(server, { mode: strict ? "filter" : "auto" });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const client = new Client(net.connect((server.address() as AddressInfo).port, "127.0.0.1"));
    await client.send(`GET /back HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`);
    await client.responses(1);
    await client.send(`GET /again HTTP/1.1\r\nHost: b\r\n${handshakeFields}\r\n`);
    const responses = await client.all();
    assert.equal([responses.map(({ statusCode }) => statusCode), count], [[200, 421], 1]);
    server.close();
    await once(server, "close");
  }
});

const later = suite("bypass: gates that come and go while a connection is there");

const portOf = (server: net.Server): number => (server.address() as AddressInfo).port;

later("a gate that comes later rules on what older connections ask, also over HTTP/2", async () => {
  for (const framesFirst of [false, true]) {
    const framing = member(["a"], { framer: true });
    const other = member(["b"]);
    const [first, second] = framesFirst ? [framing, other] : [other, framing];
    const server = http.createServer();
    const server2 = http2.createServer({ settings: { enableConnectProtocol: true } });
    first.gate.guard(server);
    first.gate.guard(server2);
    for (const each of [server, server2]) await once(each.listen(0, "127.0.0.1"), "listening");
    const client = new Client(net.connect(portOf(server), "127.0.0.1"));
    await once(client.stream, "connect");
    const session = http2.connect(`http://127.0.0.1:${portOf(server2)}`);
    await once(session, "remoteSettings");
    second.gate.guard(server);
    second.gate.guard(server2);
    await client.send(`GET /live HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`);
    assert.is((await client.all())[0]!.statusCode, 421);
    const stream = session.request(
      {
        ":method": "CONNECT",
        ":protocol": "websocket",
        ":authority": "a",
        ":path": "/live",
        "sec-websocket-version": "13",
      },
      { endStream: false },
    );
    const [headers] = await once(stream, "response");
    assert.equal([headers[":status"], framing.framed], [421, []]);
    session.destroy();
    for (const each of [server, server2]) {
      each.close();
      await once(each, "close");
    }
  }
});

later("a gate that is released while it, or another, waits for its authorize", async () => {
  for (const released of ["framing", "leaving"] as const) {
    for (const waits of ["framing", "leaving"] as const) {
      for (const strict of [false, true]) {
        const answers: ((word: boolean) => void)[] = [];
        const asks = { authorize: () => new Promise<boolean>((resolve) => answers.push(resolve)) };
        const members = {
          framing: member(["a"], { framer: true, ...(waits === "framing" && { more: asks }) }),
          leaving: member(["a"], waits === "leaving" ? { more: asks } : {}),
        };
        const server = http.createServer();
        const guards = {
          framing: members.framing.gate.guard(server, { mode: strict ? "filter" : "auto" }),
          leaving: members.leaving.gate.guard(server),
        };
        const heard: string[] = [];
        const listens = released !== "framing" || waits !== "leaving" || strict;
        if (listens)
          server.on("upgrade", ({ url }, socket) => {
            heard.push(url!);
            socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
          });
        await once(server.listen(0, "127.0.0.1"), "listening");
        const client = new Client(net.connect(portOf(server), "127.0.0.1"));
        await client.send(`GET /live HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`);
        await until(() => answers.length > 0, "authorize is asked");
        guards[released].release();
        answers[0]!(true);
        assert.is((await client.all())[0]!.statusCode, listens ? 101 : 500);
        // One of the two has it, never both; where there is none any more, it is answered.
        assert.is(members.framing.framed.length + heard.length, listens ? 1 : 0, `${released} ${waits} ${strict}`);
        server.close();
        await once(server, "close");
      }
    }
  }
});
