// In:    test/cases/forwarded-cases.json; what clients and hops may write in Forwarded and X-Forwarded.
// Out:   whether each request has its decision, its client and its explanation, alone and over an adopted socket.
// Never: decides what is right; the rows state it.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { type Arrival, socketArrival } from "#src/arrival/arrival.js";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { decide } from "#src/policy/decide.js";
import type { Decision } from "#src/policy/decision.js";
import { explain, explanation } from "#src/policy/explain.js";
import { definePolicy } from "#src/policy/policy-rules.js";
import { addressOf, claiming, factsOf, headOf, headText, policies, rows, words } from "./support/forwarded.js";
import { suite } from "./support/suite.js";
import { turn, until } from "./support/until.js";
import { handshakeFields } from "./support/world.js";

const cases = suite("forwarded cases");

cases("there are enough of them, each with an id of its own", () => {
  assert.ok(rows.length >= 40);
  assert.is(new Set(rows.map(({ id }) => id)).size, rows.length);
});

for (const row of rows) {
  cases(`${row.id} ${row.why}`, () => {
    const rules = policies[row.policy]!;
    const arrival = socketArrival({}, factsOf(row.peer), rules.scheme);
    const decision = decide(definePolicy(claiming(rules, 1)), headOf(row), arrival);
    assert.is(words(decision), row.right);
    assert.is(decision.arrival.remoteAddress ?? null, row.client);
    if (row.clientPort !== undefined) assert.is(decision.arrival.remotePort, row.clientPort);
    assert.is(explain(decision), row.explanation);
    const data = explanation(decision);
    assert.equal(JSON.parse(JSON.stringify(data)), data);
    assert.is(data.client.address, row.client);
    assert.is(data.forwarding === null, decision.arrival.forwarding === undefined);
  });
}

const sockets = suite("forwarded cases over adopted sockets");
let gate: Gate;
let folder: string;
let doors: { tcp: net.Server; unix: net.Server };
let given: Partial<Arrival> = {};

sockets.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "headgate-forwarded-"));
  const open = (listen: (server: net.Server) => void): net.Server => {
    const server = net.createServer((socket) => {
      // A UNIX-domain socket shows itself what it is.
      const { remoteAddress, remotePort } = given;
      gate.adopt(socket, { arrival: remoteAddress === undefined ? {} : { remoteAddress, remotePort: remotePort! } });
    });
    listen(server);
    return server;
  };
  doors = {
    tcp: open((server) => server.listen(0, "127.0.0.1")),
    unix: open((server) => server.listen(join(folder, "door"))),
  };
  await Promise.all(Object.values(doors).map(async (door) => door.listening || (await once(door, "listening"))));
});
sockets.after(() => {
  for (const door of Object.values(doors)) door.close();
  rmSync(folder, { recursive: true });
});

for (const row of rows) {
  sockets(row.id, async () => {
    const decisions: Decision[] = [];
    gate = createGate(claiming(policies[row.policy]!, ({ socket }) => void socket.end("taken")));
    gate.on("accepted", (decision) => decisions.push(decision));
    gate.on("refused", (decision) => decisions.push(decision));
    given = factsOf(row.peer);
    const client =
      row.peer === null ? net.connect(join(folder, "door")) : net.connect(addressOf(doors.tcp), "127.0.0.1");
    client.end(Buffer.from(headText(row), "latin1"));
    let answer = "";
    for await (const octets of client) answer += octets;
    assert.match(answer, row.right === "accepted" ? /^taken$/ : new RegExp(`^HTTP/1\\.1 ${row.right.slice(0, 3)} `));
    assert.equal(decisions.map(explain), [row.explanation]);
  });
}

sockets("a TCP client that resets its connection is not taken for a UNIX-domain socket", async () => {
  const rules = policies.rfc7239!;
  const policy = definePolicy(claiming(rules, 1));
  const arrivals: Arrival[] = [];
  const server = net.createServer({ pauseOnConnect: true }, async (socket) => {
    socket.on("error", () => {});
    // The peer's address can no longer be asked for; Node asks for it when it is read first.
    await reset;
    await turn();
    arrivals.push(socketArrival(socket, {}, rules.scheme));
    socket.destroy();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = net.connect(addressOf(server), "127.0.0.1");
  const reset = once(client, "close");
  client.write(headText(rows[0]!), () => client.resetAndDestroy());
  await until(() => arrivals.length > 0, "the arrival is known");
  server.close();
  const [arrival] = arrivals;
  assert.is(arrival!.remoteAddress, undefined);
  assert.is(arrival!.unix, false);
  assert.is(decide(policy, headOf(rows[0]!), arrival!).arrival.forwarding, undefined);
});

sockets("a trusted hop stays one though it resets the connection after its request", async () => {
  const decisions: Decision[] = [];
  const trusting = { ...policies.rfc7239!, trust: { from: ["127.0.0.1"], forwarded: "rfc7239" } as const };
  gate = createGate(claiming(trusting, ({ socket }) => void socket.destroy()));
  gate.on("accepted", (decision) => decisions.push(decision));
  gate.on("refused", (decision) => decisions.push(decision));
  const server = net.createServer((socket) => {
    gate.adopt(socket);
    // Both are done before the socket is read; from then on it shows no address.
    client.write(text, () => client.resetAndDestroy());
  });
  const text = headText({ ...rows[0]!, fields: [["Forwarded", "for=192.0.2.60"]] });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = net.connect(addressOf(server), "127.0.0.1");
  await until(() => decisions.length > 0, "a decision");
  server.close();
  assert.is(decisions[0]!.arrival.remoteAddress, "192.0.2.60");
});

for (const strict of [false, true]) {
  sockets(`trust holds for requests and upgrades of a guarded server, strict: ${strict}`, async () => {
    const rules: GateOptions = {
      vhosts: [
        {
          name: "public.example",
          port: 443,
          requires: "https",
          upgrades: { "/live": ({ socket }) => void socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n") },
        },
      ],
      trust: { from: ["127.0.0.1", "unix"], forwarded: "rfc7239" },
    };
    const guarding = createGate(rules);
    const seen: (string | undefined)[] = [];
    guarding.on("accepted", ({ arrival, upgrade }) => seen.push(`${arrival.remoteAddress} ${upgrade}`));
    const server = createServer((request, response) => {
      seen.push(guarding.arrivalOf(request)?.remoteAddress);
      response.end();
    });
    guarding.guard(server, { mode: strict ? "filter" : "auto" });
    const text = (client: string, more: string): string =>
      `GET /live HTTP/1.1\r\nHost: backend\r\nForwarded: for=${client};proto=https;host=public.example\r\n${more}\r\n`;
    for (const where of [{ port: 0, host: "127.0.0.1" }, { path: join(folder, `guarded-${strict}`) }]) {
      await once(server.listen(where), "listening");
      const to = "path" in where ? where : { port: addressOf(server), host: "127.0.0.1" };
      const octets = text("192.0.2.1", "") + text("192.0.2.2", "") + text("192.0.2.3", handshakeFields);
      const client = net.connect(to);
      client.write(octets);
      let answer = "";
      for await (const part of client) answer += part;
      assert.equal(answer.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 101"]);
      const wanted = ["192.0.2.1 false", "192.0.2.1", "192.0.2.2 false", "192.0.2.2", "192.0.2.3 true"];
      assert.equal(seen.splice(0), wanted);
      server.close();
      await once(server, "close");
    }
  });

  sockets(`a trusted hop of a guarded server stays one though it resets, strict: ${strict}`, async () => {
    const guarding = createGate({ vhosts: [{ name: "a" }], trust: { from: ["127.0.0.1"], forwarded: "rfc7239" } });
    const decisions: Decision[] = [];
    guarding.on("accepted", (decision) => decisions.push(decision));
    const server = createServer();
    guarding.guard(server, { mode: strict ? "filter" : "auto" });
    server.prependListener("connection", () => {
      client.write("GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=192.0.2.60\r\n\r\n", () => client.resetAndDestroy());
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const client = net.connect(addressOf(server), "127.0.0.1");
    await until(() => decisions.length > 0, "a decision");
    server.close();
    assert.is(decisions[0]!.arrival.remoteAddress, "192.0.2.60");
  });
}
