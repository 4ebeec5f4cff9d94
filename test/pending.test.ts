// In:    connections that wait for their heads, of one address and of many, by each way that an address is known.
// Out:   whether each is counted once, to whom it should be, and taken off again once; who is refused, and how.
// Never: waits for a head's time, but to see that it takes connections off.

import { once } from "node:events";
import { Server } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import * as assert from "uvu/assert";
import { countedNetwork } from "#src/address.js";
import type { GivenArrival } from "#src/arrival.js";
import { createGate, type Gate, type GateOptions } from "#src/gate.js";
import type { Abandoned, End } from "#src/intake/end.js";
import { explainAbandoned } from "#src/intake/explain-abandoned.js";
import { Pending, type Waiting } from "#src/intake/pending.js";
import type { GateLimits } from "#src/limits.js";
import { NO_LISTEN_SERVER } from "#src/vhost.js";
import { readProxyCorpus } from "./support/corpus.js";
import { closeGuarded, openGuarded } from "./support/guarded.js";
import { suite } from "./support/suite.js";
import { Client, closeDoors, octetsOf, openDoor, streamPair } from "./support/tcp.js";
import { handshakeFields } from "./support/world.js";

const counting = suite("pending: who is counted as what");

counting("IPv4 by its address, IPv4-mapped as IPv4, IPv6 by its first 64 bits, anything else as nobody", () => {
  const wanted: Record<string, string | null> = {
    "192.0.2.7": "192.0.2.7",
    "::ffff:192.0.2.7": "192.0.2.7",
    "::ffff:c000:207": "192.0.2.7",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
    "2001:DB8:1:2::": "2001:db8:1:2::/64",
    "2001:db8:1:3::": "2001:db8:1:3::/64",
    "fe80::1%eth0": "fe80::/64",
    "::1": "::/64",
    "::192.0.2.7": "::/64",
    "": null,
    localhost: null,
    "127.1": null,
    "192.0.2.7:80": null,
    "[::1]": null,
  };
  for (const [text, network] of Object.entries(wanted)) assert.is(countedNetwork(text), network, text);
});

/** A connection that only waits. */
class OneThatWaits implements Waiting {
  due = 0;
  before = null;
  behind = null;
  asked = 0;
  address: string | null;

  constructor(address: string | null) {
    this.address = address;
  }

  get countedAs(): string | null {
    this.asked++;
    return this.address;
  }

  expire(): void {}
}

const addresses = fc.constantFrom(null, "a", "b", "c");
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("admit" as const), address: addresses }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("remove" as const), which: fc.nat(40) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("recount" as const), which: fc.nat(40), address: addresses }),
    },
  ),
  { maxLength: 120 },
);

counting("over any sequence it says what somebody says who counts everything all the time", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 14 }), (sequence, most, each) => {
      const heads = new Pending(60_000, most, each);
      const all: OneThatWaits[] = [];
      const waiting = new Set<OneThatWaits>();
      const of = (address: string | null) => [...waiting].filter((one) => one.address === address).length;
      let mostAtOnce = 0;
      for (const step of sequence) {
        if (step.kind === "admit") {
          const one = new OneThatWaits(step.address);
          all.push(one);
          const full = step.address !== null && of(step.address) >= each ? "ADDRESS_OVERLOADED" : null;
          const wanted = waiting.size >= most ? "OVERLOADED" : full;
          mostAtOnce = Math.max(mostAtOnce, waiting.size + 1);
          assert.is(heads.admit(one), wanted);
          if (wanted === null) waiting.add(one);
        } else if (all.length > 0) {
          const one = all[step.which % all.length]!;
          if (step.kind === "remove") {
            // Also such as do not wait any more, or never did.
            heads.remove(one);
            waiting.delete(one);
          } else if (waiting.delete(one)) {
            one.address = step.address;
            const full = step.address !== null && of(step.address) >= each;
            assert.is(heads.recount(one), full ? "ADDRESS_OVERLOADED" : null);
            if (full) heads.remove(one);
            else waiting.add(one);
          }
        }
        assert.is(heads.size, waiting.size);
        assert.ok(all.every((one) => heads.has(one) === waiting.has(one)));
      }
      if (Math.min(mostAtOnce, most) <= each) assert.ok(all.every(({ asked }) => asked === 0));
      for (const one of all) heads.remove(one);
    }),
    { numRuns: 2000 },
  );
});

counting("connections that come and go at the limit have the others asked once", () => {
  const heads = new Pending(60_000, 1000, 100);
  const first = Array.from({ length: 100 }, (_, i) => new OneThatWaits(`${i}`));
  for (const one of first) heads.admit(one);
  assert.ok(first.every(({ asked }) => asked === 0));
  for (let i = 0; i < 1000; i++) {
    const one = new OneThatWaits("other");
    assert.is(heads.admit(one), null);
    heads.remove(one);
  }
  assert.ok(first.every(({ asked }) => asked === 1));
  for (const one of first) heads.remove(one);
});

counting("those whose time is over are taken off", async () => {
  const heads = new Pending(20, 100, 2);
  for (let round = 0; round < 2; round++) {
    const verdicts = ["a", "a", "b", "a", "b"].map((address) => heads.admit(new OneThatWaits(address)));
    assert.equal(verdicts, [null, null, null, "ADDRESS_OVERLOADED", null]);
    while (heads.size > 0) await sleep(5);
  }
});

const LINE = (address: string): string =>
  `PROXY ${address.includes(":") ? "TCP6" : "TCP4"} ${address} ${address.includes(":") ? "::1" : "192.0.2.1"} 51234 443\r\n`;
const handshake = `GET /live HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`;
const request = (host: string): string => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const PEER: GivenArrival = { remoteAddress: "10.0.0.1", remotePort: 4, localAddress: "10.0.0.2", localPort: 80 };
const trust = { from: ["10.0.0.0/8", "unix"], proxyProtocol: true };

function gateOf(limits: Partial<GateLimits>, more: Partial<GateOptions> = {}): Gate {
  return createGate({
    vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": ({ socket }) => void socket.end("taken") } }],
    limits,
    ...more,
  });
}

interface Adopted {
  readonly client: Client;
  readonly far: Duplex;
  readonly end: Promise<End>;
}

function adopt(gate: Gate, arrival: GivenArrival, rest?: string): Adopted {
  const [near, far] = streamPair();
  const end = gate.adopt(far, { arrival, ...(rest !== undefined && { rest: octetsOf(rest) }) });
  return { client: new Client(near), far, end };
}

async function codeOf({ end }: Adopted): Promise<string> {
  const how = await end;
  return how.kind === "abandoned" ? how.code : how.kind;
}

/** Lets streams pass on what they hold. */
const settled = (): Promise<void> => sleep(2);

const gates = suite("pending: gates");
gates.after(closeDoors);
gates.after(closeGuarded);

gates("one more of an address is answered 503, counted and explained; those of others are not", async () => {
  const gate = gateOf({ pendingPerAddress: 2 });
  const said: Abandoned[] = [];
  gate.on("abandoned", (end) => said.push(end));
  const first = ["192.0.2.7", "::ffff:192.0.2.7"].map((remoteAddress) => adopt(gate, { remoteAddress }));
  const third = adopt(gate, { remoteAddress: "192.0.2.7", remotePort: 5 });
  const end = (await third.end) as Abandoned;
  assert.equal(
    [end.kind, end.code, end.stage, end.limit],
    ["abandoned", "ADDRESS_OVERLOADED", "silent", { name: "pendingPerAddress", value: 2 }],
  );
  assert.is((await third.client.all())[0]!.statusCode, 503);
  assert.equal(said, [end]);
  assert.is(
    explainAbandoned(end),
    "2 connections of 192.0.2.7 had no whole head (ADDRESS_OVERLOADED, silent; client 192.0.2.7; limits.pendingPerAddress is 2)",
  );
  assert.equal(gate.counts.abandoned, { ADDRESS_OVERLOADED: 1 });
  const other = adopt(gate, { remoteAddress: "192.0.2.8" });
  assert.is(gate.pendingHeads, 3);
  // One that goes makes room for one.
  first[0]!.client.stream.destroy();
  assert.is(await codeOf(first[0]!), "PEER_ENDED");
  const fourth = adopt(gate, { remoteAddress: "192.0.2.7" });
  assert.is(await codeOf(adopt(gate, { remoteAddress: "192.0.2.7" })), "ADDRESS_OVERLOADED");
  for (const { client } of [first[1]!, other, fourth]) {
    await client.send(handshake);
    await client.closed();
  }
  assert.is(gate.pendingHeads, 0);
  assert.equal(gate.counts.abandoned, { ADDRESS_OVERLOADED: 2, PEER_ENDED: 1 });
});

gates("IPv6 is counted by its subnet of 64 bits", async () => {
  const gate = gateOf({ pendingPerAddress: 2 });
  const waiting = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"].map((remoteAddress) =>
    adopt(gate, { remoteAddress }),
  );
  const end = (await adopt(gate, { remoteAddress: "2001:db8:0:1::3" }).end) as Abandoned;
  assert.match(explainAbandoned(end), "2 connections of 2001:db8:0:1::/64 had no whole head");
  for (const { client } of waiting) client.stream.destroy();
  await settled();
  assert.is(gate.pendingHeads, 0);
});

gates("too many in all come first, and are explained", async () => {
  const gate = gateOf({ pendingHeads: 1, pendingPerAddress: 1 });
  const first = adopt(gate, { remoteAddress: "192.0.2.7" });
  const end = (await adopt(gate, { remoteAddress: "192.0.2.7" }).end) as Abandoned;
  assert.is(
    explainAbandoned(end),
    "1 connections had no whole head (OVERLOADED, silent; client 192.0.2.7; limits.pendingHeads is 1)",
  );
  first.client.stream.destroy();
  await settled();
});

gates("trusted peers, UNIX-domain sockets and streams without an address are not counted", async () => {
  for (const proxyProtocol of [true, false]) {
    const gate = gateOf({ pendingPerAddress: 1 }, { trust: { ...trust, proxyProtocol, forwarded: "rfc7239" } });
    const peers: GivenArrival[] = [PEER, { unix: true }, ...(proxyProtocol ? [] : [{}, { remoteAddress: "unknown" }])];
    const waiting = [...peers, ...peers, ...peers].map((arrival) => adopt(gate, arrival));
    await settled();
    assert.is(gate.pendingHeads, waiting.length);
    for (const { client } of waiting) client.stream.destroy();
    await settled();
    assert.is(gate.pendingHeads, 0);
  }
});

const V2 = readProxyCorpus().find(({ title }) => title === "TCP over IPv4")!;
const LOCAL = readProxyCorpus().find(({ title }) => title === "LOCAL without addresses")!;

gates("behind a PROXY header the connection counts to the client that it names, from then on", async () => {
  const gate = gateOf({ pendingPerAddress: 2 }, { trust });
  const source = V2.expected.source as { address: string };
  const unknown = Array.from({ length: 4 }, () => adopt(gate, PEER));
  const announce = async ({ client }: Adopted, header: string | Buffer): Promise<void> => {
    await client.send(header);
    await settled();
  };
  // Many clients behind one proxy.
  const many = ["198.51.100.1", "198.51.100.2", "2001:db8::1", "2001:db8:0:1::1"].map((address) => {
    const adopted = adopt(gate, PEER);
    return announce(adopted, LINE(address)).then(() => adopted);
  });
  const waiting = [...unknown, ...(await Promise.all(many))];
  assert.is(gate.pendingHeads, 8);
  // The same client, by both versions of the header.
  await announce(unknown[0]!, V2.octets as Buffer);
  await announce(unknown[1]!, LINE(source.address));
  assert.is(gate.pendingHeads, 8);
  await announce(unknown[2]!, LINE(source.address));
  const end = (await unknown[2]!.end) as Abandoned;
  assert.equal([end.code, end.stage, end.arrival.remoteAddress], ["ADDRESS_OVERLOADED", "silent", source.address]);
  assert.match(explainAbandoned(end), `client ${source.address}; PROXY from trusted hop 10.0.0.1; limits.`);
  assert.is((await unknown[2]!.client.all())[0]!.statusCode, 503);
  await announce(unknown[3]!, LINE(source.address) + handshake.slice(0, 20));
  assert.is(((await unknown[3]!.end) as Abandoned).stage, "head");
  // A head that comes whole behind its header does not wait.
  const whole = adopt(gate, PEER);
  await announce(whole, LINE(source.address) + handshake);
  assert.is(await codeOf(whole), "handed over");
  // A proxy that speaks for itself is the trusted peer.
  const local = [1, 2, 3].map(() => adopt(gate, PEER));
  for (const adopted of local) await announce(adopted, LOCAL.octets as Buffer);
  assert.is(gate.pendingHeads, 9);
  for (const { client } of [...waiting, ...local]) client.stream.destroy();
  await settled();
  assert.is(gate.pendingHeads, 0);
});

gates("behind a PROXY header, one whose head is whole or that was answered waits no more", async () => {
  const authorize = (): Promise<boolean> => new Promise(() => {});
  const gate = gateOf({ pendingPerAddress: 2 }, { trust, authorize });
  const announced = LINE("198.51.100.7");
  const waiting = [adopt(gate, PEER), adopt(gate, PEER)];
  for (const { client } of waiting) await client.send(announced);
  await settled();
  assert.is(gate.pendingHeads, 2);
  const inRest = adopt(gate, PEER, announced);
  const [refused, malformed, authorizing] = [request("b"), "GET\r\n", handshake].map((head) => {
    const adopted = adopt(gate, PEER);
    return adopted.client.send(announced + head).then(() => adopted);
  });
  assert.is(await codeOf(inRest), "ADDRESS_OVERLOADED");
  assert.is(await codeOf(await refused!), "refused");
  assert.is(await codeOf(await malformed!), "malformed");
  await settled();
  assert.equal(gate.counts.abandoned, { ADDRESS_OVERLOADED: 1 });
  const { client, end } = await authorizing!;
  client.stream.destroy();
  assert.is(((await end) as Abandoned).code, "PEER_ENDED");
  for (const one of waiting) one.client.stream.destroy();
});

gates("a whole head in rest is not counted, and half a one is", async () => {
  const gate = gateOf({ pendingPerAddress: 1, pendingHeads: 2 });
  const from = { remoteAddress: "192.0.2.7" };
  const waiting = [adopt(gate, from, handshake.slice(0, 30)), adopt(gate, { remoteAddress: "192.0.2.8" })];
  assert.is(gate.pendingHeads, 2);
  assert.is(await codeOf(adopt(gate, from, handshake)), "handed over");
  assert.is(await codeOf(adopt(gate, from, handshake.slice(0, 30))), "OVERLOADED");
  waiting.pop()!.client.stream.destroy();
  await settled();
  const end = (await adopt(gate, from, handshake.slice(0, 30)).end) as Abandoned;
  assert.equal([end.code, end.stage], ["ADDRESS_OVERLOADED", "head"]);
  waiting[0]!.client.stream.destroy();
  await settled();
});

gates("a later head counts when it begins, and is answered behind the responses", async () => {
  const gate = gateOf({ pendingPerAddress: 1 }, { requests: (_request, response) => void response.end("served") });
  const from = { remoteAddress: "192.0.2.7" };
  const served = adopt(gate, from);
  await served.client.send(request("a"));
  await served.client.responses(1);
  assert.is(gate.pendingHeads, 0);
  const waiting = adopt(gate, from);
  await served.client.send("GET / HT");
  const end = (await served.end) as Abandoned;
  assert.equal([end.code, end.stage], ["ADDRESS_OVERLOADED", "requests"]);
  const responses = await served.client.all();
  assert.equal(
    responses.map(({ statusCode }) => statusCode),
    [200, 503],
  );
  waiting.client.stream.destroy();
  await settled();
});

gates("upgrades that wait for authorize are counted by themselves, and one more is not asked about", async () => {
  const answers: ((word: boolean) => void)[] = [];
  const authorize = (): Promise<boolean> => new Promise((resolve) => answers.push(resolve));
  const gate = gateOf({ pendingPerAddress: 2 }, { authorize });
  const from = { remoteAddress: "192.0.2.7" };
  // Who waits for a head takes no upgrade's place.
  const heads = [adopt(gate, from), adopt(gate, from)];
  const [first, second, third] = [1, 2, 3].map(() => adopt(gate, from, handshake)) as [Adopted, Adopted, Adopted];
  const end = (await third.end) as Abandoned;
  assert.equal(
    [end.code, end.stage, end.limit],
    ["ADDRESS_OVERLOADED", "authorize", { name: "pendingPerAddress", value: 2 }],
  );
  assert.is((await third.client.all())[0]!.statusCode, 503);
  assert.is(
    explainAbandoned(end),
    "2 upgrades of 192.0.2.7 waited for authorize (ADDRESS_OVERLOADED, authorize; client 192.0.2.7; limits.pendingPerAddress is 2)",
  );
  assert.is(answers.length, 2);
  const other = adopt(gate, { remoteAddress: "192.0.2.8" }, handshake);
  // Answered, or gone: each makes room for one.
  answers[0]!(true);
  assert.is(await codeOf(first), "handed over");
  const fourth = adopt(gate, from, handshake);
  second.client.stream.destroy();
  assert.is(await codeOf(second), "PEER_ENDED");
  const fifth = adopt(gate, from, handshake);
  assert.is(await codeOf(adopt(gate, from, handshake)), "ADDRESS_OVERLOADED");
  assert.is(answers.length, 5);
  for (const answer of answers) answer(true);
  for (const one of [other, fourth, fifth]) assert.is(await codeOf(one), "handed over");
  assert.equal(gate.counts.abandoned, { ADDRESS_OVERLOADED: 2, PEER_ENDED: 1 });
  for (const { client } of heads) client.stream.destroy();
  await settled();
});

gates("upgrades that wait for authorize are too many in all, as well", async () => {
  const gate = gateOf({ pendingHeads: 1, pendingPerAddress: 1 }, { authorize: () => new Promise(() => {}) });
  const first = adopt(gate, { remoteAddress: "192.0.2.7" }, handshake);
  const end = (await adopt(gate, { remoteAddress: "192.0.2.8" }, handshake).end) as Abandoned;
  assert.match(explainAbandoned(end), "1 upgrades waited for authorize (OVERLOADED, authorize; client 192.0.2.8;");
  first.client.stream.destroy();
  await settled();
});

gates("behind a trusted hop an upgrade counts to the client that it speaks for", async () => {
  const gate = gateOf(
    { pendingPerAddress: 1 },
    { authorize: () => new Promise(() => {}), trust: { from: ["10.0.0.1"], forwarded: "rfc7239" } },
  );
  const of = (client: string): Adopted => {
    const asked = handshake.replace("\r\n\r\n", `\r\nForwarded: for=${client}\r\n\r\n`);
    return adopt(gate, { remoteAddress: "10.0.0.1" }, asked);
  };
  const waiting = ["192.0.2.7", "192.0.2.8"].map(of);
  const end = (await of("192.0.2.7").end) as Abandoned;
  assert.equal([end.code, end.arrival.remoteAddress], ["ADDRESS_OVERLOADED", "192.0.2.7"]);
  // Whom a hop speaks for without saying who it is, nobody counts.
  for (const unknown of ["unknown", "unknown"]) waiting.push(of(unknown));
  await settled();
  assert.equal(gate.counts.abandoned, { ADDRESS_OVERLOADED: 1 });
  for (const { client } of waiting) client.stream.destroy();
  await settled();
});

gates("no address is asked for while no address could have too many", async () => {
  let asked = 0;
  const adoptAsked = (gate: Gate): Adopted => {
    const [near, far] = streamPair();
    Object.defineProperty(far, "remoteAddress", { get: () => `192.0.2.${++asked}` });
    return { client: new Client(near), far, end: gate.adopt(far) };
  };
  for (const [limits, most] of [
    [{ pendingPerAddress: 3 }, 3],
    [{ pendingHeads: 4, pendingPerAddress: 4 }, 4],
    [{ pendingHeads: 4, pendingPerAddress: 1_000_000 }, 4],
  ] as const) {
    const gate = gateOf(limits);
    const waiting = Array.from({ length: most }, () => adoptAsked(gate));
    assert.is(asked, 0);
    for (const { client } of waiting) await client.send(handshake);
    for (const { end } of waiting) assert.is((await end).kind, "handed over");
    assert.is(asked, 0);
  }
});

gates("over TCP, adopted and under a strict guard", async () => {
  const gate = gateOf({ pendingPerAddress: 2 });
  const door = await openDoor((socket) => void gate.adopt(socket));
  const guarded = await openGuarded({
    gate: { vhosts: [{ name: "a" }], limits: { pendingPerAddress: 2 } },
    guard: { strict: true },
  });
  for (const { connect } of [door, guarded]) {
    const waiting = [await connect(), await connect()];
    const third = await connect();
    assert.is((await third.all())[0]!.statusCode, 503);
    for (const { stream } of waiting) {
      stream.destroy();
      await once(stream, "close");
    }
    while (gate.pendingHeads + guarded.gate.pendingHeads > 0) await sleep(5);
    const again = await connect();
    await again.send(request("a").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    assert.is((await again.all())[0]!.statusCode, door.connect === connect ? 426 : 200);
  }
  assert.equal(guarded.said, ["ADDRESS_OVERLOADED", "handover"]);
  await guarded.close();
  await door.close();
});

/** What may befall a connection that waits; each ends its waiting. */
const fates = {
  "handed over": ({ client }) => void client.send(handshake),
  refused: ({ client }) => void client.send(request("b")),
  malformed: ({ client }) => void client.send("?"),
  "vanished client": ({ client }) => void client.stream.destroy(),
  "ended client": ({ client }) => void client.stream.end(),
  "broken by its giver": ({ far }) => void far.destroy(new Error("broken")),
  "destroyed by its giver": ({ far }) => void far.destroy(),
  "served, then half a head, then vanished": async ({ client }) => {
    await client.send(request("a"));
    await client.responses(1);
    await client.send("GET / HT");
    await settled();
    client.stream.destroy();
  },
} satisfies Record<string, (adopted: Adopted) => unknown>;

const deeds = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant({ kind: "come" as const }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("announce" as const), client: fc.nat(2) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("go" as const),
        which: fc.nat(20),
        fate: fc.constantFrom(...(Object.keys(fates) as (keyof typeof fates)[])),
      }),
    },
  ),
  { maxLength: 40 },
);

gates("over any sequence of comings and goings each connection is taken off once", async () => {
  await fc.assert(
    fc.asyncProperty(deeds, async (sequence) => {
      const gate = gateOf({ pendingPerAddress: 2, pendingHeads: 7 }, { trust, requests: new Server(respond) });
      // Each that waits, with the client that it is known to be.
      const waiting: { adopted: Adopted; client: number | null }[] = [];
      const of = (client: number) => waiting.filter((each) => each.client === client).length;
      for (const deed of sequence) {
        if (deed.kind === "come") {
          const adopted = adopt(gate, PEER);
          if (waiting.length < 7) waiting.push({ adopted, client: null });
          else assert.is(await codeOf(adopted), "OVERLOADED");
        } else if (deed.kind === "announce") {
          const one = waiting.find(({ client }) => client === null);
          if (one === undefined) continue;
          await one.adopted.client.send(LINE(`198.51.100.${deed.client}`));
          await settled();
          if (of(deed.client) < 2) one.client = deed.client;
          else {
            assert.is(await codeOf(one.adopted), "ADDRESS_OVERLOADED");
            waiting.splice(waiting.indexOf(one), 1);
          }
        } else {
          const known = waiting.filter(({ client }) => client !== null);
          if (known.length === 0) continue;
          const [one] = waiting.splice(waiting.indexOf(known[deed.which % known.length]!), 1);
          await fates[deed.fate](one!.adopted);
          await one!.adopted.end;
        }
        assert.is(gate.pendingHeads, waiting.length);
      }
      for (const { adopted } of waiting) adopted.client.stream.destroy();
      await settled();
      assert.is(gate.pendingHeads, 0);
    }),
    { numRuns: 60 },
  );
});

function respond(_request: unknown, response: { end(body: string): void }): void {
  response.end("served");
}
