// In:    a gate whose upgrades and requests go to child processes: slow ones, dying ones, silent ones; clients that write on and on.
// Out:   whether each socket comes to exactly one owner with every octet in order, or is answered, and the counts agree.
// Never: takes an octet for right because it came; what each client wrote is compared.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import * as assert from "uvu/assert";
import { createGate, type Gate, type GateOptions, NO_LISTEN_SERVER, type Sender } from "#src/index.js";
import { type Child, type SentDecision, toProcess, UNREAD } from "#src/intake.js";
import { seeded } from "./support/mutations.js";
import { suite } from "./support/suite.js";
import { Client, octetsOf } from "./support/tcp.js";
import { type ToldChild, told } from "./support/told-child.js";
import { turn, until } from "./support/until.js";
import { handshakeFields } from "./support/world.js";

/** `SOCKETS=1000` may take minutes on a busy machine: Node sends one socket in a turn of both processes. */
const MANY = Number(process.env.SOCKETS ?? 100);
/** Milliseconds between two writes of a client, at most: all of them together leave the event loop room. */
const PACE = Math.max(20, MANY / 2);
/** More than any test takes. */
const PATIENCE = { acknowledgeTimeout: 600_000 };
const head = (host = "a"): string => `GET /live HTTP/1.1\r\nHost: ${host}\r\n${handshakeFields}\r\n`;

async function openChild(name: string, pause = 0): Promise<ChildProcess> {
  const child = fork("dist/test/support/slow-child.js", [name, String(pause)]);
  await once(child, "message");
  return child;
}

async function closeChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

async function descriptors(child: ChildProcess): Promise<number> {
  const answer = once(child, "message", { signal: AbortSignal.timeout(60_000) });
  child.send("descriptors");
  const [count] = (await answer) as [unknown];
  // The link to the parent has messages of its own.
  return typeof count === "number" ? count : descriptors(child);
}

/** The octet at each place of what a client writes. */
const octetAt = (seed: number, at: number): number => (seed * 7 + at * 31 + (at >> 8)) & 255;

/** A client that writes small pieces without a pause until it is asked to end. */
class Writer {
  readonly received: Buffer[] = [];
  /** The child that has it, or the version of HTTP in which it was refused; null before it is answered. */
  child: string | null = null;
  readonly closed: Promise<unknown>;
  readonly #stream: net.Socket;
  readonly #seed: number;
  readonly #random: () => number;
  #length = 0;
  #isEnding = false;

  constructor(port: number, seed: number) {
    this.#seed = seed;
    this.#random = seeded(seed + 1);
    this.#stream = net.connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    this.#stream.on("error", () => {});
    this.#stream.on("data", (octets: Buffer) => {
      this.received.push(octets);
      this.child ??= /^(\S+) [^\0]*?\n/.exec(this.text)?.[1] ?? null;
    });
    this.closed = new Promise((resolve) => this.#stream.once("close", resolve));
    this.#stream.once("connect", () => {
      this.#stream.write(head());
      this.#write();
    });
    // What gives the connection up closes it for good.
    this.#stream.once("end", () => this.#stream.end());
  }

  #write(): void {
    if (this.#stream.writableEnded || this.#stream.destroyed) return;
    const piece = Buffer.alloc(1 + (this.#random() % 300));
    for (let i = 0; i < piece.length; i++) piece[i] = octetAt(this.#seed, this.#length + i);
    this.#length += piece.length;
    const isTaken = this.#stream.write(piece);
    if (this.#isEnding) this.#stream.end();
    else if (isTaken) setTimeout(() => this.#write(), 5 + (this.#random() % PACE));
    else this.#stream.once("drain", () => this.#write());
  }

  end(): void {
    this.#isEnding = true;
  }

  get text(): string {
    return Buffer.concat(this.received).toString("latin1");
  }

  /** It was refused. */
  get isRefused(): boolean {
    return this.child === "HTTP/1.1";
  }

  /** Whether everything that it wrote came back, in order. */
  check(): void {
    const all = Buffer.concat(this.received);
    const line = all.indexOf("\n");
    const written = Buffer.alloc(this.#length);
    for (let i = 0; i < written.length; i++) written[i] = octetAt(this.#seed, i);
    const expected = Buffer.concat([octetsOf(head()), written]);
    const came = all.subarray(line + 1);
    assert.ok(came.equals(expected), `client ${this.#seed}: ${came.length} of ${expected.length} octets, or others`);
  }
}

/** Waits as long as the number grows. */
async function reached(count: () => number, wanted: number): Promise<void> {
  for (let last = count(); last < wanted; last = count()) {
    const before = last;
    await until(
      () => count() > before,
      () => `${wanted}; it stays at ${before}`,
    );
  }
}

interface Parent {
  readonly gate: Gate;
  readonly port: number;
  close(): void;
}

async function openParent(target: Sender, more: Partial<GateOptions> = {}): Promise<Parent> {
  const gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": target } }], ...more });
  const server = net.createServer(UNREAD, (socket) => void gate.adopt(socket));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { gate, port: (server.address() as net.AddressInfo).port, close: () => void server.close() };
}

const writers = (port: number, count: number): Writer[] => Array.from({ length: count }, (_, i) => new Writer(port, i));

const load = suite("to process: under load");

load(`${MANY} sockets to a slow child, whose clients write on and on`, async () => {
  const child = await openChild("slow", 2);
  const { gate, port, close } = await openParent(toProcess(child, { limits: PATIENCE }));
  const clients = writers(port, MANY);
  await reached(() => clients.filter((client) => client.child === "slow").length, MANY);
  let ended = 0;
  for (const client of clients) {
    void client.closed.then(() => ended++);
    client.end();
  }
  await reached(() => ended, MANY);
  for (const client of clients) client.check();
  assert.equal(gate.counts, { refused: {}, reported: {}, malformed: {}, abandoned: {}, lost: {} });
  assert.is(gate.metrics().durations.handover.count, MANY);
  assert.is(gate.metrics().gauges.connections, 0);
  await until(async () => (await descriptors(child)) === 0, "the child has closed them");
  await closeChild(child);
  await turn();
  await turn();
  // Each had closed before.
  assert.equal(gate.counts.lost, {});
  close();
});

for (const others of ["another child takes what was not acknowledged", "what was not acknowledged is answered 503"]) {
  load(`a child of ${MANY} sockets is killed in the middle: ${others}`, async () => {
    const dying = await openChild("dying", 2);
    const other = others.startsWith("another") ? await openChild("other") : null;
    const choose = (): ChildProcess | null => (dying.connected ? dying : other);
    const { gate, port, close } = await openParent(toProcess(choose, { limits: PATIENCE }));
    const clients = writers(port, MANY);
    const half = Math.floor(MANY / 2);
    await reached(() => clients.filter(({ child }) => child === "dying").length, half);
    dying.kill("SIGKILL");
    await once(dying, "exit");
    const isAnswered = (client: Writer): boolean => client.child === "other" || client.isRefused;
    let closed = 0;
    for (const client of clients) void client.closed.then(() => closed++);
    await reached(() => clients.filter(isAnswered).length + lostOf(gate), MANY);
    for (const client of clients) client.end();
    await reached(() => closed, MANY);
    const cut = clients.filter((client) => !isAnswered(client));
    assert.is(cut.length, lostOf(gate));
    // Those that the child had, and a few that it did not come to.
    assert.ok(cut.length >= half && cut.length < MANY, `${cut.length} of ${MANY}`);
    for (const client of clients) if (client.child === "other") client.check();
    const refused = clients.filter(({ isRefused }) => isRefused);
    for (const { text } of refused) {
      assert.match(text, /^HTTP\/1\.1 503 [^\0]*\r\nRetry-After: 1\r\n/);
      // One response, and nothing after it.
      assert.match(text, /^[^\0]*\r\n\r\nService Unavailable \(FRAMER_UNAVAILABLE\)\n$/);
    }
    assert.is(refused.length, gate.counts.abandoned.FRAMER_UNAVAILABLE ?? 0);
    assert.is(refused.length, other === null ? MANY - cut.length : 0);
    assert.equal(gate.counts.lost, { CHILD_FAILED: cut.length });
    assert.is(gate.metrics().gauges.connections, 0);
    if (other !== null) await closeChild(other);
    close();
  });
}

const lostOf = (gate: Gate): number => gate.counts.lost.CHILD_FAILED ?? 0;

const one = suite("to process: one socket");

async function connect(port: number, octets = head()): Promise<Client> {
  const client = new Client(net.connect({ port, host: "127.0.0.1", noDelay: true }));
  await client.send(octetsOf(octets));
  return client;
}

const unavailable =
  /^HTTP\/1\.1 503 [^\0]*\r\nRetry-After: 1\r\n(?:[^\0]*\r\n)?\r\nService Unavailable \(FRAMER_UNAVAILABLE\)\n$/;

one("a child that is stopped loses its claim after its time, and closes its copy when it goes on", async () => {
  const [stopped, other] = [await openChild("stopped"), await openChild("other")];
  // It receives before it is stopped.
  await descriptors(stopped);
  const chosen: ChildProcess[] = [];
  const choose = (): ChildProcess => {
    chosen.push(chosen.length % 2 === 0 ? stopped : other);
    return chosen.at(-1)!;
  };
  const { gate, port, close } = await openParent(toProcess(choose, { limits: { acknowledgeTimeout: 300 } }));
  const first = new Writer(port, 0);
  await until(() => chosen.length === 1, "it is sent");
  await until(() => first.child === "stopped", "it is taken");
  chosen.length = 0;
  stopped.kill("SIGSTOP");
  const client = new Writer(port, 1);
  await until(() => client.child === "other", "another child has it");
  stopped.kill("SIGCONT");
  await until(async () => (await descriptors(stopped)) === 1, "the copy is closed");
  for (const each of [first, client]) {
    each.end();
    await each.closed;
    each.check();
  }
  assert.is(client.child, "other");
  assert.equal(gate.counts.lost, {});
  await Promise.all([closeChild(stopped), closeChild(other)]);
  close();
});

one("a function chooses at most so many times; null is not a child", async () => {
  const gone = told();
  gone.error = new Error("write EPIPE");
  let count = 0;
  const choose = (): Child => {
    count++;
    return gone;
  };
  for (const [tries, expected] of [
    [undefined, 3],
    [1, 1],
    [5, 5],
  ] as const) {
    count = 0;
    const limits = tries === undefined ? {} : { tries };
    const { gate, port, close } = await openParent(toProcess(choose, { limits }));
    const causes: string[] = [];
    gate.on("abandoned", ({ cause }) => causes.push((cause as Error).message));
    const client = await connect(port);
    await client.closed();
    assert.match(client.received.toString("latin1"), unavailable);
    assert.is(count, expected);
    const after = expected === 1 ? "" : `, after ${expected} tries`;
    assert.equal(causes, [`no child process has taken the socket${after}: the child process has closed its channel`]);
    close();
  }
  const { gate, port, close } = await openParent(toProcess(() => null));
  const client = await connect(port);
  await client.closed();
  assert.match(client.received.toString("latin1"), unavailable);
  assert.equal(gate.counts.abandoned, { FRAMER_UNAVAILABLE: 1 });
  // With something that is not a child there is no point in trying again.
  const wrong = await openParent(toProcess(() => undefined as never));
  const other = await connect(wrong.port);
  await other.closed();
  assert.equal(wrong.gate.counts.abandoned, { FRAMER_FAILED: 1 });
  close();
  wrong.close();
});

one("a child that does not receive gets nothing, and a 503 goes to the client when its time is over", async () => {
  const silent = told(false);
  const { port, close } = await openParent(toProcess(silent, { limits: { acknowledgeTimeout: 50 } }));
  const client = await connect(port);
  await client.closed();
  assert.match(client.received.toString("latin1"), unavailable);
  assert.is(silent.kinds, "asks");
  close();
});

one("an acknowledgement whose answer is not written leaves the socket to another child", async () => {
  const [dying, other] = [told(), await openChild("other")];
  const children: Child[] = [dying, other];
  const { gate, port, close } = await openParent(toProcess(() => children.shift() ?? null));
  const client = new Writer(port, 3);
  await until(() => dying.kinds === "asks socket", "it is sent");
  dying.error = new Error("write EPIPE");
  dying.says({ kind: "takes", id: 1 });
  await until(() => client.child === "other", "another child has it");
  assert.is(dying.kinds, "asks socket yours");
  client.end();
  await client.closed;
  client.check();
  dying.emit("exit", 1, null);
  await turn();
  await turn();
  await turn();
  assert.equal(gate.counts, { refused: {}, reported: {}, malformed: {}, abandoned: {}, lost: {} });
  await closeChild(other);
  close();
});

one("what is lost: acknowledged, not closed, and the child has failed", async () => {
  const { gate, port, close } = await openParent(toProcess(() => children.at(-1)!));
  const children: ToldChild[] = [];
  for (const [code, closed, lost] of [
    [null, 0, 2],
    [1, 1, 3],
    [0, 0, 3],
  ] as const) {
    const child = told();
    children.push(child);
    const clients = [await connect(port), await connect(port)];
    await until(() => child.kinds === "asks socket socket", "both are sent");
    for (const id of [1, 2]) child.says({ kind: "takes", id });
    await until(() => gate.metrics().gauges.connections === 0, "both are taken");
    for (let id = 1; id <= closed; id++) child.says({ kind: "closed", id });
    child.emit("exit", code);
    for (let turns = 0; turns < 4; turns++) await turn();
    assert.is(gate.counts.lost.CHILD_FAILED, lost, `exit code ${code}`);
    for (const client of clients) client.stream.destroy();
  }
  close();
});

one("a child that leaves its loop takes no more, and what it had not acknowledged goes to another one", async () => {
  const [leaving, other] = [await openChild("leaving"), await openChild("other")];
  const { port, close } = await openParent(toProcess(() => (hasLeft ? other : leaving)));
  let hasLeft = false;
  const first = new Writer(port, 0);
  await until(() => first.child === "leaving", "it is taken");
  leaving.send("leave");
  hasLeft = true;
  const second = new Writer(port, 1);
  await until(() => second.child === "other", "another child has it");
  hasLeft = false;
  const third = await connect(port);
  await third.closed();
  assert.match(third.received.toString("latin1"), unavailable);
  for (const client of [first, second]) {
    client.end();
    await client.closed;
    client.check();
  }
  await Promise.all([closeChild(leaving), closeChild(other)]);
  close();
});

one("a drain that is over takes the socket back from a child that has not acknowledged it", async () => {
  const child = told();
  const { gate, port, close } = await openParent(toProcess(child));
  const client = await connect(port);
  await until(() => child.kinds === "asks socket", "it is sent");
  const drained = gate.drain({ signal: AbortSignal.abort() });
  assert.equal(await drained, { closed: 0, cut: 1, refused: 0 });
  await client.closed();
  await until(() => child.kinds === "asks socket back", "it is taken back");
  child.says({ kind: "takes", id: 1 });
  assert.is(child.kinds, "asks socket back");
  close();
});

one(
  "requests: the child gets the connection at its first one, with what has been read, and rules on later ones",
  async () => {
    const child = await openChild("serving");
    const gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }], requests: toProcess(child) });
    const server = net.createServer(UNREAD, (socket) => void gate.adopt(socket));
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as net.AddressInfo;
    const heads: string[] = [];
    gate.on("accepted", (decision) => heads.push(`${decision.head.method} ${decision.head.path}`));
    const client = await connect(port, "\r\nPOST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
    await until(() => heads.length === 1, "its head is ruled on");
    await client.send(octetsOf("56789GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"));
    const [posted, got] = await client.responses(2);
    assert.equal(
      [posted!.statusCode, String(posted!.body), posted!.fields.get("child")],
      [200, "0123456789", "serving"],
    );
    assert.is(got!.statusCode, 200);
    await client.send(octetsOf("GET /3 HTTP/1.1\r\nHost: b\r\n\r\n"));
    const all = await client.all();
    assert.is(all.at(-1)!.statusCode, 421);
    assert.equal(heads, ["POST /1"]);
    // A host that the parent does not know is refused by the parent.
    assert.is((await (await connect(port, "GET / HTTP/1.1\r\nHost: b\r\n\r\n")).all())[0]!.statusCode, 421);
    assert.equal(gate.counts.refused, { NAME_UNKNOWN: 1 });
    const drained = gate.drain();
    const [late] = await (await connect(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).all();
    assert.is(late!.statusCode, 503);
    await drained;
    await closeChild(child);
    server.close();
  },
);

one("the child gets the facts of the decision, and where the request came in", async () => {
  const child = told();
  const trust = { from: ["127.0.0.1"], proxyProtocol: true, forwarded: "rfc7239" } as const;
  const { port, close } = await openParent(toProcess(child), { trust, requests: toProcess(child) });
  const header = "PROXY TCP4 127.0.0.1 192.0.2.1 51234 443\r\n";
  const forwarded = "Forwarded: for=203.0.113.9;proto=https\r\n\r\n";
  await connect(port, header + head().replace(/\r\n$/, forwarded));
  await connect(port, `${header}GET /2 HTTP/1.1\r\nHost: a:8443\r\n${forwarded}`);
  await until(() => child.kinds === "asks socket socket", "both are sent");
  const [upgrade, request] = child.said.slice(1).map((message) => (message as { decision: SentDecision }).decision);
  const { arrival, ...facts } = JSON.parse(JSON.stringify(upgrade)) as SentDecision;
  assert.equal(facts, {
    kind: "accepted",
    upgrade: true,
    vhost: "a",
    pattern: "*",
    authority: "a",
    authoritySource: "Host",
    port: 443,
  });
  const { remoteAddress, scheme, schemeSource, forwarding, proxy } = arrival;
  assert.equal([remoteAddress, scheme, schemeSource], ["203.0.113.9", "https", "forwarded"]);
  assert.equal([forwarding!.hop, proxy!.hop], ["127.0.0.1", "127.0.0.1"]);
  assert.equal([request!.upgrade, request!.pattern, request!.authority], [false, null, "a:8443"]);
  child.emit("exit", 0);
  close();
});
