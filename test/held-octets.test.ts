// In:    octets in pieces of any size.
// Out:   whether they come out as they went in, and weigh little more than they are.
// Never: looks at the pieces that are kept.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { HeldOctets } from "#src/outcome/held-octets.js";
import { memoryHeld } from "./support/heap.js";
import { suite } from "./support/suite.js";

const test = suite("held octets");

test("what goes in comes out, once", () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 3000, size: "max" }), { maxLength: 12 });
  fc.assert(
    fc.property(pieces, pieces, (first, second) => {
      const held = new HeldOctets();
      for (const each of [first, second]) {
        for (const piece of each) held.add(piece);
        const whole = Buffer.concat(each);
        assert.is(held.length, whole.length);
        assert.ok(whole.equals(held.take()));
        assert.is(held.length, 0);
        assert.is(held.take().length, 0);
      }
    }),
  );
});

test("octets that come one by one weigh little more than together", () => {
  const weight = (): number => {
    const { heapUsed, external } = memoryHeld();
    return heapUsed + external;
  };
  const octets = 65_536;
  const before = weight();
  const held = new HeldOctets();
  // As a socket gives them: each with memory of its own.
  for (let i = 0; i < octets; i++) held.add(new Uint8Array(1));
  const added = weight() - before;
  assert.is(held.length, octets);
  assert.ok(added < 8 * octets, `${added} octets for ${octets}`);
});
