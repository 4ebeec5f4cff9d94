// In:    a gate with tls and fallback, TLS clients of Node, octets cut anywhere.
// Out:   whether it speaks TLS by server name, passes connections on unread, and tells protocols apart.
// Never: starts a program; tls-clients.test.ts does.

import { once } from "node:events";
import https from "node:https";
import net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import {
  type Abandoned,
  type ConnectionEnd,
  createGate,
  explain,
  type Gate,
  type GateOptions,
  NO_LISTEN_SERVER,
  type RawConnection,
} from "headgate";
import { UNREAD } from "headgate/intake";
import * as assert from "uvu/assert";
import { WebSocket, WebSocketServer } from "ws";
import type { Arrival } from "#src/arrival/arrival.js";
import { HelloFault } from "#src/arrival/tls/fault.js";
import { wsFramer } from "#src/handover/ws.js";
import { certificate } from "./support/certificate.js";
import { readProxyCorpus } from "./support/corpus.js";
import { suite } from "./support/suite.js";
import { Client, type Cut, cutUp, octetsOf, streamPair } from "./support/tcp.js";
import { until } from "./support/until.js";

const a = certificate("a.test");
const b = certificate("b.test");
const port = NO_LISTEN_SERVER;

interface World {
  readonly gate: Gate;
  readonly ends: Promise<ConnectionEnd>[];
  readonly abandoned: Abandoned[];
  readonly arrivals: Arrival[];
  readonly port: number;
  close(): Promise<void>;
}

/** A gate that answers requests with their Host, behind a net.Server. */
async function open(options: Partial<GateOptions>, server: net.ServerOpts = {}): Promise<World> {
  const [ends, abandoned, arrivals]: [Promise<ConnectionEnd>[], Abandoned[], Arrival[]] = [[], [], []];
  const gate = createGate({
    vhosts: [
      { name: "a.test", port },
      { name: "b.test", port },
    ],
    requests: (request, response) => response.end(request.headers.host),
    ...options,
  });
  gate.on("abandoned", (end) => abandoned.push(end));
  gate.on("accepted", ({ arrival }) => arrivals.push(arrival));
  const door = net.createServer(server, (socket) => ends.push(gate.adopt(socket).ended));
  await once(door.listen(0, "127.0.0.1"), "listening");
  return {
    gate,
    ends,
    abandoned,
    arrivals,
    port: (door.address() as net.AddressInfo).port,
    async close() {
      door.close();
      await once(door, "close");
    },
  };
}

const request = (host: string, more = ""): string =>
  `GET / HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`;

/** A client that has made its handshake; fails as that fails. */
async function secure(
  stream: Duplex,
  options: tls.ConnectionOptions = {},
): Promise<{ socket: tls.TLSSocket; client: Client }> {
  const socket = tls.connect({ socket: stream, servername: "a.test", ca: [a.cert, b.cert], ...options });
  await once(socket, "secureConnect");
  return { socket, client: new Client(socket) };
}

const dial = (to: World): net.Socket => net.connect({ port: to.port, host: "127.0.0.1", noDelay: true });

async function ask(
  to: World,
  host: string,
  options: tls.ConnectionOptions = {},
): Promise<{ status: number; body: string; socket: tls.TLSSocket }> {
  const { socket, client } = await secure(dial(to), options);
  await client.send(request(host));
  const [response] = await client.all();
  return { status: response!.statusCode, body: String(response!.body), socket };
}

/** The code of the error that a handshake ends with. */
async function refusal(to: World, options: tls.ConnectionOptions = {}): Promise<string> {
  const socket = tls.connect({ socket: dial(to), servername: "a.test", ca: [a.cert, b.cert], ...options });
  const [error] = await once(socket, "error").catch((reason) => [reason]);
  socket.destroy();
  return (error as NodeJS.ErrnoException).code!;
}

const speaking = suite("TLS that the gate speaks");

speaking("a certificate for each server name, and what the arrival then says", async () => {
  const world = await open({ tls: { "a.test": a, "*.test": b } }, UNREAD);
  const one = await ask(world, "a.test", { ALPNProtocols: ["foo", "http/1.1"] });
  const other = await ask(world, "b.test", { servername: "b.test" });
  assert.equal([one.body, other.body], ["a.test", "b.test"]);
  assert.equal([one.socket.alpnProtocol, other.socket.alpnProtocol], ["http/1.1", false]);
  const said = world.arrivals.map(({ scheme, schemeSource, serverName, alpnProtocol, clientVerified }) => {
    return [scheme, schemeSource, serverName, alpnProtocol, clientVerified];
  });
  assert.equal(said, [
    ["https", "tls", "a.test", "http/1.1", false],
    ["https", "tls", "b.test", null, false],
  ]);
  assert.is(world.arrivals[0]!.remoteAddress, "127.0.0.1");
  assert.is(JSON.parse(JSON.stringify(world.arrivals[0])).serverName, "a.test");
  await Promise.all(world.ends);
  assert.is(world.gate.pendingHeads, 0);
  await world.close();
});

speaking("a WebSocket, and requests one behind another", async () => {
  const wss = new WebSocketServer({ noServer: true });
  wss.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`echo ${data}`)));
  const world = await open({
    vhosts: [{ name: "a.test", port, requires: "https", upgrades: { "/live": wsFramer(wss) } }],
    tls: { "*": a },
  });
  const options = { ca: a.cert, servername: "a.test", headers: { Host: "a.test" } };
  const webSocket = new WebSocket(`wss://127.0.0.1:${world.port}/live`, options);
  await once(webSocket, "open");
  webSocket.send("x".repeat(100_000));
  const [data] = await once(webSocket, "message");
  assert.is(String(data).length, 100_005);
  webSocket.close();
  await once(webSocket, "close");
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: a.cert, servername: "a.test" });
  const ports = new Set<number>();
  for (let i = 0; i < 3; i++) {
    const asked = https.get({ host: "127.0.0.1", port: world.port, agent, headers: { Host: "a.test" } });
    const [response] = await once(asked, "response");
    ports.add(response.socket.localPort);
    for await (const _ of response);
  }
  assert.is(ports.size, 1);
  agent.destroy();
  assert.equal(
    (await Promise.all(world.ends)).map(({ kind }) => kind),
    ["handed-over", "served"],
  );
  await world.close();
});

/** Two streams; what the first writes first arrives cut by `cut`, each piece in a turn of its own, with `preface` in front. */
function cutPair(preface: string, cut: (octets: Buffer) => Buffer[]): [Duplex, Duplex] {
  const [near, between] = streamPair();
  const [behind, far] = streamPair();
  behind.pipe(between);
  let isFirst = true;
  let sent = Promise.resolve();
  between.on("data", (octets: Buffer) => {
    const pieces = isFirst ? cut(Buffer.concat([octetsOf(preface), octets])) : [octets];
    isFirst = false;
    sent = sent.then(async () => {
      for (const piece of pieces) {
        behind.write(piece);
        await new Promise(setImmediate);
      }
    });
  });
  between.once("end", () => void sent.then(() => behind.end()));
  return [near, far];
}

speaking("at every cut of the first octets, and behind a PROXY header in the same octets", async () => {
  const header = "PROXY TCP4 198.51.100.7 192.0.2.1 51234 443\r\n";
  const cuts: Cut[] = ["whole", "octets", ...Array.from({ length: 20 }, (_, i) => i + 1)];
  for (const preface of ["", header]) {
    const gate = createGate({
      vhosts: [{ name: "a.test", port }],
      requests: (asked, response) => response.end(String(asked.socket.remotePort)),
      tls: { "a.test": a },
      ...(preface !== "" && { trust: { from: ["unix"], proxyProtocol: true } }),
    });
    const run = async (cut: (octets: Buffer) => Buffer[]): Promise<void> => {
      const [near, far] = cutPair(preface, cut);
      const end = gate.adopt(far, { arrival: { unix: true } }).ended;
      const { client } = await secure(near);
      await client.send(request("a.test"));
      const [response] = await client.all();
      assert.is(String(response!.body), preface === "" ? "undefined" : "51234");
      assert.is((await end).kind, "served");
    };
    for (const cut of cuts) await run((octets) => cutUp(octets, cut));
    for (let at = 1; at < 120; at += 3) await run((octets) => [octets.subarray(0, at), octets.subarray(at)]);
    assert.is(gate.pendingHeads, 0);
  }
});

speaking("octets that the giver has read", async () => {
  const gate = createGate({
    vhosts: [{ name: "a.test", port }],
    requests: (_, response) => response.end("ok"),
    tls: { "*": a },
  });
  for (const length of [1, 5, 100, 10_000]) {
    const [near, far] = streamPair();
    far.once("data", (octets: Buffer) => {
      far.pause();
      const [rest, later] = [octets.subarray(0, length), octets.subarray(length)];
      if (later.length > 0) far.unshift(later);
      gate.adopt(far, { rest });
    });
    const { client } = await secure(near);
    await client.send(request("a.test"));
    assert.is((await client.all())[0]!.statusCode, 200);
  }
});

speaking("a certificate is replaced while connections last", async () => {
  const world = await open({ tls: { "a.test": a, "*": b } });
  const fingerprint = (socket: tls.TLSSocket): string => socket.getPeerCertificate().fingerprint256;
  const before = await secure(dial(world));
  const next = certificate("a.test");
  world.gate.renew("a.test", next);
  assert.throws(
    () => world.gate.renew("a.test", { key: a.key, cert: b.cert }),
    (error: Error) =>
      error instanceof TypeError &&
      /renew\("a.test"\) cannot be used for TLS: .*key values mismatch/.test(error.message),
  );
  const behind = await secure(dial(world), { ca: next.cert });
  assert.not.equal(fingerprint(before.socket), fingerprint(behind.socket));
  for (const { client } of [before, behind]) {
    await client.send(request("a.test"));
    assert.is((await client.all())[0]!.statusCode, 200);
  }
  const unchanged = await secure(dial(world), { servername: "b.test" });
  assert.is(unchanged.socket.getPeerCertificate().subject.CN, "b.test");
  unchanged.socket.destroy();
  await Promise.all(world.ends);
  await world.close();
});

speaking("a client's certificate: wanted, verified, rejected, for its name alone", async () => {
  const client = certificate("client");
  const world = await open({
    tls: {
      "a.test": { ...a, ca: client.cert, requestCert: true },
      "b.test": { ...b, ca: client.cert, requestCert: true, rejectUnauthorized: false },
    },
  });
  assert.is((await ask(world, "a.test", client)).status, 200);
  assert.is((await ask(world, "b.test", { servername: "b.test" })).status, 200);
  assert.is((await ask(world, "b.test", { servername: "b.test", ...client })).status, 200);
  assert.equal(
    world.arrivals.map(({ clientVerified }) => clientVerified),
    [true, false, true],
  );
  for (const [options, reason] of [
    [{}, /peer did not return a certificate/],
    [certificate("client"), /the client's certificate was rejected: DEPTH_ZERO_SELF_SIGNED_CERT/],
  ] as const) {
    const stream = dial(world);
    const socket = tls.connect({ socket: stream, servername: "a.test", ca: a.cert, ...options });
    socket.on("error", () => {});
    await once(socket, "close").catch(() => {});
    const end = (await world.ends.at(-1)) as Abandoned;
    assert.equal([end.kind, end.code, end.stage], ["abandoned", "TLS_FAILED", "tls"]);
    assert.match(String(end.cause), reason);
  }
  assert.is(world.gate.pendingHeads, 0);
  await world.close();
});

speaking("plain text on the same port, which no vhost that requires https takes", async () => {
  const world = await open({
    tls: { "*": a },
    vhosts: [
      { name: "a.test", port, requires: "https" },
      { name: "b.test", port },
    ],
  });
  const plain = async (host: string): Promise<number> => {
    const client = new Client(dial(world));
    await client.send(request(host), "octets");
    return (await client.all())[0]!.statusCode;
  };
  assert.equal([await plain("b.test"), await plain("a.test"), (await ask(world, "a.test")).status], [200, 421, 200]);
  await world.close();
});

speaking("an adopted TLSSocket is taken as it is", async () => {
  const gate = createGate({
    vhosts: [{ name: "a.test", port }],
    requests: (_, response) => response.end("ok"),
    tls: { "a.test": b },
  });
  const arrivals: Arrival[] = [];
  gate.on("accepted", ({ arrival }) => arrivals.push(arrival));
  const server = tls.createServer({ ...a, ALPNProtocols: ["http/1.1"] }, (socket) => gate.adopt(socket));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port: at } = server.address() as net.AddressInfo;
  const { client } = await secure(net.connect(at, "127.0.0.1"), { ALPNProtocols: ["http/1.1"] });
  await client.send(request("a.test"));
  assert.is((await client.all())[0]!.statusCode, 200);
  const [{ serverName, alpnProtocol, clientVerified }] = arrivals as [Arrival];
  assert.equal([serverName, alpnProtocol, clientVerified], ["a.test", "http/1.1", false]);
  server.close();
});

const agreeing = suite("TLS: server name and host agree");

agreeing("a client that names no server does not get round the terms of a name", async () => {
  const world = await open({ tls: { "a.test": { ...a, requestCert: true, ca: a.cert }, "*": b } });
  const unnamed = { servername: "", checkServerIdentity: () => undefined };
  const refused: string[] = [];
  world.gate.on("refused", (decision) => refused.push(explain(decision)));
  assert.is((await ask(world, "a.test", unnamed)).status, 421);
  assert.is((await ask(world, "b.test", unnamed)).status, 200);
  assert.is(refused.length, 1);
  assert.match(refused[0]!, /^host a\.test needs a server name, and the client's TLS had none/);
  await world.close();
});

agreeing("a request for another host than the server name is refused 421, over each way to TLS", async () => {
  const vhosts = [
    { name: "a.test", port },
    { name: "b.test", port },
  ];
  const refused: string[] = [];
  const make = (options: Partial<GateOptions> = {}): Gate => {
    const gate = createGate({ vhosts, requests: (_, response) => response.end("ok"), ...options });
    gate.on("refused", (decision) => refused.push(`${decision.code} ${explain(decision)}`));
    return gate;
  };
  const spoken = make({ tls: { "*": a } });
  const given = make();
  const guarding = createGate({ vhosts: [{ name: "a.test" }, { name: "b.test" }] });
  guarding.on("refused", (decision) => refused.push(`${decision.code} ${explain(decision)}`));
  const guarded = https.createServer(a, (_, response) => response.end("ok"));
  guarding.guard(guarded);
  for (const server of [
    net.createServer((socket) => spoken.adopt(socket)),
    tls.createServer(a, (socket) => given.adopt(socket)),
    guarded,
  ]) {
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port: at } = server.address() as net.AddressInfo;
    const statusOf = async (host: string, servername?: string): Promise<number> => {
      const { client } = await secure(net.connect(at, "127.0.0.1"), {
        rejectUnauthorized: false,
        servername: servername ?? "",
      });
      await client.send(request(host));
      return (await client.all())[0]!.statusCode;
    };
    assert.is(await statusOf("a.test", "a.test"), 200);
    assert.is(await statusOf("A.TEST.:443", "a.test"), 200);
    assert.is(await statusOf("b.test", "a.test"), 421);
    assert.is(await statusOf("b.test"), 200, "no server name");
    assert.is(await statusOf("c.test", "a.test"), 421);
    server.close();
    assert.is(refused.length, 2);
    for (const [line, host] of [
      [refused.shift()!, "b.test"],
      [refused.shift()!, "c.test"],
    ] as const) {
      assert.is(
        line,
        `SERVER_NAME_MISMATCH host ${host} mismatches server name a.test of TLS (host came from Host, port from scheme https; ` +
          "scheme https of the socket)",
      );
    }
  }
});

agreeing("what a trusted hop has forwarded is not compared: the connection is the hop's", async () => {
  const world = await open({ tls: { "*": a }, trust: { from: ["127.0.0.1"], forwarded: "rfc7239" } });
  const statusOf = async (more: string): Promise<number> => {
    const { client } = await secure(dial(world));
    await client.send(request("b.test", more));
    return (await client.all())[0]!.statusCode;
  };
  assert.is(await statusOf("Forwarded: for=203.0.113.1;host=b.test\r\n"), 200);
  assert.is(await statusOf("Forwarded: for=203.0.113.1\r\n"), 200);
  assert.is(await statusOf(""), 421);
  assert.is(world.arrivals[0]!.serverName, undefined);
  await world.close();
});

/** A case of the PROXY corpus that speaks of TLS; its authority is example.com's. */
const tlsHeader = Buffer.from(readProxyCorpus().find(({ title }) => title === "TLS with all that can be said")!.octets);

agreeing(
  "the authority of a PROXY header where TLS ends in the proxy, and not where TLS is spoken behind it",
  async () => {
    const said = readProxyCorpus().find(({ title }) => title === "TLS with all that can be said")!.expected;
    const authority = (said.authority as string | undefined) ?? null;
    const world = await open({
      vhosts: [{ name: "a.test", port, origins: "any", default: true }],
      tls: { "*": a },
      trust: { from: ["127.0.0.1"], proxyProtocol: true },
    });
    const client = new Client(dial(world));
    await client.send(Buffer.concat([tlsHeader, octetsOf(request("other.test"))]));
    const [response] = await client.all();
    if (authority === null) assert.is(response!.statusCode, 200);
    else assert.is(response!.statusCode, 421);
    const raw = dial(world);
    raw.write(tlsHeader);
    const { client: behind } = await secure(raw);
    await behind.send(request("a.test"));
    assert.is((await behind.all())[0]!.statusCode, 200);
    const arrival = world.arrivals.at(-1)!;
    assert.equal([arrival.serverName, arrival.schemeSource, arrival.proxy?.version], ["a.test", "tls", 2]);
    await world.close();
  },
);

const passing = suite("TLS that is passed on");

passing("a taker gets every octet, and what the ClientHello asks for, at any cut", async () => {
  const taken: RawConnection[] = [];
  const gate = createGate({
    vhosts: [{ name: "a.test", port }],
    tls: { "**.test": (handover) => void taken.push(handover), "b.test": a },
  });
  const passed: string[] = [];
  gate.on("passed", ({ hello }) => passed.push(hello!.serverName!));
  const hello = await new Promise<Buffer>((resolve) => {
    const [near, far] = streamPair();
    far.once("data", resolve);
    tls.connect({ socket: near, servername: "x.a.test", ALPNProtocols: ["h2", "foo"] }).on("error", () => {});
  });
  const whole = Buffer.concat([hello, octetsOf("behind")]);
  for (let cut = 0; cut <= whole.length; cut += 7) {
    const [near, far] = streamPair();
    const end = gate.adopt(far, { arrival: { remoteAddress: "192.0.2.1" } }).ended;
    near.write(whole.subarray(0, cut));
    await new Promise(setImmediate);
    near.write(whole.subarray(cut));
    const how = await end;
    assert.ok(how.kind === "passed" && how.hello!.serverName === "x.a.test");
    const handover = taken.pop()!;
    const later = handover.socket.read() as Buffer | null;
    assert.ok(Buffer.concat([handover.rest, later ?? Buffer.of()]).equals(whole), `cut at ${cut}`);
    assert.equal(handover.hello, { serverName: "x.a.test", alpnProtocols: ["h2", "foo"], offersTls13: true });
    assert.equal([handover.arrival.remoteAddress, handover.arrival.serverName], ["192.0.2.1", "x.a.test"]);
    assert.is(handover.socket.listenerCount("data") + handover.socket.listenerCount("end"), 0);
    assert.not(handover.signal.aborted);
    near.destroy();
    far.resume();
    await once(handover.signal, "abort");
  }
  assert.is(new Set(passed).size, 1);
  assert.is(gate.pendingHeads, 0);
});

passing("a taker that throws, or whose promise is rejected: the socket is destroyed", async () => {
  for (const tlsRule of [
    () => {
      throw new Error("no");
    },
    { take: () => Promise.reject(new Error("no")) },
  ]) {
    const world = await open({ tls: { "*": tlsRule } });
    assert.is(await refusal(world), "ECONNRESET");
    const [end] = (await Promise.all(world.ends)) as [Abandoned];
    assert.equal([end.code, end.stage, String(end.cause)], ["PASSTHROUGH_FAILED", "handover", "Error: no"]);
    await world.close();
  }
});

passing("nobody there: an alert that says so", async () => {
  const world = await open({ tls: { "a.test": a } });
  assert.is(await refusal(world, { servername: "c.test" }), "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
  assert.match(await refusal(world, { servername: "" }), /ERR_SSL_.*MISSING_EXTENSION/);
  assert.equal(
    world.abandoned.map(({ code, stage, arrival }) => [code, stage, arrival.serverName]),
    [
      ["SERVER_NAME_UNKNOWN", "tls", "c.test"],
      ["SERVER_NAME_UNKNOWN", "tls", null],
    ],
  );
  await world.close();
});

passing("one port for several things", async () => {
  const taken: string[] = [];
  const fallback = ({ socket, rest, hello }: RawConnection): void => {
    taken.push(`${Buffer.from(rest).toString("latin1")} ${hello}`);
    socket.resume().end("something else");
  };
  const world = await open({ tls: { "*": a }, fallback });
  for (const cut of ["whole", "octets", 3] as Cut[]) {
    for (const octets of ["SSH-2.0-x\r\n", "\x00\x01", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]) {
      const client = new Client(dial(world));
      await client.send(octets, cut);
      await client.closed();
      assert.is(String(client.received), "something else");
    }
    const client = new Client(dial(world));
    await client.send(request("a.test"), cut);
    assert.is((await client.all())[0]!.statusCode, 200);
    assert.is((await ask(world, "a.test")).status, 200);
  }
  assert.is(taken[0], "SSH-2.0-x\r\n null");
  const kinds = (await Promise.all(world.ends)).map(({ kind }) => kind);
  assert.equal(kinds.slice(0, 5), ["passed", "passed", "passed", "served", "served"]);
  await world.close();
});

passing("without tls and without fallback, what is not HTTP/1.1 is a malformed head", async () => {
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (const [options, octets, code] of [
    [{}, "\x16\x03\x01\x00", "TLS_RECORD"],
    [{ fallback: () => assert.unreachable() }, "\x16\x03\x01\x00", "TLS_RECORD"],
    [{}, preface, "TARGET_FORM"],
    [{ tls: { "*": a } }, preface, "TARGET_FORM"],
    [{ tls: { "*": a } }, "\x00", "CONTROL_OCTET"],
  ] as const) {
    const world = await open(options);
    const client = new Client(dial(world));
    await client.send(octets);
    const [response] = await client.all();
    assert.ok(response!.statusCode >= 400);
    const [end] = await Promise.all(world.ends);
    assert.ok(end!.kind === "malformed" && end!.fault.code === code, JSON.stringify(end));
    await world.close();
  }
});

const failing = suite("TLS that fails");

/** The octets of a ClientHello of Node. */
async function helloOf(servername: string): Promise<Buffer> {
  const [near, far] = streamPair();
  const socket = tls.connect({ socket: near, servername });
  socket.on("error", () => {});
  const [hello] = await once(far, "data");
  socket.destroy();
  return hello;
}

/** How a connection ends on which octets are sent, each piece in a turn of its own; nothing may be left. */
async function endOf(
  world: World,
  octets: string | Buffer,
  then: "end" | "destroy" | "wait",
  cut: Cut = "whole",
): Promise<Abandoned> {
  const client = new Client(dial(world));
  await once(client.stream, "connect");
  await client.send(octets, cut);
  if (then === "end") client.stream.end();
  if (then === "destroy") client.stream.destroy();
  await client.closed();
  await until(() => world.ends.length > 0, "the connection is adopted");
  const end = await world.ends.pop()!;
  assert.is(end.kind, "abandoned", JSON.stringify(end));
  assert.is(world.gate.pendingHeads, 0);
  return end as Abandoned;
}

failing("each fault has its code and stage, and no error is left without a listener", async () => {
  const world = await open({ tls: { "a.test": { ...a, minVersion: "TLSv1.3" } }, limits: { headTimeout: 400 } });
  const hello = await helloOf("a.test");
  for (const [octets, then, code] of [
    [Buffer.concat([hello, octetsOf("GARBAGE GARBAGE")]), "wait", "TLS_FAILED"],
    [hello, "end", "PEER_ENDED"],
    [hello, "destroy", "PEER_ENDED"],
    [hello, "wait", "HEAD_TIMEOUT"],
    [hello.subarray(0, 80), "end", "PEER_ENDED"],
    [hello.subarray(0, 80), "wait", "HEAD_TIMEOUT"],
    [hello.subarray(0, 1), "wait", "HEAD_TIMEOUT"],
    [await helloOf("192.0.2.1.").catch(() => hello.subarray(0, 3)), "wait", "TLS_MALFORMED"],
  ] as const) {
    const end = await endOf(world, octets, then);
    assert.equal([end.code, end.stage], [code, "tls"]);
    assert.is(end.cause !== undefined, code === "TLS_FAILED" || code === "TLS_MALFORMED", code);
    assert.match(explain(end), /^[^\\]+ \([A-Z_]+, tls; client /, code);
  }
  assert.is(await refusal(world, { maxVersion: "TLSv1.2" }), "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
  assert.is(await refusal(world, { ALPNProtocols: ["foo"] }), "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
  assert.equal(
    world.abandoned.slice(-2).map(({ code, stage }) => `${code} ${stage}`),
    ["TLS_FAILED tls", "TLS_FAILED tls"],
  );
  await world.close();
});

failing("a client that had ended when it was given, behind what it sent: nobody waits for its end again", async () => {
  const gate = createGate({
    vhosts: [{ name: "a.test", port }],
    tls: { "a.test": a, "b.test": () => assert.unreachable() },
    fallback: () => assert.unreachable(),
  });
  for (const [rest, stage] of [
    [await helloOf("a.test"), "tls"],
    [await helloOf("b.test"), "tls"],
    [octetsOf("\x01\x02"), "head"],
  ] as const) {
    const [near, far] = streamPair();
    far.allowHalfOpen = true;
    near.end();
    await once(far.resume(), "end");
    const end = (await gate.adopt(far, { rest }).ended) as Abandoned;
    assert.equal([end.kind, end.code, end.stage, far.destroyed], ["abandoned", "PEER_ENDED", stage, true]);
    near.destroy();
  }
});

failing("one deadline for PROXY header, ClientHello, handshake and head", async () => {
  const world = await open({
    tls: { "a.test": a },
    trust: { from: ["127.0.0.1"], proxyProtocol: true },
    limits: { headTimeout: 600 },
  });
  const started = performance.now();
  const raw = dial(world);
  for (const piece of ["PROXY TCP4 198.51.100.7 ", "192.0.2.1 51234 443\r\n"]) {
    raw.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { socket, client } = await secure(raw);
  await client.send("GET / HTTP/1.1\r\nHost: a.te");
  const [response] = await client.all();
  const took = performance.now() - started;
  assert.is(response!.statusCode, 408);
  assert.ok(took > 500, `took ${took} ms`);
  const [end] = (await Promise.all(world.ends)) as [Abandoned];
  assert.equal([end.code, end.stage, end.arrival.serverName], ["HEAD_TIMEOUT", "head", "a.test"]);
  // No time of Node's own runs for a socket.
  assert.is(socket.timeout, undefined);
  await world.close();
});

failing("a client that says nothing behind its handshake is closed without a word", async () => {
  const world = await open({ tls: { "a.test": a }, limits: { headTimeout: 200 } });
  const { client } = await secure(dial(world));
  await client.closed();
  assert.is(client.received.length, 0);
  assert.equal([world.abandoned[0]!.code, world.abandoned[0]!.stage], ["HEAD_TIMEOUT", "silent"]);
  await world.close();
});

const hostile = suite("TLS: hostile clients");

const record = (contents: Buffer, type = 22): Buffer => {
  const header = Buffer.from([type, 3, 1, contents.length >> 8, contents.length & 255]);
  return Buffer.concat([header, contents]);
};

hostile("each comes to its end within the deadline, and nothing is left", async () => {
  const world = await open({ tls: { "*": a }, limits: { headTimeout: 500, helloBytes: 16_384 } });
  const hello = (await helloOf("a.test")).subarray(5);
  const piecemeal = Buffer.concat(Array.from(hello, (octet) => record(Buffer.of(octet))));
  const cutShort = Buffer.from(hello.subarray(0, -9));
  cutShort.writeUInt16BE(cutShort.length - 4, 2);
  const endless = Buffer.concat(Array.from({ length: 16_384 }, (_, i) => record(Buffer.of([1, 0, 0x3f, 0][i] ?? 0))));
  for (const [name, octets, cut, code, fault] of [
    ["a ClientHello that trickles", record(hello).subarray(0, 200), "octets", "HEAD_TIMEOUT", undefined],
    ["2^14 records of one octet", endless, "whole", "TLS_MALFORMED", "HELLO_TOO_LARGE"],
    ["a record of no octets", record(Buffer.of()), "whole", "TLS_MALFORMED", "HELLO_RECORD_LENGTH"],
    ["a message of 16 MiB", record(Buffer.of(1, 255, 255, 255)), "octets", "TLS_MALFORMED", "HELLO_TOO_LARGE"],
    [
      "an alert first",
      Buffer.concat([record(hello.subarray(0, 9)), record(Buffer.of(1, 0), 21)]),
      2,
      "TLS_MALFORMED",
      "HELLO_RECORD_TYPE",
    ],
    ["extensions cut short", record(cutShort), 5, "TLS_MALFORMED", "HELLO_OVERRUN"],
    [
      "a server name with NUL",
      Buffer.from(record(hello).toString("latin1").replace("a.test", "a\0test"), "latin1"),
      3,
      "TLS_MALFORMED",
      "HELLO_HOST_NAME",
    ],
    ["records of one octet, handshake never answered", piecemeal, "whole", "HEAD_TIMEOUT", undefined],
  ] as const) {
    const started = performance.now();
    const end = await endOf(world, octets, "wait", cut);
    assert.equal([end.code, end.stage], [code, "tls"], name);
    assert.is(end.cause instanceof HelloFault ? end.cause.code : undefined, fault, name);
    // Clients that are slow to be served are not the gate's doing.
    if (code === "HEAD_TIMEOUT") assert.ok(performance.now() - started > 450, name);
  }
  const client = new Client(dial(world));
  await client.send("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10");
  assert.is((await client.all())[0]!.statusCode, 400, "a ClientHello of SSL 2");
  await world.close();
});

hostile("a ClientHello in records of one octet makes a handshake", async () => {
  const gate = createGate({
    vhosts: [{ name: "a.test", port }],
    requests: (_, response) => response.end("ok"),
    tls: { "a.test": a },
  });
  const [near, far] = cutPair("", (octets) => Array.from(octets.subarray(5), (octet) => record(Buffer.of(octet))));
  gate.adopt(far);
  const { client } = await secure(near);
  await client.send(request("a.test"));
  assert.is((await client.all())[0]!.statusCode, 200);
});

hostile("three hundred handshakes that stop leave no socket, no listener and no deadline", async () => {
  // Of one address, all of them: they are more than `pendingPerAddress`, and no crowd.
  const world = await open({ tls: { "*": a }, limits: { headTimeout: 300 } });
  const hello = await helloOf("a.test");
  const clients = Array.from({ length: 300 }, () => new Client(dial(world)));
  await Promise.all(clients.map((client, i) => client.send(hello.subarray(0, i % 3 === 0 ? hello.length : 1 + i))));
  await Promise.all(clients.map((client) => client.closed()));
  const codes = new Set((await Promise.all(world.ends)).map((end) => (end as Abandoned).code));
  assert.equal([...codes], ["HEAD_TIMEOUT"]);
  assert.is(world.gate.pendingHeads, 0);
  await world.close();
});

const misuse = suite("TLS: misuse");

misuse("what is no TLS, no name, or the gate's to set", () => {
  const vhosts = [{ name: "a.test", port }] as const;
  for (const [rules, sentence] of [
    [{}, /tls must be an object such as/],
    [{ "a.test": { key: a.key } }, /tls\["a.test"\] has no certificate; write \{ key, cert \}/],
    [{ "a.test": { key: a.key, cert: b.cert } }, /tls\["a.test"\] cannot be used for TLS: .*mismatch/],
    [{ "a.test": { key: "x", cert: "y" } }, /tls\["a.test"\] cannot be used for TLS/],
    [{ "a.test": { ...a, ALPNProtocols: ["h2"] } }, /tls\["a.test"\]\.ALPNProtocols is set by the gate/],
    [{ "a.test": { ...a, handshakeTimeout: 1 } }, /handshakeTimeout is set by the gate/],
    [{ "a.test": null }, /tls\["a.test"\] is null; it must be TLS options/],
    [{ "a.test:443": a }, /has a port, but server names have none/],
    [{ "192.0.2.1": a }, /is an address, which a client cannot send/],
    [{ "[::1]": a }, /is an address, which a client cannot send/],
    [{ "::1": a }, /is an IPv6 address; write it in brackets/],
    [{ "a b": a }, /is not a host name/],
    [{ "x.*.test": a }, /may have a star only in front of a name.*use "\*"/],
    [{ "a.test": a, "A.TEST": b }, /tls\["A.TEST"\] is a name that tls already has in another spelling/],
  ] as const) {
    assert.throws(
      () => createGate({ vhosts, tls: rules as never }),
      (error: unknown) => error instanceof TypeError && sentence.test(error.message),
      String(sentence),
    );
  }
  assert.throws(() => createGate({ vhosts, fallback: {} as never }), /fallback must be a function/);
  const gate = createGate({ vhosts, tls: { "a.test": a, "*.test": () => {} } });
  assert.throws(() => gate.renew("b.test", b), /renew\("b.test"\): tls has no certificate for that name/);
  assert.throws(() => gate.renew("*.test", b), /tls has no certificate for that name/);
  assert.throws(() => createGate({ vhosts }).renew("a.test", a), /this gate has no tls/);
  for (const arrival of [{ serverName: 1 }, { alpnProtocol: 1 }, { clientVerified: 1 }]) {
    assert.throws(() => gate.adopt(streamPair()[0], { arrival: arrival as never }), TypeError);
  }
});
