// In:    a gate with tls and fallback, TLS clients of Node, intact and broken, octets cut anywhere.
// Out:   whether it passes connections on unread, distinguishes protocols, and ends what fails with its code and nothing left over.
// Never: starts a program; tls-clients.test.ts does.

import { once } from "node:events";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { HelloFault } from "#src/arrival/tls/fault.js";
import { type Abandoned, createGate, explain, type RawConnection } from "#src/index.js";
import { suite } from "./support/suite.js";
import { Client, type Cut, octetsOf, streamPair } from "./support/tcp.js";
import { a, ask, cutPair, dial, endOf, helloOf, open, port, refusal, request, secure } from "./support/tls.js";

const passing = suite("TLS that is passed on");

passing("a passthrough gets every octet, and what the ClientHello asks for, at any cut", async () => {
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

passing("a passthrough that throws, or whose promise is rejected: the socket is destroyed", async () => {
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

passing("no entry matches: an alert states so", async () => {
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
    [Buffer.concat([hello.subarray(0, 9), Buffer.of(9), hello.subarray(10)]), "wait", "TLS_MALFORMED"],
    [await helloOf("192.0.2.1."), "wait", "SERVER_NAME_UNKNOWN"],
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

failing("a client whose end, after what it sent, came before adopt: its end is not waited for again", async () => {
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

failing("a client that is silent after its handshake is closed without a response", async () => {
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
      "TLS_FAILED",
      undefined,
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
