// In:    adopted sockets, and what is stated about them: by the gate to its listeners, by the callers of adopt, by mistake.
// Out:   whether events, arrivals and explanations are right, and misuse is a TypeError with the fix.
// Never: looks at what the policy decides; decision.test.ts does.

import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import * as assert from "uvu/assert";
import { createGate } from "#src/gate.js";
import { wsFramer } from "#src/handover/ws.js";
import { NO_LISTEN, NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { collect, echo, gateWith, handshake, pair } from "./support/adoption.js";
import { suite } from "./support/suite.js";
import { Client } from "./support/tcp.js";
import { turn } from "./support/until.js";
import { openWorld } from "./support/world.js";

const faces = suite("adoption: events and misuse");

faces("a socket that an http.Server reads is not adopted", async () => {
  const gate = gateWith({}, { requests: (_request, response) => response.end("twice") });
  for (const guarded of [null, "auto", "filter"] as const) {
    const server = http.createServer((_request, response) => response.end("once"));
    if (guarded !== null) createGate({ vhosts: [{ name: "a", port: "any" }] }).guard(server, { mode: guarded });
    const errors: unknown[] = [];
    server.on("connection", (socket) => {
      try {
        gate.adopt(socket);
      } catch (error) {
        errors.push(error);
      }
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const client = new Client(net.connect((server.address() as net.AddressInfo).port, "127.0.0.1"));
    await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert.equal(
      (await client.all()).map(({ body }) => String(body)),
      ["once"],
    );
    assert.match(String(errors), /^TypeError: adopt takes a socket that nothing else reads/);
    assert.is(errors.length, 1);
    server.close();
  }
});

faces("each outcome is an event and a diagnostics message, with the decision", async () => {
  const messages: [string, object][] = [];
  const names = ["accepted", "refused", "malformed", "abandoned"] as const;
  const subscribers = names.map((name) => (message: unknown) => messages.push([name, message as object]));
  for (const [i, name] of names.entries()) channel(`headgate:${name}`).subscribe(subscribers[i]!);
  const events: string[] = [];
  const gate = gateWith({ "*": wsFramer(echo()) }, { requests: (_request, response) => response.end("served") });
  gate.on("accepted", ({ upgrade, vhost }) => events.push(`handover ${upgrade} ${vhost.name}`));
  gate.on("refused", ({ code }) => events.push(code));
  gate.on("malformed", ({ fault, arrival }) => events.push(`${fault.code} ${arrival.scheme}`));
  gate.on("abandoned", ({ code }) => events.push(code));
  const world = await openWorld(() => gate);
  await world.send(handshake);
  await world.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  await world.send("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
  await world.send("GET / HTTP/1.1\r\n\r\n");
  await world.close();
  for (const [i, name] of names.entries()) channel(`headgate:${name}`).unsubscribe(subscribers[i]!);
  assert.equal(events, ["handover true a", "handover false a", "NAME_UNKNOWN", "HOST_MISSING http"]);
  assert.equal(
    messages.map(([name]) => name),
    ["accepted", "accepted", "refused", "malformed"],
  );
  // The channel carries what the event does.
  assert.equal(
    messages.map(([, message]) => (message as { kind: string }).kind),
    ["accepted", "accepted", "refused", "malformed"],
  );
  assert.ok("fault" in messages[3]![1]);
});

faces("the scheme follows the caller of adopt, the socket, the declaration", async () => {
  const schemes: (string | undefined)[] = [];
  for (const [declared, arrival, encrypted] of [
    [undefined, {}, false],
    ["https", {}, false],
    ["https", { scheme: "http" }, false],
    ["http", {}, true],
    [undefined, { scheme: "http" }, true],
  ] as const) {
    const { near, far } = await pair();
    if (encrypted) Object.assign(far, { encrypted });
    const gate = gateWith({ "*": () => {} }, declared === undefined ? {} : { scheme: declared });
    gate.on("accepted", (decision) => schemes.push(`${decision.arrival.scheme} ${decision.arrival.schemeSource}`));
    near.write(handshake);
    await gate.adopt(far, { arrival }).ended;
    near.destroy();
    far.destroy();
  }
  assert.equal(schemes, ["http default", "https declared", "http given", "https tls", "https tls"]);
});

faces("addresses and ports of an arrival are the socket's, unless they are given", async () => {
  const { near, far } = await pair();
  const gate = gateWith({ "*": () => {} });
  near.write(handshake);
  const end = await gate.adopt(far, { arrival: { remoteAddress: "192.0.2.7" } }).ended;
  if (end.kind !== "handed-over") throw new Error(end.kind);
  const { arrival } = end.decision;
  const shown = {
    scheme: "http",
    schemeSource: "default",
    remoteAddress: "192.0.2.7",
    remotePort: near.localPort,
    localAddress: "127.0.0.1",
    localPort: near.remotePort,
    unix: false,
  };
  assert.is(arrival.remotePort, shown.remotePort);
  assert.equal(JSON.parse(JSON.stringify(arrival)), shown);
  near.destroy();
  far.destroy();
});

faces("a slow framer loses nothing of a socket whose head was read before adopt", async () => {
  const { near, far } = await pair();
  far.pause();
  let goOn = (): void => {};
  const ready = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const taken: Buffer[] = [];
  const gate = gateWith({
    "*": async ({ socket }) => {
      await ready;
      socket.on("data", (octets: Buffer) => taken.push(octets)).resume();
    },
  });
  const end = gate.adopt(far, { rest: Buffer.from(handshake) }).ended;
  await new Promise((resolve) => near.write("early", resolve));
  await turn();
  goOn();
  assert.is((await end).kind, "handed-over");
  near.end("late");
  await once(far, "end");
  assert.is(Buffer.concat(taken).toString(), "earlylate");
  far.destroy();
});

faces("an end can be waited for early, late, never, and by any means of a promise", async () => {
  const { near, far } = await pair();
  const end = gateWith({ "*": wsFramer(echo()) }).adopt(far).ended;
  const early = end.then(({ kind }) => kind);
  near.end();
  assert.is(await early, "abandoned");
  assert.is((await end).kind, "abandoned");
  assert.is((await Promise.all([end, end.catch(() => null)]))[1]?.kind, "abandoned");
  let settled = 0;
  await end.finally(() => settled++);
  assert.is(settled, 1);
  assert.is(`${end}`, "[object Promise]");
});

faces("an adoption may be narrowed, and Host cannot widen it", async () => {
  const vhosts = ["a", "b"].map((name) => ({ name, port: NO_LISTEN_SERVER, upgrades: { "*": () => {} } }));
  const gate = createGate({ vhosts });
  for (const [only, kind] of [
    ["a", "handed-over"],
    ["b", "refused"],
  ] as const) {
    const { near, far } = await pair();
    near.write(handshake);
    assert.is((await gate.narrow([only]).adopt(far).ended).kind, kind);
    near.destroy();
    far.destroy();
  }
  const { near, far } = await pair();
  assert.throws(() => gate.narrow(["c"]), /no vhost is named c/);
  near.destroy();
  far.destroy();
});

faces("a client is told why only where the gate exposes it", async () => {
  for (const [expose, request, phrase, why] of [
    [
      true,
      "GET / HTTP/1.1\r\nHost: evil\r\n\r\n",
      "Misdirected Request (NAME_UNKNOWN)",
      "host evil matches none of the vhosts: a .*",
    ],
    [false, "GET / HTTP/1.1\r\nHost: evil\r\n\r\n", "Misdirected Request (NAME_UNKNOWN)", ""],
    [true, "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "Bad Request (FIELD_NAME_SPACE)", "there is white space between .*"],
    [false, "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "Bad Request (FIELD_NAME_SPACE)", ""],
    [
      true,
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "Upgrade Required (UPGRADE_REQUIRED)",
      "GET / does not ask for an upgrade, and nothing here serves other requests .*",
    ],
    [true, "HEAD / HTTP/1.1\r\nHost: evil\r\n\r\n", "", ""],
  ] as const) {
    const { near, far } = await pair();
    const text = collect(near);
    near.write(request);
    await gateWith({}, { expose }).adopt(far).ended;
    const body = (await text).split("\r\n\r\n")[1]!;
    const lines = [phrase.replace(/[()]/g, "\\$&"), why].filter((line) => line !== "").map((line) => `${line}\n`);
    assert.match(body, new RegExp(`^${lines.join("")}$`));
  }
});

faces("misuse is a TypeError that states the fix", async () => {
  const { near, far } = await pair();
  const upgrades = { "*": () => {} };
  const throws = (make: () => unknown, sentence: RegExp): void => {
    assert.throws(make, (error: unknown) => error instanceof TypeError && sentence.test(error.message));
  };
  const adopt = (port?: "local" | "NO_LISTEN") => () =>
    createGate({ vhosts: [{ name: "a", upgrades, ...(port && { port }) }] }).adopt(far).ended;
  throws(adopt(), /vhost a has no port.*NO_LISTEN_SERVER/);
  throws(adopt("local"), /"local".*listens on no port/);
  throws(adopt(NO_LISTEN), /every vhost has port NO_LISTEN/);
  const gate = gateWith(upgrades);
  throws(() => gate.adopt({} as never), /adopt takes a net.Socket/);
  const given = await pair();
  gate.adopt(given.far);
  throws(() => gate.adopt(given.far), /takes a socket once/);
  given.near.destroy();
  given.far.destroy();
  throws(() => gate.adopt(far, { rest: "GET" as never }), /rest must be/);
  throws(() => gate.adopt(far, { arrival: { scheme: "wss" as never } }), /arrival.scheme is "wss"/);
  throws(() => gate.adopt(far, { arrival: { localPort: "443" as never } }), /arrival.localPort is "443"/);
  throws(
    () => gate.adopt(far, { arrival: { remoteAdress: "::1" } as never }),
    /remoteAdress is not a setting of arrival/,
  );
  for (const address of ["192.0.2.7:5000", "[::1]", "127.1", "localhost", "unknown", ""]) {
    for (const name of ["remoteAddress", "localAddress"]) {
      const words = new RegExp(`arrival\\.${name} is ".*"; it must be an IP address without a port`);
      throws(() => gate.adopt(far, { arrival: { [name]: address } }), words);
    }
  }
  throws(() => gate.adopt(far, { arrival: { unix: true, remoteAddress: "::1" } }), /arrival\.unix is true; it must be/);
  throws(() => gate.adopt(far, { vhost: ["a"] } as never), /vhost is not a setting of an adoption/);
  throws(() => gate.narrow("a" as never), /must be a list of names/);
  throws(() => createGate({} as never), /at least one vhost/);
  throws(() => createGate(undefined as never), /a gate must be an object/);
  throws(() => gateWith({ "*": echo() as never }), /is a WebSocketServer; wrap it/);
  throws(() => gate.adopt(far.setEncoding("utf8")), /setEncoding/);
  throws(() => gateWith({ "*": 1 as never }), /is not a framer/);
  throws(() => gateWith(upgrades, { requests: 1 as never }), /requests must be/);
  throws(() => gateWith(upgrades, { expose: "yes" as never }), /expose is "yes"; it must be true or false/);
  throws(() => gateWith(upgrades, { trusted: true } as never), /trusted is not a setting of a gate/);
  throws(() => gateWith(upgrades, { limits: { headBits: 1 } as never }), /limits.headBits is not a limit/);
  assert.throws(() => gateWith(upgrades, { limits: { headBytes: 1 } }), /limits.headBytes is 1; .* from 16 to 131072/);
  throws(() => wsFramer({} as never), /wsFramer takes a WebSocketServer/);
  near.destroy();
  far.destroy();
});
