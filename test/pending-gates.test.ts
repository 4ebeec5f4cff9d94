// In:    connections that wait for their heads, of one address and of many, by each way that an address is known.
// Out:   whether each is counted once, for the right address, and taken off again once; which are refused, and how.
// Never: tries the rule on every sequence of addresses; pending.test.ts does.

import { once } from "node:events";
import { Server } from "node:http";
import fc from "fast-check";
import * as assert from "uvu/assert";
import type { ArrivalHints } from "#src/arrival/arrival.js";
import type { Gate } from "#src/gate.js";
import type { Abandoned } from "#src/outcome/end.js";
import { explain } from "#src/outcome/explain-end.js";
import { type Adopted, adopt, codeOf, fill, gateOf, handshake, leave, passedOn, TEN } from "./support/adopted.js";
import { readProxyCorpus } from "./support/corpus.js";
import { closeGuarded, openGuarded } from "./support/guarded.js";
import { suite } from "./support/suite.js";
import { Client, closeDoors, openDoor, streamPair } from "./support/tcp.js";
import { until } from "./support/until.js";

const LINE = (address: string): string =>
  `PROXY ${address.includes(":") ? "TCP6" : "TCP4"} ${address} ${address.includes(":") ? "::1" : "192.0.2.1"} 51234 443\r\n`;
const request = (host: string): string => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const PEER: ArrivalHints = { remoteAddress: "10.0.0.1", remotePort: 4, localAddress: "10.0.0.2", localPort: 80 };
const trust = { from: ["10.0.0.0/8", "unix"], proxyProtocol: true };

const gates = suite("pending: gates");
gates.after(closeDoors);
gates.after(closeGuarded);

gates(
  "a gate that is not crowded refuses no client; one address fills a crowd's room, and others have theirs",
  async () => {
    const gate = gateOf({ ...TEN, pendingPerAddress: 2 });
    const room = async (remoteAddress: string): Promise<[Adopted[], string]> => {
      const waiting: Adopted[] = [];
      for (;;) {
        const before = gate.pendingHeads;
        const adopted = adopt(gate, { remoteAddress });
        if (gate.pendingHeads === before) return [waiting, await codeOf(adopted)];
        waiting.push(adopted);
      }
    };
    const [first, whyNotFirst] = await room("192.0.2.7");
    assert.equal([first.length, whyNotFirst], [10, "ADDRESS_OVERLOADED"]);
    const [second, whyNotSecond] = await room("192.0.2.8");
    assert.equal([second.length, whyNotSecond], [8, "ADDRESS_OVERLOADED"]);
    const [third, whyNotThird] = await room("192.0.2.9");
    assert.equal([third.length, whyNotThird], [2, "OVERLOADED"]);
    await leave(gate, [...first, ...second, ...third]);
    const [again] = await room("192.0.2.8");
    assert.is(again.length, 10);
    await leave(gate, again);
  },
);

gates("a connection that waits, silent or with half a head, has not been asked where it came in", async () => {
  const gate = gateOf(TEN);
  const [near, far] = streamPair();
  let asked = 0;
  // The first member that an arrival reads of its socket.
  Object.defineProperty(far, "encrypted", { get: () => void asked++ });
  const { ended } = gate.adopt(far);
  assert.equal([gate.pendingHeads, asked], [1, 0]);
  // The gate has listened before.
  const read = once(far, "data");
  near.write("GET /x HTTP/1.1\r\nHost: a.exa");
  await read;
  assert.equal([gate.pendingHeads, asked], [1, 0]);
  near.destroy();
  assert.is(((await ended) as Abandoned).code, "PEER_ENDED");
  assert.ok(asked > 0);
});

gates("in a crowd one more of an address is answered 503, counted and explained; those of others are not", async () => {
  const gate = gateOf({ ...TEN, pendingPerAddress: 2 });
  const said: Abandoned[] = [];
  gate.on("abandoned", (end) => said.push(end));
  const strangers = fill(gate);
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
    explain(end),
    "at least 2 connections of 192.0.2.7 were waiting for a complete head, and the gate was crowded (ADDRESS_OVERLOADED, silent; client 192.0.2.7; limits.pendingPerAddress is 2)",
  );
  assert.equal(gate.counts.abandoned, { ADDRESS_OVERLOADED: 1 });
  const other = adopt(gate, { remoteAddress: "192.0.2.8" });
  assert.is(gate.pendingHeads, 13);
  // One that goes makes room for one.
  first[0]!.client.stream.destroy();
  assert.is(await codeOf(first[0]!), "PEER_ENDED");
  const fourth = adopt(gate, { remoteAddress: "192.0.2.7" });
  assert.is(await codeOf(adopt(gate, { remoteAddress: "192.0.2.7" })), "ADDRESS_OVERLOADED");
  for (const { client } of [first[1]!, other, fourth]) {
    await client.send(handshake);
    await client.closed();
  }
  assert.is(gate.pendingHeads, 10);
  assert.equal(gate.counts.abandoned, { ADDRESS_OVERLOADED: 2, PEER_ENDED: 1 });
  await leave(gate, strangers);
});

gates("IPv6 is counted by its subnet of 64 bits", async () => {
  const gate = gateOf({ ...TEN, pendingPerAddress: 2 });
  const strangers = fill(gate);
  const waiting = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"].map((remoteAddress) =>
    adopt(gate, { remoteAddress }),
  );
  const end = (await adopt(gate, { remoteAddress: "2001:db8:0:1::3" }).end) as Abandoned;
  assert.match(explain(end), "at least 2 connections of 2001:db8:0:1::/64 were waiting for a complete head");
  await leave(gate, [...strangers, ...waiting]);
});

gates("too many in all come first, and are explained", async () => {
  const gate = gateOf({ pendingHeads: 1, pendingPerAddress: 1 });
  const first = adopt(gate, { remoteAddress: "192.0.2.7" });
  const end = (await adopt(gate, { remoteAddress: "192.0.2.7" }).end) as Abandoned;
  assert.is(
    explain(end),
    "1 connections were waiting for a complete head (OVERLOADED, silent; client 192.0.2.7; limits.pendingHeads is 1)",
  );
  await leave(gate, [first]);
});

gates("trusted peers, UNIX-domain sockets and streams without an address are not counted", async () => {
  for (const proxyProtocol of [true, false]) {
    const limits = { ...TEN, pendingPerAddress: 1 };
    const gate = gateOf(limits, { trust: { ...trust, proxyProtocol, forwarded: "rfc7239" } });
    const peers: ArrivalHints[] = [PEER, { unix: true }, ...(proxyProtocol ? [] : [{}, { remoteAddress: null }])];
    // So many that ten would be a crowd, of which half would be of each.
    const waiting = Array.from({ length: 20 }, (_, i) => adopt(gate, peers[i % peers.length]!));
    await passedOn();
    assert.is(gate.pendingHeads, 20);
    await leave(gate, waiting);
  }
});

const LOCAL = readProxyCorpus().find(({ title }) => title === "LOCAL without addresses")!;
const V2 = readProxyCorpus().find(({ title }) => title === "TCP over IPv4")!;

gates("behind a PROXY header the connection counts to the client that it names, from then on", async () => {
  const gate = gateOf({ ...TEN, pendingPerAddress: 2 }, { trust });
  const crowd = fill(gate, undefined, PEER);
  const source = V2.expected.source as { address: string };
  const unknown = Array.from({ length: 4 }, () => adopt(gate, PEER));
  const announce = async ({ client }: Adopted, header: string | Buffer): Promise<void> => {
    await client.send(header);
    await passedOn();
  };
  // Many clients behind one proxy.
  const many = ["198.51.100.1", "198.51.100.2", "2001:db8::1", "2001:db8:0:1::1"].map((address) => {
    const adopted = adopt(gate, PEER);
    return announce(adopted, LINE(address)).then(() => adopted);
  });
  const waiting = [...unknown, ...(await Promise.all(many))];
  assert.is(gate.pendingHeads, 18);
  // The same client, by both versions of the header.
  await announce(unknown[0]!, V2.octets as Buffer);
  await announce(unknown[1]!, LINE(source.address));
  assert.is(gate.pendingHeads, 18);
  await announce(unknown[2]!, LINE(source.address));
  const end = (await unknown[2]!.end) as Abandoned;
  assert.equal([end.code, end.stage, end.arrival.remoteAddress], ["ADDRESS_OVERLOADED", "silent", source.address]);
  assert.match(explain(end), `client ${source.address}; PROXY from trusted hop 10.0.0.1; limits.`);
  assert.is((await unknown[2]!.client.all())[0]!.statusCode, 503);
  await announce(unknown[3]!, LINE(source.address) + handshake.slice(0, 20));
  assert.is(((await unknown[3]!.end) as Abandoned).stage, "head");
  // A head that arrives complete with its header does not wait.
  const whole = adopt(gate, PEER);
  await announce(whole, LINE(source.address) + handshake);
  assert.is(await codeOf(whole), "handed-over");
  // A proxy that speaks for itself is the trusted peer.
  const local = [1, 2, 3].map(() => adopt(gate, PEER));
  for (const adopted of local) await announce(adopted, LOCAL.octets as Buffer);
  assert.is(gate.pendingHeads, 19);
  await leave(gate, [...crowd, ...waiting, ...local]);
});

gates(
  "a client that PROXY headers name fills a crowd's room and not more, and another has that but for its limit",
  async () => {
    const gate = gateOf({ ...TEN, pendingPerAddress: 2 }, { trust });
    const waiting: Adopted[] = [];
    for (const [address, room] of [
      ["198.51.100.7", 10],
      ["198.51.100.8", 8],
    ] as const) {
      for (let i = 0; i <= room; i++) {
        const adopted = adopt(gate, PEER);
        await adopted.client.send(LINE(address));
        await passedOn();
        if (i < room) waiting.push(adopted);
        else assert.is(await codeOf(adopted), "ADDRESS_OVERLOADED");
        assert.is(gate.pendingHeads, waiting.length);
      }
    }
    await leave(gate, waiting);
  },
);

gates("after a PROXY header, one whose head is complete or that was answered no longer waits", async () => {
  const authorize = (): Promise<boolean> => new Promise(() => {});
  const gate = gateOf({ ...TEN, pendingPerAddress: 2 }, { trust, authorize });
  const crowd = fill(gate, undefined, PEER);
  const announced = LINE("198.51.100.7");
  const waiting = [adopt(gate, PEER), adopt(gate, PEER)];
  for (const { client } of waiting) await client.send(announced);
  await passedOn();
  assert.is(gate.pendingHeads, 12);
  const inRest = adopt(gate, PEER, announced);
  const [refused, malformed, authorizing] = [request("b"), "GET\r\n", handshake].map((head) => {
    const adopted = adopt(gate, PEER);
    return adopted.client.send(announced + head).then(() => adopted);
  });
  assert.is(await codeOf(inRest), "ADDRESS_OVERLOADED");
  assert.is(await codeOf(await refused!), "refused");
  assert.is(await codeOf(await malformed!), "malformed");
  await passedOn();
  assert.equal(gate.counts.abandoned, { ADDRESS_OVERLOADED: 1 });
  const { client, end } = await authorizing!;
  client.stream.destroy();
  assert.is(((await end) as Abandoned).code, "PEER_ENDED");
  await leave(gate, [...crowd, ...waiting]);
});

gates("a complete head in rest is not counted, and half of one is", async () => {
  const gate = gateOf({ pendingPerAddress: 1, pendingHeads: 2 });
  const from = { remoteAddress: "192.0.2.7" };
  const waiting = [adopt(gate, from, handshake.slice(0, 30)), adopt(gate, { remoteAddress: "192.0.2.8" })];
  assert.is(gate.pendingHeads, 2);
  assert.is(await codeOf(adopt(gate, from, handshake)), "handed-over");
  assert.is(await codeOf(adopt(gate, from, handshake.slice(0, 30))), "OVERLOADED");
  waiting.pop()!.client.stream.destroy();
  await until(() => gate.pendingHeads === 1, "one has gone");
  const end = (await adopt(gate, from, handshake.slice(0, 30)).end) as Abandoned;
  assert.equal([end.code, end.stage], ["ADDRESS_OVERLOADED", "head"]);
  await leave(gate, waiting);
});

gates("a later head counts when it begins, and is answered after the responses", async () => {
  const requests = (_request: unknown, response: { end(body: string): unknown }): void => void response.end("served");
  const gate = gateOf({ ...TEN, pendingPerAddress: 1 }, { requests });
  const strangers = fill(gate);
  const from = { remoteAddress: "192.0.2.7" };
  const served = adopt(gate, from);
  await served.client.send(request("a"));
  await served.client.responses(1);
  assert.is(gate.pendingHeads, 10);
  const waiting = adopt(gate, from);
  await served.client.send("GET / HT");
  const end = (await served.end) as Abandoned;
  assert.equal([end.code, end.stage], ["ADDRESS_OVERLOADED", "requests"]);
  const responses = await served.client.all();
  assert.equal(
    responses.map(({ statusCode }) => statusCode),
    [200, 503],
  );
  await leave(gate, [...strangers, waiting]);
});

gates("no address is asked for while none could have too many, and then each once", async () => {
  let asked = 0;
  const adoptAsked = (gate: Gate): Adopted => {
    const [near, far] = streamPair();
    Object.defineProperty(far, "remoteAddress", { get: () => `192.0.2.${++asked}` });
    return { client: new Client(near), far, end: gate.adopt(far).ended };
  };
  for (const [limits, most] of [
    [{}, 1000],
    [{ ...TEN, pendingPerAddress: 3 }, 10],
    [{ ...TEN, pendingPerAddress: 15 }, 15],
    [{ pendingHeads: 4, pendingPerAddress: 4 }, 4],
    [{ pendingHeads: 4, pendingPerAddress: 1_000_000 }, 4],
  ] as const) {
    const gate = gateOf(limits);
    const waiting = Array.from({ length: most }, () => adoptAsked(gate));
    assert.is(asked, 0);
    for (const { client } of waiting) await client.send(handshake);
    for (const { end } of waiting) assert.is((await end).kind, "handed-over");
    assert.is(asked, 0);
  }
  const gate = gateOf({ ...TEN, pendingPerAddress: 3 });
  const waiting = Array.from({ length: 12 }, () => adoptAsked(gate));
  assert.is(asked, 12);
  await leave(gate, waiting);
});

gates("over TCP, adopted and under a strict guard", async () => {
  // Two are a crowd.
  const limits = { pendingHeads: 4, pendingPerAddress: 2 };
  const gate = gateOf(limits);
  const door = await openDoor((socket) => gate.adopt(socket));
  const guarded = await openGuarded({
    gate: { vhosts: [{ name: "a" }], limits },
    guard: { mode: "filter" },
  });
  for (const { connect } of [door, guarded]) {
    const waiting = [await connect(), await connect()];
    const third = await connect();
    assert.is((await third.all())[0]!.statusCode, 503);
    for (const { stream } of waiting) {
      stream.destroy();
      await once(stream, "close");
    }
    await until(() => gate.pendingHeads + guarded.gate.pendingHeads === 0, "both have gone");
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
  "handed-over": ({ client }) => void client.send(handshake),
  refused: ({ client }) => void client.send(request("b")),
  malformed: ({ client }) => void client.send("?"),
  "vanished client": ({ client }) => void client.stream.destroy(),
  "ended client": ({ client }) => void client.stream.end(),
  "broken by the caller of adopt": ({ far }) => void far.destroy(new Error("broken")),
  "destroyed by the caller of adopt": ({ far }) => void far.destroy(),
  "served, then half a head, then vanished": async ({ client }) => {
    await client.send(request("a"));
    await client.responses(1);
    await client.send("GET / HT");
    await passedOn();
    client.stream.destroy();
  },
} satisfies Record<string, (adopted: Adopted) => unknown>;

const deeds = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant({ kind: "come" as const }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("announce" as const), client: fc.nat(2) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("go" as const),
        which: fc.nat(20),
        fate: fc.constantFrom(...(Object.keys(fates) as (keyof typeof fates)[])),
      }),
    },
  ),
  { maxLength: 40, size: "max" },
);

gates("over any sequence of comings and goings each connection is taken off once", async () => {
  await fc.assert(
    fc.asyncProperty(deeds, async (sequence) => {
      // Four are a crowd.
      const gate = gateOf({ pendingPerAddress: 1, pendingHeads: 8 }, { trust, requests: new Server(respond) });
      // Each that waits, with the client that it is known to be.
      const waiting: { adopted: Adopted; client: number | null }[] = [];
      const of = (client: number | null) => waiting.filter((each) => each.client === client).length;
      /** One that has come already is of this client: the others have no room for it. */
      const isFull = (client: number): boolean => {
        const others = [0, 1, 2].filter((other) => other !== client).filter((other) => of(other) > 0);
        return of(client) >= 1 && of(client) + (of(null) - 1) + others.length >= 4;
      };
      for (const deed of sequence) {
        if (deed.kind === "come") {
          const adopted = adopt(gate, PEER);
          if (waiting.length < 8) waiting.push({ adopted, client: null });
          else assert.is(await codeOf(adopted), "OVERLOADED");
        } else if (deed.kind === "announce") {
          const one = waiting.find(({ client }) => client === null);
          if (one === undefined) continue;
          await one.adopted.client.send(LINE(`198.51.100.${deed.client}`));
          await passedOn();
          if (!isFull(deed.client)) one.client = deed.client;
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
      await leave(
        gate,
        waiting.map(({ adopted }) => adopted),
      );
    }),
    { numRuns: 60 },
  );
});

function respond(_request: unknown, response: { end(body: string): void }): void {
  response.end("served");
}
