// In:    adopted sockets of trusted and other peers, with and without a PROXY header, cut anywhere.
// Out:   whether each has its client's arrival and scheme, or its end, with every octet after the header delivered once.
// Never: reads headers itself; proxy-protocol.test.ts has the corpus.

import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import type { Arrival, ArrivalHints } from "#src/arrival/arrival.js";
import { ProxyFault } from "#src/arrival/proxy/fault.js";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import type { Handover } from "#src/handover/framer.js";
import type { Abandoned, ConnectionEnd } from "#src/outcome/end.js";
import { explain, explanation } from "#src/policy/explain.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { readProxyCorpus } from "./support/corpus.js";
import { suite } from "./support/suite.js";
import { Client, type Cut, closeDoors, octetsOf, openDoor, streamPair } from "./support/tcp.js";
import { handshakeFields } from "./support/world.js";

const test = suite("PROXY: adoption");
test.after(closeDoors);

const LINE = "PROXY TCP4 198.51.100.7 192.0.2.1 51234 443\r\n";
const handshake = (more = ""): string => `GET /live HTTP/1.1\r\nHost: a\r\n${more}${handshakeFields}\r\n`;
const caseNamed = (title: string): Buffer => {
  const found = readProxyCorpus().find((each) => each.title === title);
  if (found === undefined) throw new Error(`no case ${title}`);
  return Buffer.from(found.octets);
};
const TLS_BLOCK = caseNamed("TLS with all that can be said");
const PLAIN_BLOCK = caseNamed("the client spoke no TLS");

interface Adopted {
  gate: Gate;
  client: Client;
  end: Promise<ConnectionEnd>;
  /** What the framer got. */
  handovers: Handover[];
  abandoned: Abandoned[];
}

type Options = Partial<Omit<GateOptions, "vhosts">> & { requires?: "https" };

function adopt(from: ArrivalHints, options: Options = {}, rest?: Uint8Array): Adopted {
  const handovers: Handover[] = [];
  const abandoned: Abandoned[] = [];
  const { requires, ...more } = options;
  const framer = (handover: Handover): void => {
    handovers.push(handover);
    handover.socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
  };
  const gate = createGate({
    vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": framer }, ...(requires && { requires }) }],
    trust: { from: ["10.0.0.0/8", "unix"], proxyProtocol: true },
    ...more,
  });
  gate.on("abandoned", (end) => abandoned.push(end));
  const [near, far] = streamPair();
  const end = gate.adopt(far, { arrival: from, ...(rest && { rest }) }).ended;
  return { gate, client: new Client(near), end, handovers, abandoned };
}

const PROXY: ArrivalHints = {
  remoteAddress: "10.0.0.1",
  remotePort: 40_000,
  localAddress: "10.0.0.2",
  localPort: 8080,
};

/** Sends octets to an adopted socket of the proxy; the arrival that the framer saw. */
async function arrivalBehind(octets: string | Buffer, options: Options = {}, from = PROXY): Promise<Arrival> {
  const { client, end, handovers } = adopt(from, options);
  await client.send(octets);
  const how = await end;
  assert.is(how.kind, "handed-over", JSON.stringify(how));
  return handovers[0]!.arrival;
}

test("the client's address and the destination are those of the header", async () => {
  for (const from of [PROXY, { unix: true }, { remoteAddress: "::ffff:10.9.9.9" }]) {
    const arrival = await arrivalBehind(LINE + handshake(), {}, from);
    const { remoteAddress, remotePort, localAddress, localPort, unix, scheme, schemeSource } = arrival;
    assert.equal([remoteAddress, remotePort, localAddress, localPort], ["198.51.100.7", 51_234, "192.0.2.1", 443]);
    assert.equal([unix, scheme, schemeSource], [false, "http", "default"]);
    assert.is(arrival.proxy?.hop, "unix" in from ? "unix" : from.remoteAddress!.replace("::ffff:", ""));
  }
});

test("every octet after the header reaches its owner once, at every cut, also where some were read before adopt", async () => {
  for (const header of [octetsOf(LINE), TLS_BLOCK]) {
    const whole = Buffer.concat([header, octetsOf(handshake()), octetsOf("early")]);
    for (let cut = 0; cut < whole.length; cut += 3) {
      const { client, end, handovers } = adopt(PROXY, {}, whole.subarray(0, cut));
      await client.send(whole.subarray(cut));
      assert.is((await end).kind, "handed-over", `cut at ${cut}`);
      const { rest, head, socket } = handovers[0]!;
      const later = socket.read() as Buffer | null;
      assert.is(Buffer.concat([rest, later ?? Buffer.of()]).toString(), "early", `cut at ${cut}`);
      assert.is(head.method, "GET");
    }
  }
});

test("octet by octet, and with the head in the same piece, over TCP", async () => {
  for (const cut of ["whole", "octets", 3] as Cut[]) {
    let arrival: Arrival | undefined;
    const gate = createGate({
      vhosts: [{ name: "a", port: NO_LISTEN_SERVER }],
      trust: { from: ["127.0.0.1"], proxyProtocol: true },
      requests: (request, response) => {
        arrival = gate.arrivalOf(request);
        response.end(`${request.socket.remoteAddress}:${request.socket.remotePort}`);
      },
    });
    const door = await openDoor((socket) => gate.adopt(socket));
    const client = await door.connect();
    await client.send(`${LINE}GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, cut);
    const [response] = await client.all();
    assert.is(String(response!.body), "198.51.100.7:51234");
    assert.is(arrival?.proxy?.hop, "127.0.0.1");
    await door.close();
  }
});

test("LOCAL leaves the socket's own addresses, UNKNOWN and UNSPEC none", async () => {
  const none = { remoteAddress: undefined, remotePort: undefined, localAddress: undefined, localPort: undefined };
  for (const [title, ends] of [
    ["LOCAL: what it holds is skipped", PROXY],
    ["UNKNOWN, short", none],
    ["UNSPEC: what it holds is skipped", none],
  ] as const) {
    const header = caseNamed(title);
    const arrival = await arrivalBehind(Buffer.concat([header, octetsOf(handshake())]));
    const { remoteAddress, remotePort, localAddress, localPort } = arrival;
    assert.equal({ remoteAddress, remotePort, localAddress, localPort }, ends, title);
    assert.is(arrival.proxy?.source, null);
  }
});

test("a client of the proxy's UNIX-domain socket has no address, and is not trusted as a unix peer", async () => {
  const header = caseNamed("UNIX stream: an unnamed client, a path");
  const forwarded = "Forwarded: for=203.0.113.1;host=b\r\n";
  const arrival = await arrivalBehind(Buffer.concat([header, octetsOf(handshake(forwarded))]), {
    trust: { from: ["10.0.0.0/8", "unix"], proxyProtocol: true, forwarded: "rfc7239" },
  });
  assert.equal([arrival.remoteAddress, arrival.unix, arrival.forwarding], [undefined, false, undefined]);
  assert.equal(arrival.proxy?.destination, { path: "/run/proxy.sock" });
});

test("port 0 of a header is not a port", async () => {
  const arrival = await arrivalBehind(`PROXY TCP4 198.51.100.7 192.0.2.1 0 0\r\n${handshake()}`);
  assert.equal([arrival.remotePort, arrival.localPort], [undefined, undefined]);
});

const behind = (header: Buffer): Buffer => Buffer.concat([header, octetsOf(handshake())]);

test("the scheme: what the header states about TLS, before the caller of adopt and the gate", async () => {
  const schemeOf = async (header: Buffer, options: Options = {}, from: ArrivalHints = PROXY): Promise<string> => {
    const { scheme, schemeSource } = await arrivalBehind(behind(header), options, from);
    return `${scheme} ${schemeSource}`;
  };
  assert.is(await schemeOf(TLS_BLOCK, { requires: "https" }), "https proxy");
  assert.is(await schemeOf(TLS_BLOCK, { scheme: "http" }), "https proxy");
  assert.is(await schemeOf(TLS_BLOCK, {}, { ...PROXY, scheme: "http" }), "https proxy");
  assert.is(await schemeOf(PLAIN_BLOCK, { scheme: "https" }), "http proxy");
  assert.is(await schemeOf(caseNamed("TCP over IPv4"), { scheme: "https" }), "https declared");
  assert.is(await schemeOf(octetsOf(LINE), {}, { ...PROXY, scheme: "https" }), "https given");
});

test("TLS on the socket is never downgraded", async () => {
  const { gate, client } = adopt(PROXY);
  const [near, far] = streamPair();
  const handover = new Promise<Arrival>((resolve) => gate.on("accepted", ({ arrival }) => resolve(arrival)));
  gate.adopt(Object.assign(far, { encrypted: true }), { arrival: PROXY });
  await new Client(near).send(behind(PLAIN_BLOCK));
  const { scheme, schemeSource } = await handover;
  assert.equal([scheme, schemeSource], ["https", "tls"]);
  client.stream.destroy();
});

test("plaintext at the proxy does not reach a vhost that requires https", async () => {
  const { client, end } = adopt(PROXY, { requires: "https", scheme: "https" });
  await client.send(behind(PLAIN_BLOCK));
  const how = await end;
  assert.ok(how.kind === "refused" && how.decision.code === "SCHEME_REQUIRED");
});

test("Forwarded is believed of the source of the header, not of the proxy that sent it", async () => {
  const trust: GateOptions["trust"] = { from: ["10.0.0.0/8"], proxyProtocol: true, forwarded: "rfc7239" };
  const fields = handshake("Forwarded: for=203.0.113.1;proto=https\r\n");
  const chained = await arrivalBehind(`PROXY TCP4 10.0.0.5 192.0.2.1 5 443\r\n${fields}`, { trust });
  assert.equal([chained.remoteAddress, chained.scheme, chained.forwarding?.hop], ["203.0.113.1", "https", "10.0.0.5"]);
  assert.is(chained.proxy?.hop, "10.0.0.1");
  const direct = await arrivalBehind(LINE + fields, { trust });
  assert.equal([direct.remoteAddress, direct.scheme, direct.forwarding], ["198.51.100.7", "http", undefined]);
});

test("the explanation names the hop and its client", async () => {
  const { client, end } = adopt(PROXY);
  await client.send(LINE + handshake().replace("Host: a", "Host: b"));
  const how = await end;
  assert.ok(how.kind === "refused");
  assert.match(
    explain(how.decision),
    "scheme http by default; PROXY from trusted hop 10.0.0.1, client 198.51.100.7:51234, connected to 192.0.2.1:443)",
  );
  const { proxy, client: shown } = explanation(how.decision);
  assert.equal(shown, { address: "198.51.100.7", port: 51_234 });
  assert.is(JSON.parse(JSON.stringify(proxy)).hop, "10.0.0.1");
});

const ends = suite("PROXY: how it fails");
ends.after(closeDoors);

/** Closed without a response, abandoned once, and nothing left over. */
async function abandonedAs(adopted: Adopted, code: string, stage: string): Promise<Abandoned> {
  const how = await adopted.end;
  assert.ok(how.kind === "abandoned", JSON.stringify(how));
  assert.equal([how.code, how.stage], [code, stage]);
  await adopted.client.closed();
  assert.is(adopted.client.received.length, 0);
  assert.equal(adopted.abandoned, [how]);
  assert.is(adopted.gate.pendingHeads, 0);
  return how;
}

ends("a peer that is not trusted is closed at once, whatever it would say", async () => {
  for (const from of [{ remoteAddress: "11.0.0.1" }, {}, { remoteAddress: "fe80::1%eth0" }] as ArrivalHints[]) {
    const end = await abandonedAs(adopt(from), "PROXY_UNTRUSTED", "proxy");
    assert.is(end.cause, undefined);
    await abandonedAs(adopt(from, {}, octetsOf(LINE + handshake())), "PROXY_UNTRUSTED", "proxy");
  }
});

ends("a peer that has reset the connection before it is adopted is not a stranger", async () => {
  const adopted = adopt({ localAddress: "127.0.0.1", localPort: 80 });
  await abandonedAs(adopted, "PEER_ENDED", "silent");
});

ends("a trusted peer that does not begin with PROXY", async () => {
  for (const octets of [handshake(), "\x16\x03\x01", "\r\n\r\n\r\n", "PROXX"]) {
    const adopted = adopt(PROXY);
    await adopted.client.send(octets, "octets");
    const end = await abandonedAs(adopted, "PROXY_MISSING", "proxy");
    assert.ok(end.cause instanceof ProxyFault);
    assert.match(explain(end.cause), /starts neither with PROXY.*\(PROXY_SIGNATURE at octet \d; PROXY protocol §2\)/);
  }
});

ends("every refused header of the corpus, with a request after it", async () => {
  let count = 0;
  for (const { id, octets, expected } of readProxyCorpus()) {
    if (expected.refused === undefined || expected.refused === "PROXY_SIGNATURE") continue;
    const adopted = adopt(PROXY);
    await adopted.client.send(Buffer.concat([octets, octetsOf(handshake())]));
    const end = await abandonedAs(adopted, "PROXY_MALFORMED", "proxy");
    assert.is((end.cause as ProxyFault).code, expected.refused, id);
    count++;
  }
  assert.ok(count > 40, `${count} cases`);
});

ends("a header above proxyBytes", async () => {
  const adopted = adopt(PROXY, { limits: { proxyBytes: 232 } });
  await adopted.client.send(caseNamed("UNIQUE_ID of 128 octets").fill("\x00\xd9", 14, 16, "latin1"));
  const end = await abandonedAs(adopted, "PROXY_MALFORMED", "proxy");
  assert.is((end.cause as ProxyFault).code, "PROXY_TOO_LARGE");
});

ends("a second header is a malformed head", async () => {
  const { client, end } = adopt(PROXY);
  await client.send(LINE + LINE + handshake());
  assert.is((await end).kind, "malformed");
});

ends("without proxyProtocol a header is a malformed head, also of a trusted peer", async () => {
  for (const trust of [undefined, { from: ["10.0.0.0/8"], forwarded: "rfc7239" as const }]) {
    for (const header of [octetsOf(LINE), TLS_BLOCK]) {
      const { client, end } = adopt(PROXY, { trust: trust! });
      await client.send(behind(header));
      assert.is((await end).kind, "malformed");
    }
  }
});

ends(
  "the deadline of the head ends a silent connection, and one within the header, after it, within the head",
  async () => {
    for (const [octets, stage] of [
      ["", "silent"],
      [LINE.slice(0, 20), "proxy"],
      [LINE, "silent"],
    ] as const) {
      const adopted = adopt(PROXY, { limits: { headTimeout: 60 } });
      await adopted.client.send(octets);
      await abandonedAs(adopted, "HEAD_TIMEOUT", stage);
    }
    const adopted = adopt(PROXY, { limits: { headTimeout: 60 } });
    await adopted.client.send(`${LINE}GET / HTTP/1.1\r\n`);
    const how = await adopted.end;
    assert.ok(how.kind === "abandoned" && how.code === "HEAD_TIMEOUT" && how.stage === "head");
    assert.is(how.arrival.remoteAddress, "198.51.100.7");
    const [response] = await adopted.client.all();
    assert.is(response!.statusCode, 408);
  },
);

ends("a peer that ends within the header, after it, or before it", async () => {
  for (const [octets, stage] of [
    ["", "silent"],
    [LINE.slice(0, 20), "proxy"],
    [LINE, "silent"],
  ] as const) {
    const adopted = adopt(PROXY);
    await adopted.client.send(octets);
    adopted.client.stream.end();
    await abandonedAs(adopted, "PEER_ENDED", stage);
  }
});

ends("the header does not move the deadline", async () => {
  const adopted = adopt(PROXY, { limits: { headTimeout: 500 } });
  const other = adopt(PROXY, { limits: { headTimeout: 900 } });
  await sleep(450);
  // If a header restarted the deadline, this one would end after the other.
  await adopted.client.send(LINE);
  const first = await Promise.race([adopted.end.then(() => "adopted"), other.end.then(() => "other")]);
  assert.is(first, "adopted");
  await other.end;
});

const misuse = suite("PROXY: misuse");

misuse("empty trust, and invalid values", () => {
  const vhosts = [{ name: "a", port: NO_LISTEN_SERVER }] as const;
  for (const [trust, sentence] of [
    [{ from: ["unix"] }, /trust has no effect; set forwarded: "rfc7239", proxyProtocol: true, or both/],
    [{ from: ["unix"], proxyProtocol: false }, /trust has no effect/],
    [{ from: ["unix"], proxyProtocol: "v2" }, /trust.proxyProtocol is "v2"; it must be true or false/],
    [{ proxyProtocol: true }, /trust.from is undefined/],
  ] as const) {
    assert.throws(
      () => createGate({ vhosts, trust: trust as never }),
      (error: unknown) => error instanceof TypeError && sentence.test(error.message),
    );
  }
});

misuse("a guarded server reads its connections itself", () => {
  const gate = createGate({ vhosts: [{ name: "a" }], trust: { from: ["unix"], proxyProtocol: true } });
  for (const strict of [false, true]) {
    assert.throws(
      () => gate.guard(createServer(), { mode: strict ? "filter" : "auto" }),
      (error: unknown) =>
        error instanceof TypeError && /trust has proxyProtocol, but a guarded server/.test(error.message),
    );
  }
});
