// In:    what the fuzzers have kept, in test/cases/kept-*.json.
// Out:   whether each has its outcome, and all readers agree on it; whether what is kept is short.
// Never: adds to the files; `npm run fuzz` does.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { useKernel } from "#src/head/kernel/instance.js";
import { compare, newTally } from "./support/differential.js";
import { Keeper, keptHeads, keptMessages, minimised, outcomeOfHead, outcomeOfMessages } from "./support/kept.js";
import { nodeParserMissing } from "./support/node-parser.js";
import { skip, suite } from "./support/suite.js";
import { octetsOf } from "./support/tcp.js";
import { compareWhole, newWholeTally } from "./support/whole-differential.js";

const test = suite("what the fuzzers keep");
const withoutNode = (outcome: string): string => outcome.replace(/, HPE_\w+$/, "");

test("all readers agree on the heads, each with its outcome", () => {
  const { cases } = keptHeads();
  assert.ok(cases.length > 100, `${cases.length} heads`);
  const tally = newTally();
  for (const { outcome, octets } of cases) {
    compare(octetsOf(octets), 3, tally);
    // Node's reasons are those of its version.
    assert.is(withoutNode(outcomeOfHead(octetsOf(octets))), withoutNode(outcome), JSON.stringify(octets));
  }
});

test("all readers agree on the messages, each with its outcome", () => {
  const { cases } = keptMessages();
  assert.ok(cases.length > 80, `${cases.length} messages`);
  const tally = newWholeTally();
  for (const { outcome, octets, rest } of cases) {
    compareWhole({ octets: octetsOf(octets), ...rest }, 3, tally);
    useKernel("simd");
    assert.is(outcomeOfMessages(octetsOf(octets), rest), outcome, JSON.stringify(octets));
  }
});

if (nodeParserMissing !== null) skip("outcomes by Node's parser", nodeParserMissing);

test("no head could be shorter by an octet", () => {
  for (const { outcome, octets } of keptHeads().cases) {
    const whole = octetsOf(octets);
    if (outcomeOfHead(whole) !== outcome) continue;
    for (let at = 0; at < whole.length; at++) {
      const shorter = Buffer.concat([whole.subarray(0, at), whole.subarray(at + 1)]);
      assert.is.not(outcomeOfHead(shorter), outcome, `${JSON.stringify(octets)} without ${at}`);
    }
  }
});

test("octets are made as short as they can be", () => {
  const holds = (octets: Uint8Array): boolean => Buffer.from(octets).includes("xy");
  assert.is(Buffer.from(minimised(octetsOf("0123456xy789"), holds)).toString(), "xy");
  assert.is(Buffer.from(minimised(octetsOf("xy"), holds)).toString(), "xy");
  const three = (octets: Uint8Array): boolean => octets.length >= 3;
  assert.is(Buffer.from(minimised(octetsOf("0123456789"), three)).toString(), "aaa");
});

test("an outcome is kept once, and its shortest octets from one run to the next", () => {
  const folder = mkdtempSync(join(tmpdir(), "headgate-kept-"));
  try {
    const path = join(folder, "kept.json");
    const parity = (octets: Uint8Array): string => (octets.length % 2 === 0 ? "even" : "odd");
    const first = new Keeper<null>(path, parity);
    first.offer(octetsOf("12345"), null);
    first.offer(octetsOf("123"), null);
    first.offer(octetsOf("1234"), null);
    assert.is(first.changes, 2);
    first.save();
    const second = new Keeper<null>(path, parity);
    assert.equal(
      second.cases.map(({ outcome, octets }) => [outcome, octets]),
      [
        ["even", ""],
        ["odd", "a"],
      ],
    );
    second.offer(octetsOf("12"), null);
    assert.is(second.changes, 0);
    const before = readFileSync(path, "utf8");
    second.save();
    assert.is(readFileSync(path, "utf8"), before);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
