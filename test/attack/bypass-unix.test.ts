// In:    connections over UNIX-domain sockets, and others that show no address either; a gate that trusts UNIX-domain peers.
// Out:   whether each is recognized, on every road, and still is when it has closed.
// Never: passes the gate what it should find out about a socket.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { createGate, type Gate, type GateOptions, NO_LISTEN_SERVER } from "#src/index.js";
import { certificate } from "../support/certificate.js";
import { FrameClient } from "../support/http2-client.js";
import { Flag } from "../support/http2-frames.js";
import { suite } from "../support/suite.js";
import { Client, streamPair } from "../support/tcp.js";

const { key, cert } = certificate("a");
const folder = mkdtempSync(join(tmpdir(), "headgate-unix-"));
const path = join(folder, "door");

const requests: http.RequestListener = (_request, response) => void response.end();
const trust: GateOptions["trust"] = { from: ["unix"], forwarded: "rfc7239" };

/** What a gate reported about the requests that it accepted: which host they are for, and where that is known from. */
function listening(gate: Gate): string[] {
  const said: string[] = [];
  gate.on("accepted", ({ arrival }) => said.push(`${arrival.remoteAddress} by ${arrival.forwarding?.hop}`));
  gate.on("refused", ({ code }) => said.push(code));
  return said;
}

/** How octets travel, and what a client sends. */
interface Road {
  readonly isTls: boolean;
  readonly isHttp2: boolean;
}

/** Asks over a stream that is connected, saying to be forwarded; waits for the answer. */
async function ask(wire: Duplex, { isTls, isHttp2 }: Road): Promise<void> {
  wire.on("error", () => {});
  let stream = wire;
  if (isTls) {
    const ALPNProtocols = [isHttp2 ? "h2" : "http/1.1"];
    const secure = tls.connect({ socket: wire, ca: cert, servername: "a", ALPNProtocols });
    await once(secure, "secureConnect");
    stream = secure;
  }
  const forwarded = "for=192.0.2.60";
  if (isHttp2) {
    const client = new FrameClient(stream);
    await client.greet();
    const fields = {
      ":method": "GET",
      ":scheme": isTls ? "https" : "http",
      ":authority": "a",
      ":path": "/",
      forwarded,
    };
    assert.is(await client.outcome(await client.open(Object.entries(fields), Flag.END_STREAM)), 200);
  } else {
    const client = new Client(stream);
    await client.send(`GET / HTTP/1.1\r\nHost: a\r\nForwarded: ${forwarded}\r\nConnection: close\r\n\r\n`);
    assert.is((await client.responses(1))[0]!.statusCode, 200);
  }
  stream.destroy();
  wire.destroy();
}

async function close(server: net.Server): Promise<void> {
  server.close();
  await once(server, "close");
}

const BELIEVED = "192.0.2.60 by unix";

/** Servers that a gate guards, or that accept for it, each made with that gate. */
interface Kind extends Road {
  readonly name: string;
  /** The event that gives a raw connection to it is 'connection'. */
  serve(gate: Gate): net.Server;
}

const options = { key, cert, ALPNProtocols: ["h2", "http/1.1"] };
const guarded = (server: net.Server, gate: Gate, strict = false): net.Server => {
  gate.guard(server as http.Server, strict ? { mode: "filter" } : {});
  return server.on("request", requests as never);
};
const adopting = <Server extends net.Server>(server: Server, event: string, gate: Gate): Server =>
  server.on(event, (socket: Duplex) => gate.adopt(socket));

const kinds: Kind[] = [
  ...[false, true].flatMap((strict) => [
    {
      name: `guarded http, strict: ${strict}`,
      isTls: false,
      isHttp2: false,
      serve: (gate: Gate) => guarded(http.createServer(), gate, strict),
    },
    {
      name: `guarded https, strict: ${strict}`,
      isTls: true,
      isHttp2: false,
      serve: (gate: Gate) => guarded(https.createServer(options), gate, strict),
    },
  ]),
  ...[false, true].map((isHttp2) => ({
    name: `guarded http2 with allowHTTP1, HTTP/2: ${isHttp2}`,
    isTls: true,
    isHttp2,
    serve: (gate: Gate) => guarded(http2.createSecureServer({ ...options, allowHTTP1: true }), gate),
  })),
  {
    name: "guarded http2, cleartext",
    isTls: false,
    isHttp2: true,
    serve: (gate) => guarded(http2.createServer(), gate),
  },
  ...[false, true].flatMap((isHttp2) => [
    {
      name: `adopted, HTTP/2: ${isHttp2}`,
      isTls: false,
      isHttp2,
      serve: (gate: Gate) => adopting(net.createServer(), "connection", gate),
    },
    {
      name: `adopted TLSSocket, HTTP/2: ${isHttp2}`,
      isTls: true,
      isHttp2,
      serve: (gate: Gate) => adopting(tls.createServer(options), "secureConnection", gate),
    },
    {
      name: `adopted, TLS of the gate, HTTP/2: ${isHttp2}`,
      isTls: true,
      isHttp2,
      serve: (gate: Gate) => adopting(net.createServer(), "connection", gate),
    },
  ]),
];

function gateFor({ name }: Kind): Gate {
  const isAdopting = name.startsWith("adopted");
  return createGate({
    vhosts: [{ name: "a", ...(isAdopting && { port: NO_LISTEN_SERVER }) }],
    trust,
    ...(isAdopting && { requests, http2: { cleartext: true } }),
    ...(name.includes("TLS of the gate") && { tls: { a: { key, cert } } }),
  });
}

const test = suite("bypass: UNIX-domain sockets");
test.after(() => rmSync(folder, { recursive: true }));

/** A stream of octets that shows what a net.Socket shows which has no address. */
class Lookalike extends Duplex {
  readonly remoteAddress = undefined;
  readonly localAddress = undefined;
  readonly #inner: Duplex;

  constructor(inner: Duplex) {
    super();
    this.#inner = inner;
    inner.on("data", (octets) => this.push(octets)).on("end", () => this.push(null));
    inner.on("close", () => this.destroy());
  }

  override _read(): void {}

  override _write(octets: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#inner.write(octets, done);
  }

  override _final(done: () => void): void {
    this.#inner.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#inner.destroy();
    done(error);
  }
}

for (const kind of kinds) {
  test(`${kind.name}: a UNIX-domain peer is trusted, TCP and streams without an address are not`, async () => {
    const gate = gateFor(kind);
    const said = listening(gate);
    const server = kind.serve(gate).on("tlsClientError", () => {});
    await once(server.listen(path), "listening");
    await ask(net.connect(path), kind);
    assert.equal(said.splice(0), [BELIEVED]);
    await close(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    await ask(net.connect((server.address() as AddressInfo).port, "127.0.0.1"), kind);
    assert.equal(said.splice(0), ["127.0.0.1 by undefined"]);
    for (const shown of [(far: Duplex) => far, (far: Duplex) => new Lookalike(far)]) {
      const [near, far] = streamPair();
      server.emit("connection", shown(far));
      await ask(near, kind);
      assert.equal(said.splice(0), ["undefined by undefined"]);
    }
    await close(server);
  });
}

test("TLS within TLS is what the outermost is", async () => {
  const gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }], trust, requests });
  const said = listening(gate);
  const inner = adopting(tls.createServer(options), "secureConnection", gate);
  const outer = tls.createServer(options, (socket) => inner.emit("connection", socket));
  await once(outer.listen(path), "listening");
  const wires: [Duplex, string][] = [[net.connect(path), BELIEVED]];
  const [near, far] = streamPair();
  outer.emit("connection", far);
  wires.push([near, "undefined by undefined"]);
  for (const [wire, wanted] of wires) {
    const secure = tls.connect({ socket: wire, ca: cert, servername: "a" }).on("error", () => {});
    await ask(secure, { isTls: true, isHttp2: false });
    assert.equal(said.splice(0), [wanted]);
  }
  await close(outer);
});

test("a second gate has from the first what the first knows", async () => {
  for (const strict of [false, true]) {
    const server = http.createServer(requests);
    const second = createGate({ vhosts: [{ name: "a" }], trust });
    const said = listening(second);
    second.guard(server, { mode: strict ? "filter" : "auto" });
    const vhosts = [{ name: "a", port: NO_LISTEN_SERVER }];
    const first = createGate({ vhosts, requests: server });
    const door = adopting(net.createServer(), "connection", first);
    await once(door.listen(path), "listening");
    await ask(net.connect(path), { isTls: false, isHttp2: false });
    const [near, far] = streamPair();
    void first.adopt(new Lookalike(far));
    await ask(near, { isTls: false, isHttp2: false });
    assert.equal(said, [BELIEVED, "undefined by undefined"]);
    await close(door);
  }
});

test("two gates on one server, one of them strict, in both orders", async () => {
  for (const strictFirst of [false, true]) {
    const server = http.createServer(requests);
    const gates = [createGate({ vhosts: [{ name: "a" }] }), createGate({ vhosts: [{ name: "a" }], trust })] as const;
    const said = listening(gates[1]);
    if (strictFirst) gates[0].guard(server, { mode: "filter" });
    gates[1].guard(server);
    if (!strictFirst) gates[0].guard(server, { mode: "filter" });
    await once(server.listen(path), "listening");
    await ask(net.connect(path), { isTls: false, isHttp2: false });
    const [near, far] = streamPair();
    server.emit("connection", new Lookalike(far));
    await ask(near, { isTls: false, isHttp2: false });
    assert.equal(said, [BELIEVED, "undefined by undefined"], `${strictFirst}`);
    await close(server);
  }
});

test("it stays one when it has closed", async () => {
  for (const strict of [false, true]) {
    const asked: http.IncomingMessage[] = [];
    const server = http.createServer((request, response) => {
      asked.push(request);
      response.end();
    });
    const gate = createGate({ vhosts: [{ name: "a" }] });
    gate.guard(server, { mode: strict ? "filter" : "auto" });
    await once(server.listen(path), "listening");
    await ask(net.connect(path), { isTls: false, isHttp2: false });
    await close(server);
    assert.is(gate.arrivalOf(asked[0]!)?.unix, true);
  }
});

test("a socket that is declared to be a UNIX-domain one has no address, whatever it shows", async () => {
  const gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }], requests });
  const ends: unknown[] = [];
  gate.on("accepted", ({ arrival }) => ends.push([arrival.unix, arrival.remoteAddress, arrival.remotePort]));
  const server = net.createServer((socket) => gate.adopt(socket, { arrival: { unix: true } }));
  await once(server.listen(0, "127.0.0.1"), "listening");
  await ask(net.connect((server.address() as AddressInfo).port), { isTls: false, isHttp2: false });
  assert.equal(ends, [[true, undefined, undefined]]);
  await close(server);
});
