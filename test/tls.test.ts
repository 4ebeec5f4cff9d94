// In:    a gate with tls, TLS clients of Node, octets cut anywhere.
// Out:   whether it speaks TLS by server name, and which clients it refuses for naming another.
// Never: starts a program; tls-clients.test.ts does.

import { once } from "node:events";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { WebSocket, WebSocketServer } from "ws";
import type { Arrival } from "#src/arrival/arrival.js";
import { wsFramer } from "#src/handover/ws.js";
import { type Abandoned, createGate, explain, type Gate, type GateOptions } from "#src/index.js";
import { UNREAD } from "#src/intake.js";
import { certificate } from "./support/certificate.js";
import { readProxyCorpus } from "./support/corpus.js";
import { suite } from "./support/suite.js";
import { Client, type Cut, cutUp, octetsOf, streamPair } from "./support/tcp.js";
import { a, ask, b, cutPair, dial, open, port, request, secure } from "./support/tls.js";

const speaking = suite("TLS that the gate speaks");

speaking("a certificate for each server name, and what the arrival then contains", async () => {
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

speaking("a WebSocket, and one request after another", async () => {
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

speaking("octets that were read before adopt", async () => {
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
  "the authority of a PROXY header where TLS ends in the proxy, and not where TLS follows the header",
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

const misuse = suite("TLS: misuse");

misuse("what is not TLS, not a name, or set by the gate", () => {
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
    [{ "x.*.test": a }, /may have a star only before a name.*use "\*"/],
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
