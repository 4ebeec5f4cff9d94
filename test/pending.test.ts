// In:    connections that wait, of one address and of many, as they come, go and turn out to be of another address.
// Out:   which may wait, and which are asked for an address.
// Never: waits for a deadline, except to see that it takes them off.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { countedNetwork } from "#src/head/ip-address.js";
import { type Waiting, WaitingRoom } from "#src/outcome/waiting.js";
import { suite } from "./support/suite.js";
import { until } from "./support/until.js";

const counting = suite("pending: what an address is counted as");

counting("IPv4 by its address, IPv4-mapped as IPv4, IPv6 by its first 64 bits, anything else as no address", () => {
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
  list = null;
  previous = null;
  next = null;
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

/** All go, so that no deadline is left. */
function empty(heads: WaitingRoom): void {
  for (const one of [...heads]) heads.remove(one);
}

/** Whether each of so many may wait, in their order. */
const verdicts = (heads: WaitingRoom, address: string, count: number): string =>
  Array.from({ length: count }, () => heads.admit(new OneThatWaits(address)) ?? "-").join(" ");

/** How many of an address may wait, and why not one more. */
function room(heads: WaitingRoom, address: string): [number, string] {
  for (let count = 0; ; count++) {
    const overload = heads.admit(new OneThatWaits(address));
    if (overload !== null) return [count, overload];
  }
}

counting("one address fills a crowd's room and not more; another has that but for the limit of the first", () => {
  for (const [most, each, first, second] of [
    // The defaults: a thousand clients that share an address may all come at once.
    [10_000, 100, [1000, "ADDRESS_OVERLOADED"], [900, "ADDRESS_OVERLOADED"]],
    [10_000, 999, [1000, "ADDRESS_OVERLOADED"], [999, "ADDRESS_OVERLOADED"]],
    [10_000, 1001, [1001, "ADDRESS_OVERLOADED"], [1001, "ADDRESS_OVERLOADED"]],
    [10_000, 6000, [6000, "ADDRESS_OVERLOADED"], [4000, "OVERLOADED"]],
    [10_000, 10_000, [10_000, "OVERLOADED"], [0, "OVERLOADED"]],
    [1_000_000, 1, [1000, "ADDRESS_OVERLOADED"], [999, "ADDRESS_OVERLOADED"]],
    [20, 2, [10, "ADDRESS_OVERLOADED"], [8, "ADDRESS_OVERLOADED"]],
    [21, 2, [10, "ADDRESS_OVERLOADED"], [8, "ADDRESS_OVERLOADED"]],
    [4, 2, [2, "ADDRESS_OVERLOADED"], [2, "OVERLOADED"]],
    [3, 1, [1, "ADDRESS_OVERLOADED"], [1, "ADDRESS_OVERLOADED"]],
    [2, 1, [1, "ADDRESS_OVERLOADED"], [1, "OVERLOADED"]],
    [1, 1, [1, "OVERLOADED"], [0, "OVERLOADED"]],
  ] as const) {
    const heads = new WaitingRoom(60_000, most, each);
    const names = `${each} of ${most}`;
    assert.equal(room(heads, "a"), first, `the first: ${names}`);
    assert.equal(room(heads, "b"), second, `the second: ${names}`);
    empty(heads);
    assert.equal(room(heads, "b"), first, `when all have gone: ${names}`);
    empty(heads);
  }
});

counting("in a crowd of strangers each address has its limit, and no more", () => {
  const heads = new WaitingRoom(60_000, 10_000, 100);
  for (let i = 0; i < 1000; i++) assert.is(heads.admit(new OneThatWaits(`${i}`)), null);
  for (const address of ["a", "b", "c"]) assert.equal(room(heads, address), [100, "ADDRESS_OVERLOADED"]);
  empty(heads);
});

const addresses = fc.constantFrom(null, "a", "b", "c");
/** Mostly small, so that addresses go beyond it. */
const limitOfEach = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.integer({ min: 5, max: 26 }));
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("admit" as const), address: addresses }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("remove" as const), which: fc.nat(40) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("recount" as const), which: fc.nat(40), address: addresses }),
    },
  ),
  { maxLength: 120, size: "max" },
);

counting("over any sequence it rules as a count of everything at each step does", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 24 }), limitOfEach, (sequence, most, each) => {
      const heads = new WaitingRoom(60_000, most, each);
      const crowd = each < most ? Math.min(Math.max(1000, each), Math.floor(most / 2)) : Number.POSITIVE_INFINITY;
      const all: OneThatWaits[] = [];
      const waiting = new Set<OneThatWaits>();
      const of = (address: string | null) => [...waiting].filter((one) => one.address === address).length;
      /** Of those that wait now, no other address is counted for more than its limit. */
      const verdict = (address: string | null) => {
        const others = ["a", "b", "c"].filter((other) => other !== address);
        const counted = others.reduce((sum, other) => sum + Math.min(each, of(other)), of(null) + of(address));
        return address !== null && of(address) >= each && counted >= crowd ? "ADDRESS_OVERLOADED" : null;
      };
      let mostAtOnce = 0;
      for (const step of sequence) {
        if (step.kind === "admit") {
          const one = new OneThatWaits(step.address);
          all.push(one);
          const wanted = waiting.size >= most ? "OVERLOADED" : verdict(step.address);
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
            // Ruled on like a new one; but one whose address has not changed stays.
            const wanted = step.address === one.address ? null : verdict(step.address);
            one.address = step.address;
            assert.is(heads.recount(one), wanted);
            if (wanted === null) waiting.add(one);
            else heads.remove(one);
          }
        }
        assert.is(heads.size, waiting.size);
        assert.ok(all.every((one) => heads.has(one) === waiting.has(one)));
      }
      if (mostAtOnce <= Math.max(crowd, each)) assert.ok(all.every(({ asked }) => asked === 0));
      for (const one of all) heads.remove(one);
    }),
    { numRuns: 4000 },
  );
});

counting("connections that come and go in a crowd have the others asked once, until half of the crowd has gone", () => {
  const heads = new WaitingRoom(60_000, 10_000, 100);
  const others: OneThatWaits[] = [];
  const fill = (): void => {
    while (heads.size < 1000) {
      const one = new OneThatWaits(`${others.length}`);
      assert.is(heads.admit(one), null);
      others.push(one);
    }
  };
  const comeAndGo = (): void => {
    for (let i = 0; i < 1000; i++) {
      const one = new OneThatWaits("other");
      assert.is(heads.admit(one), null);
      heads.remove(one);
    }
  };
  const timesAsked = (from: number, to: number): number[] => [
    ...new Set(others.slice(from, to).map(({ asked }) => asked)),
  ];
  fill();
  assert.equal(timesAsked(0, 1000), [0]);
  comeAndGo();
  assert.equal(timesAsked(0, 1000), [1]);
  // Just not half of them: those that come are counted still, each when it comes.
  for (const one of others.slice(0, 499)) heads.remove(one);
  fill();
  comeAndGo();
  assert.equal(timesAsked(499, 1499), [1]);
  for (const one of others.slice(499, 999)) heads.remove(one);
  fill();
  assert.equal([timesAsked(999, 1499), timesAsked(1499, 1999)], [[1], [0]]);
  comeAndGo();
  assert.equal([timesAsked(999, 1499), timesAsked(1499, 1999)], [[2], [1]]);
  empty(heads);
});

counting("one whose address is as before waits on, also where another of its address may not come", () => {
  const heads = new WaitingRoom(60_000, 8, 1);
  const first = new OneThatWaits("a");
  heads.admit(first);
  assert.is(verdicts(heads, "a", 4), "- - - ADDRESS_OVERLOADED");
  assert.is(verdicts(heads, "b", 1), "-");
  assert.is(heads.recount(first), null);
  empty(heads);
});

counting("those whose time is over are taken off", async () => {
  const heads = new WaitingRoom(20, 8, 1);
  for (let round = 0; round < 2; round++) {
    assert.is(verdicts(heads, "a", 5), "- - - - ADDRESS_OVERLOADED");
    assert.is(verdicts(heads, "b", 4), "- - - ADDRESS_OVERLOADED");
    assert.is(verdicts(heads, "c", 2), "- OVERLOADED");
    await until(() => heads.size === 0, "all are taken off");
  }
});
