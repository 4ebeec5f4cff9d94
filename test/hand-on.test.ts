// In:    a parent process that accepts, and child processes that it sends sockets to.
// Out:   whether each child gets every octet once and in order, also when some were read before.
// Never: sends what cannot be sent; the last suite does that.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { type ConnectionEnd, createGate, explain, type Gate, NO_LISTEN_SERVER } from "#src/index.js";
import { type Channel, type Child, receiveSockets, sendSocket, toProcess, UNREAD } from "#src/intake.js";
import { certificate } from "./support/certificate.js";
import { suite } from "./support/suite.js";
import { type Cut, cutUp, streamPair } from "./support/tcp.js";
import { told } from "./support/told-child.js";
import { until } from "./support/until.js";
import { handshakeFields, statusOf } from "./support/world.js";

const head = (host = "a"): string => `GET /chat HTTP/1.1\r\nHost: ${host}\r\n${handshakeFields}\r\n`;
/** Every octet there is, more than one read of a socket takes. */
const BEHIND = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));

async function openChild(name: string): Promise<ChildProcess> {
  const child = fork("dist/test/support/child.js", [name]);
  await once(child, "message");
  return child;
}

async function closeChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  if (child.connected) child.disconnect();
  await exit;
}

async function listen(server: net.Server): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as net.AddressInfo).port;
}

/** Sends pieces, each in a turn of its own, and ends; resolves with all that comes back. */
async function ask(port: number, octets: Buffer, cut: Cut): Promise<Buffer> {
  const client = net.connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const received: Buffer[] = [];
  client.on("error", () => {});
  client.on("data", (piece: Buffer) => received.push(piece));
  const closed = new Promise((resolve) => client.once("close", resolve));
  await once(client, "connect");
  // Only the octets near the head are cut.
  for (const piece of [...cutUp(octets.subarray(0, 400), cut), octets.subarray(400)]) {
    client.write(piece);
    await new Promise(setImmediate);
  }
  client.end();
  await closed;
  return Buffer.concat(received);
}

/** What a child reports about octets, all of which it got. */
function checkTold(told: Buffer, child: string, octets: Buffer): void {
  const line = told.indexOf("\n");
  assert.is(told.toString("latin1", 0, line).split(" ")[0], child);
  assert.ok(told.subarray(line + 1).equals(octets), `${told.length - line - 1} of ${octets.length} octets, or others`);
}

const ways = suite("hand on: every octet once");
const children: ChildProcess[] = [];
ways.before(async () => void children.push(await openChild("one"), await openChild("two")));
ways.after(async () => void (await Promise.all(children.map(closeChild))));

const whole = Buffer.concat([Buffer.from(head()), BEHIND]);
const cuts: Cut[] = ["whole", ...Array.from({ length: 40 }, (_, i) => i + 1)];

ways("a socket that was not read, forty at once", async () => {
  const server = net.createServer(UNREAD, (socket) => void sendSocket(children[0]!, socket));
  const port = await listen(server);
  for (const told of await Promise.all(cuts.map((cut) => ask(port, whole, cut)))) checkTold(told, "one", whole);
  server.close();
});

ways("a socket whose head a gate has read and ruled on goes to the child of its Host, forty at once", async () => {
  const ends: Promise<ConnectionEnd>[] = [];
  const upgrades = (child: ChildProcess) => ({ "/chat": toProcess(child) });
  const gate = createGate({
    vhosts: [
      { name: "a", port: NO_LISTEN_SERVER, upgrades: upgrades(children[0]!) },
      { name: "b", port: NO_LISTEN_SERVER, upgrades: { "*": toProcess(() => children[1]!) } },
    ],
  });
  const server = net.createServer(UNREAD, (socket) => ends.push(gate.adopt(socket).ended));
  const port = await listen(server);
  for (const told of await Promise.all(cuts.map((cut) => ask(port, whole, cut)))) checkTold(told, "one", whole);
  assert.equal(new Set((await Promise.all(ends)).map(({ kind }) => kind)), new Set(["handed-over"]));
  // The other child has no vhost b, and refuses by itself.
  assert.is(statusOf((await ask(port, Buffer.from(head("b")), "octets")).toString("latin1")), 421);
  // No child has a vhost c: the parent refuses.
  assert.is(statusOf((await ask(port, Buffer.from(head("c")), "whole")).toString("latin1")), 421);
  assert.is((await ends.at(-1))?.kind, "refused");
  server.close();
});

ways("authorize may take its time", async () => {
  const gate = createGate({
    vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": toProcess(children[0]!) } }],
    authorize: async () => {
      await sleep(30);
      return true;
    },
  });
  const server = net.createServer(UNREAD, (socket) => gate.adopt(socket));
  const port = await listen(server);
  for (const told of await Promise.all(cuts.map((cut) => ask(port, whole, cut)))) checkTold(told, "one", whole);
  server.close();
});

ways("octets that the parent has read go first, and what it knows goes along", async () => {
  const server = net.createServer(UNREAD, (socket) => {
    socket.once("readable", () => {
      const rest = (socket.read() as Buffer | null) ?? Buffer.alloc(0);
      void sendSocket(children[0]!, socket, { rest, arrival: { scheme: "https", remoteAddress: "198.51.100.7" } });
    });
  });
  const port = await listen(server);
  for (const told of await Promise.all(cuts.map((cut) => ask(port, whole, cut)))) {
    checkTold(told, "one", whole);
    assert.match(told.toString("latin1", 0, 60), /^one 198\.51\.100\.7 https given\n/);
  }
  server.close();
});

ways(
  "a socket that began with a PROXY header: the child gets what the header states, and every octet after it",
  async () => {
    const gate = createGate({
      vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "/chat": toProcess(children[0]!) } }],
      trust: { from: ["127.0.0.1", "198.51.100.0/24"], proxyProtocol: true, forwarded: "rfc7239" },
    });
    const server = net.createServer(UNREAD, (socket) => gate.adopt(socket));
    const port = await listen(server);
    const header = Buffer.from("PROXY TCP4 198.51.100.7 192.0.2.1 51234 443\r\n");
    const forwarded = head().replace("Host: a\r\n", "Host: a\r\nForwarded: for=203.0.113.9;proto=https\r\n");
    for (const octets of [whole, Buffer.concat([Buffer.from(forwarded), BEHIND])]) {
      const asked = cuts.slice(0, 12).map((cut) => ask(port, Buffer.concat([header, octets]), cut));
      for (const told of await Promise.all(asked)) {
        checkTold(told, "one", octets);
        // The child trusts no hop, and so does not read Forwarded.
        assert.match(told.toString("latin1", 0, 60), /^one 198\.51\.100\.7 http default\n/);
      }
    }
    server.close();
  },
);

ways("a socket that is made to be handed on serves as any other", async () => {
  const gate: Gate = createGate({
    vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": ({ socket, rest }) => void socket.end(rest) } }],
    requests: (request, response) => void request.pipe(response),
  });
  const server = net.createServer(UNREAD, (socket) => gate.adopt(socket));
  const port = await listen(server);
  const posted = Buffer.concat([
    Buffer.from(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${BEHIND.length}\r\n\r\n`),
    BEHIND,
    Buffer.from(head()),
  ]);
  for (const cut of ["whole", 1, 2, 3] as const) {
    const answer = (await ask(port, posted, cut)).toString("latin1");
    assert.is(statusOf(answer), 200);
    // The client may end after the upgrade.
    assert.ok(answer.length > BEHIND.length);
  }
  server.close();
});

const gone = suite("hand on: processes that are gone");

gone("a child that dies: what waits is the parent's again", async () => {
  const child = await openChild("dying");
  child.kill("SIGSTOP");
  const outcomes: Promise<unknown>[] = [];
  const sockets: net.Socket[] = [];
  const server = net.createServer(UNREAD, (socket) => {
    sockets.push(socket);
    outcomes.push(
      sendSocket(child, socket).then(
        () => "sent",
        (error: Error) => error.message,
      ),
    );
  });
  const port = await listen(server);
  const clients = Array.from({ length: 4 }, () => net.connect(port, "127.0.0.1").on("error", () => {}));
  await until(() => sockets.length === 4, "four are accepted");
  child.kill("SIGKILL");
  await once(child, "exit");
  // Node has sent the first ones, and the child has acknowledged none.
  for (const outcome of outcomes) assert.is(await outcome, "the child process has closed its channel");
  // The last one is read here instead, and nothing of it is lost.
  const gate = createGate({ vhosts: [{ name: "a", port: 80 }] });
  const text = once(clients[3]!, "data");
  clients[3]!.write(head("other"));
  const served = sockets.slice(1).find(({ remotePort }) => remotePort === clients[3]!.localPort) ?? sockets[3]!;
  gate.adopt(served);
  assert.is(statusOf(String((await text)[0])), 421);
  for (const socket of [...sockets, ...clients]) socket.destroy();
  server.close();
});

gone("a child without a channel: the client of a gate gets 503", async () => {
  const child = await openChild("leaving");
  await closeChild(child);
  const gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": toProcess(child) } }] });
  let end: ConnectionEnd | undefined;
  const server = net.createServer(UNREAD, async (socket) => {
    end = await gate.adopt(socket).ended;
  });
  const port = await listen(server);
  const answer = (await ask(port, Buffer.from(head()), "whole")).toString("latin1");
  assert.is(statusOf(answer), 503);
  assert.match(answer, "\r\nRetry-After: 1\r\n");
  assert.match(answer, /\r\n\r\nService Unavailable \(FRAMER_UNAVAILABLE\)\n$/);
  assert.match(
    explain(end!),
    "the framer was unavailable: no child process has taken the socket: the child process has closed its channel (FRAMER_UNAVAILABLE, handover; client 127.0.0.1)",
  );
  server.close();
});

gone("a server whose sockets went to children that have exited emits 'close'", async () => {
  const child = await openChild("closing");
  const server = net.createServer(UNREAD, (socket) => void sendSocket(child, socket).then(() => child.kill("SIGKILL")));
  const client = net.connect(await listen(server), "127.0.0.1");
  client.on("error", () => {});
  await Promise.all([once(child, "exit"), once(client, "close")]);
  const closed = once(server, "close", { signal: AbortSignal.timeout(10_000) });
  server.close();
  await closed;
});

gone("a client that is gone", async () => {
  const child = await openChild("waiting");
  let outcome: Promise<unknown> | undefined;
  const server = net.createServer(UNREAD, (socket) => {
    socket.destroy();
    outcome = sendSocket(child, socket).catch((error: Error) => error.message);
  });
  const port = await listen(server);
  await once(net.connect(port, "127.0.0.1"), "close");
  assert.is(await outcome, "the socket was destroyed before it could be sent");
  server.close();
  await closeChild(child);
});

/** A channel of this process, and what is sent on it. */
function openChannel() {
  const listeners: Record<string, (...values: unknown[]) => void> = {};
  const said: unknown[] = [];
  const channel = {
    connected: true,
    send: (message: { headgate: unknown }): boolean => said.push(message.headgate) > 0,
    on: (name: string, listener: (...values: unknown[]) => void) => void (listeners[name] = listener),
    removeListener: (name: string) => void delete listeners[name],
  };
  const hear = (headgate: object, socket?: net.Socket): void => listeners.message!({ headgate }, socket);
  return { channel: channel as Channel, listeners, said, hear };
}

const sent = (id: number, rest = ""): object => ({ kind: "socket", id, rest, arrival: {}, decision: null });

gone("the loop is left: what was not taken is closed, and what is on its way, until the parent answers", async () => {
  const { channel, listeners, said, hear } = openChannel();
  const sockets = receiveSockets(channel);
  const [one, two, three, four] = Array.from({ length: 4 }, () => new net.Socket());
  listeners.message!({ other: 1 }, one);
  hear(sent(1));
  hear(sent(2, "aGk="), one);
  hear(sent(3), two);
  hear(sent(4), three);
  // A socket that waits for its loop breaks without ending the process.
  one!.emit("error", new Error("reset"));
  hear({ kind: "asks" });
  hear({ kind: "yours", id: 2 });
  const { value } = await sockets.next();
  assert.is(value.socket, one);
  assert.is(Buffer.from(value.rest).toString(), "hi");
  assert.is(one!.listenerCount("error"), 0);
  hear({ kind: "back", id: 3 });
  assert.is(two!.destroyed, true);
  await sockets.return!();
  assert.is(three!.destroyed, true);
  // The parent gave it before it heard that the loop is left.
  hear({ kind: "yours", id: 4 });
  hear(sent(5), four);
  assert.is(four!.destroyed, true);
  assert.is((await sockets.next()).done, true);
  hear({ kind: "bye", id: 1 });
  assert.equal(listeners, {});
  one!.destroy();
  await once(one!, "close");
  assert.equal(
    said.map((message) => Object.values(message as object).join(" ")),
    ["receives", "takes 2", "takes 3", "takes 4", "receives", "leaves 1", "closed 4", "closed 2"],
  );
});

gone("a loop after one that was left gets no socket that was sent for the first one", async () => {
  const { channel, said, hear } = openChannel();
  const first = receiveSockets(channel);
  await first.return!();
  const left = receiveSockets(channel);
  await left.return!();
  const second = receiveSockets(channel);
  const came = second.next();
  const stale = Array.from({ length: 8 }, () => new net.Socket());
  for (const [id, socket] of stale.entries()) hear(sent(id), socket);
  assert.ok(stale.every(({ destroyed }) => destroyed));
  // The parent has asked before it heard that the loop was left.
  hear({ kind: "asks" });
  hear({ kind: "bye", id: 1 });
  const late = new net.Socket();
  hear(sent(8), late);
  assert.is(late.destroyed, true);
  hear({ kind: "bye", id: 2 });
  const socket = new net.Socket();
  hear(sent(9), socket);
  hear({ kind: "yours", id: 9 });
  assert.is((await came).value.socket, socket);
  assert.equal(
    said.map((message) => Object.values(message as object).join(" ")),
    ["receives", "leaves 1", "leaves 2", "receives", "takes 9"],
  );
  assert.throws(() => receiveSockets(channel), /receives sockets already/);
});

gone("the channel closes while a loop waits for the one before it to end", async () => {
  const { channel, listeners } = openChannel();
  await receiveSockets(channel).return!();
  const waiting = receiveSockets(channel).next();
  (channel as { connected: boolean }).connected = false;
  listeners.disconnect!();
  assert.is((await waiting).done, true);
  assert.equal(listeners, {});
});

gone("the parent leaves: the loop ends with what is its own, and the rest is closed", async () => {
  const { channel, listeners, said, hear } = openChannel();
  const sockets = receiveSockets(channel);
  const all = Array.from({ length: 10 }, () => new net.Socket());
  for (const [id, socket] of all.entries()) hear(sent(id), socket);
  // A few more than the loop has asked for.
  assert.is(said.length, 1 + 4);
  hear({ kind: "yours", id: 0 });
  listeners.disconnect!();
  assert.equal(listeners, {});
  assert.is((await sockets.next()).value.socket, all[0]);
  assert.is((await sockets.next()).done, true);
  assert.equal(
    all.map(({ destroyed }) => destroyed),
    all.map((_, id) => id > 0),
  );
});

const misuse = suite("hand on: misuse");

const nobody = { send: () => true, on: () => {} } as unknown as Child;

async function accepted(options: net.ServerOpts): Promise<{ near: net.Socket; far: net.Socket }> {
  const server = net.createServer(options);
  const near = net.connect(await listen(server), "127.0.0.1");
  const [far] = (await once(server, "connection")) as [net.Socket];
  server.close();
  return { near, far };
}

misuse("sockets that would lose octets", async () => {
  for (const options of [{}, { pauseOnConnect: true }, { highWaterMark: 0 }]) {
    const { near, far } = await accepted(options);
    assert.throws(() => sendSocket(nobody, far), /createServer\(UNREAD, listener\)/);
    near.destroy();
    far.destroy();
  }
  const { near, far } = await accepted(UNREAD);
  near.write("GET");
  await new Promise<void>((resolve) => far.on("readable", resolve));
  assert.throws(
    () => sendSocket(nobody, far),
    "3 octets were read from the socket, and rest has 0; the others would be lost",
  );
  far.read();
  assert.throws(() => sendSocket(nobody, far, { rest: Buffer.from("GE") }), /3 octets were read/);
  assert.throws(() => sendSocket(nobody, far, { rest: "GET" as never }), /rest must be/);
  assert.throws(() => sendSocket(nobody, far, { head: 1 } as never), /head is not a setting of sendSocket/);
  near.destroy();
  far.destroy();
});

misuse("a socket that is on its way already", async () => {
  const { near, far } = await accepted(UNREAD);
  const child = told();
  const first = sendSocket(child, far, { limits: { acknowledgeTimeout: 200 } });
  assert.throws(() => sendSocket(told(), far), /on its way to a child already/);
  assert.match(`${await first.catch(String)}`, "has not acknowledged the socket within 200 ms");
  const other = told();
  const second = sendSocket(other, far);
  await until(() => other.kinds === "asks socket", "it is sent to the other child");
  other.says({ kind: "takes", id: 1 });
  await second;
  near.destroy();
});

misuse("TLS, streams, and what is not a child", async () => {
  const server = tls.createServer(certificate());
  const near = tls.connect({ port: await listen(server), host: "127.0.0.1", rejectUnauthorized: false });
  const [far] = (await once(server, "secureConnection")) as [tls.TLSSocket];
  assert.throws(
    () => sendSocket(nobody, far),
    /^TypeError: TLS state cannot travel with a passed handle|TLS state cannot travel/,
  );
  near.destroy();
  server.close();
  assert.throws(() => sendSocket(nobody, streamPair()[0] as never), /only a net\.Socket/);
  assert.throws(() => sendSocket({} as never, new net.Socket()), /fork\(\)/);
  assert.throws(() => toProcess({} as never), /fork\(\)/);
  assert.throws(() => receiveSockets({ connected: undefined } as never), /no channel to a parent/);
});
