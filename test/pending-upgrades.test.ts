// In:    upgrades that wait for authorize, of one address and of many, with and without a trusted hop.
// Out:   whether they are counted by themselves, and for the client; which are refused unasked, and how.
// Never: examines what authorize answers; authorize.test.ts does.

import * as assert from "uvu/assert";
import type { Abandoned } from "#src/outcome/end.js";
import { explain } from "#src/outcome/explain-end.js";
import { type Adopted, adopt, codeOf, fill, gateOf, handshake, leave, passedOn, TEN } from "./support/adopted.js";
import { suite } from "./support/suite.js";

const test = suite("pending: upgrades");

test("upgrades that wait for authorize are counted by themselves, and one more is not asked about", async () => {
  const answers: ((word: boolean) => void)[] = [];
  const authorize = (): Promise<boolean> => new Promise((resolve) => answers.push(resolve));
  const gate = gateOf({ ...TEN, pendingPerAddress: 2 }, { authorize });
  const from = { remoteAddress: "192.0.2.7" };
  const strangers = fill(gate, handshake);
  const theirs = answers.splice(0);
  assert.is(theirs.length, 10);
  // A connection that waits for its head does not take an upgrade's place.
  const heads = [adopt(gate, from), adopt(gate, from)];
  const [first, second, third] = [1, 2, 3].map(() => adopt(gate, from, handshake)) as [Adopted, Adopted, Adopted];
  const end = (await third.end) as Abandoned;
  assert.equal(
    [end.code, end.stage, end.limit],
    ["ADDRESS_OVERLOADED", "authorize", { name: "pendingPerAddress", value: 2 }],
  );
  assert.is((await third.client.all())[0]!.statusCode, 503);
  assert.is(
    explain(end),
    "at least 2 upgrades of 192.0.2.7 were waiting for authorize, and the gate was crowded (ADDRESS_OVERLOADED, authorize; client 192.0.2.7; limits.pendingPerAddress is 2)",
  );
  assert.is(answers.length, 2);
  const other = adopt(gate, { remoteAddress: "192.0.2.8" }, handshake);
  // Answered, or gone: each makes room for one.
  answers[0]!(true);
  assert.is(await codeOf(first), "handed-over");
  const fourth = adopt(gate, from, handshake);
  second.client.stream.destroy();
  assert.is(await codeOf(second), "PEER_ENDED");
  const fifth = adopt(gate, from, handshake);
  assert.is(await codeOf(adopt(gate, from, handshake)), "ADDRESS_OVERLOADED");
  assert.is(answers.length, 5);
  for (const answer of [...theirs, ...answers]) answer(true);
  for (const one of [...strangers, other, fourth, fifth]) assert.is(await codeOf(one), "handed-over");
  assert.equal(gate.counts.abandoned, { ADDRESS_OVERLOADED: 2, PEER_ENDED: 1 });
  await leave(gate, heads);
});

test("upgrades that wait for authorize are too many in all, as well", async () => {
  const gate = gateOf({ pendingHeads: 1, pendingPerAddress: 1 }, { authorize: () => new Promise(() => {}) });
  const first = adopt(gate, { remoteAddress: "192.0.2.7" }, handshake);
  const end = (await adopt(gate, { remoteAddress: "192.0.2.8" }, handshake).end) as Abandoned;
  assert.match(explain(end), "1 upgrades were waiting for authorize (OVERLOADED, authorize; client 192.0.2.8;");
  await leave(gate, [first]);
});

test("from a trusted hop, an upgrade counts for the client that the hop names", async () => {
  const gate = gateOf(
    { ...TEN, pendingPerAddress: 1 },
    { authorize: () => new Promise(() => {}), trust: { from: ["10.0.0.1"], forwarded: "rfc7239" } },
  );
  const of = (client: string): Adopted => {
    const asked = handshake.replace("\r\n\r\n", `\r\nForwarded: for=${client}\r\n\r\n`);
    return adopt(gate, { remoteAddress: "10.0.0.1" }, asked);
  };
  const waiting = [...fill(gate, handshake), ...["192.0.2.7", "192.0.2.8"].map(of)];
  const end = (await of("192.0.2.7").end) as Abandoned;
  assert.equal([end.code, end.arrival.remoteAddress], ["ADDRESS_OVERLOADED", "192.0.2.7"]);
  // Where a hop does not name the client that it speaks for, the upgrade is not counted.
  for (const unknown of ["unknown", "unknown"]) waiting.push(of(unknown));
  await passedOn();
  assert.equal(gate.counts.abandoned, { ADDRESS_OVERLOADED: 1 });
  await leave(gate, waiting);
});
