// In:    --heads N, --requests N, --messages N, --seat N, --proxy N, --forwarded N, --origins N (each 1000000 by default, 0 for none), --seed N
//        (default 1); --hours N: rounds of 20000 of each, with one seed after the other, until so many hours are over.
// Out:   exit code 0 where the readers of each agree on all of them; else the first that they differ on. Heads and messages with an
//        outcome that had none before, or a longer one, go to test/cases/kept-*.json, as short as they can be.
// Never: runs in the tests; test/fuzz.test.ts has a short run.

import { parseArgs } from "node:util";
import { useKernel } from "#src/head/kernel/instance.js";
import { compare, fuzzSeeds, newTally } from "./differential.js";
import {
  compareForwarded,
  compareOrigin,
  forwardedMutations,
  newFieldTally,
  originMutations,
} from "./field-differential.js";
import { keptHeads, keptMessages } from "./kept.js";
import { compareMessages, newMessageTally } from "./message-differential.js";
import { mutations, seeded } from "./mutations.js";
import { nodeParserMissing } from "./node-parser.js";
import { compareProxy, newProxyTally, proxyMutations } from "./proxy-differential.js";
import { compareRequests, newRequestTally } from "./request-differential.js";
import { requestMutations } from "./request-mutations.js";
import { newSeatTally, SeatDifferential } from "./seat-differential.js";
import { compareWhole, newWholeTally, wholeMutations } from "./whole-differential.js";

const number = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    ...{
      heads: number,
      requests: number,
      messages: number,
      seat: number,
      proxy: number,
      forwarded: number,
      origins: number,
    },
    seed: { ...number, default: "1" },
    hours: number,
  },
});
/** Octets of each kind in a round of --hours, and without it. */
const [ROUND, ALL] = [20_000, 1_000_000];
const hours = values.hours === undefined ? null : Number(values.hours);
if (hours !== null && !(hours > 0)) throw new TypeError(`--hours is ${values.hours}; it must be a number above 0`);
const deadline = hours === null ? Number.POSITIVE_INFINITY : performance.now() + hours * 3_600_000;
const isOver = (): boolean => performance.now() >= deadline;
const countOf = (name: keyof typeof values): number => Number(values[name] ?? (hours === null ? ALL : ROUND));

const [headsKept, messagesKept] = [keptHeads(), keptMessages()];

function showCounts(counts: ReadonlyMap<string, number>): void {
  for (const [what, count] of [...counts].sort((a, b) => b[1] - a[1])) console.log(`  ${what}: ${count}`);
}

/** Reads as many of each kind as asked for; made of one seed. */
async function round(seed: number): Promise<void> {
  /** Calls `step` as often as it is asked to, and reports its progress now and then. */
  async function repeat(name: keyof typeof values, step: () => unknown): Promise<void> {
    const count = countOf(name);
    let i = 0;
    while (i < count && !isOver()) {
      i++;
      await step();
      if (i % 50_000 === 0) process.stderr.write(`${i} of ${count}: ${name}\n`);
      // Streams let go of what they hold in ticks of their own.
      if (i % 100 === 0) await new Promise(setImmediate);
    }
    if (i > 0) console.log(`${i} ${name}, seed ${seed}: all readers agree`);
  }

  const heads = newTally();
  const headRow = mutations([...fuzzSeeds(), ...headsKept.seeds], seed);
  const random = seeded(~seed);
  if (nodeParserMissing !== null) console.error(`not compared with Node: ${nodeParserMissing}`);
  await repeat("heads", () => {
    const octets = headRow.next().value;
    compare(octets, 1 + (random() % 40), heads);
    headsKept.offer(octets, null);
  });
  if (heads.heads > 0) {
    console.log(
      `${heads.accepted} accepted, of which Node's parser reads ${heads.readByNode} identically and refuses:`,
    );
    showCounts(heads.refusedByNode);
  }

  const requests = newRequestTally();
  const messages = newMessageTally();
  const requestRow = requestMutations(random);
  if (nodeParserMissing === null) {
    await repeat("requests", async () => {
      const octets = requestRow.next().value;
      const by = random();
      await compareRequests(octets, by, requests);
      compareMessages(octets, by, messages);
    });
  }
  if (requests.connections > 0) {
    const { accepted, readByNode, rewritten, content, trailers } = requests;
    console.log(
      `${accepted} go on, of which Node reads ${readByNode} as they were ruled on: ${rewritten} rewritten, with`,
    );
    console.log(`${content} octets of content and ${trailers} trailer fields; and refuses:`);
    showCounts(requests.refusedByNode);
    console.log(
      `${messages.accepted} read by Node alone are ruled on alike, ${messages.givenBack} of them read twice; Node hides of others:`,
    );
    showCounts(messages.unseen);
  }

  const whole = newWholeTally();
  const wholeRow = wholeMutations(random);
  await repeat("messages", () => {
    const { octets, ...rest } = wholeRow.next().value;
    compareWhole({ octets, ...rest }, 1 + (random() % 40), whole);
    useKernel("simd");
    messagesKept.offer(octets, rest);
  });
  if (whole.runs > 0) {
    console.log(
      `${whole.accepted} messages accepted, of which Node reads ${whole.readByNode} identically and refuses:`,
    );
    showCounts(whole.refusedByNode);
    console.log(`http-parser-js reads ${whole.readByHttpParserJs} identically and refuses:`);
    showCounts(whole.refusedByHttpParserJs);
  }

  const seat = newSeatTally();
  const seatRow = requestMutations(random);
  if (countOf("seat") > 0 && nodeParserMissing === null) {
    const differential = new SeatDifferential();
    await repeat("seat", () => differential.compare(seatRow.next().value, random(), seat));
    console.log(`${seat.requests} read as by Node's parser; refused, where Node's goes on:`);
    showCounts(seat.stricter);
    console.log("refused by Node's parser, where the seat goes on:");
    showCounts(seat.refusedByNode);
  }

  const proxy = newProxyTally();
  const proxyRow = proxyMutations(random);
  await repeat("proxy", () => compareProxy(proxyRow.next().value, random(), proxy));
  if (proxy.headers > 0) console.log(`${proxy.accepted} accepted, ${proxy.partial} partial`);

  const forwarded = newFieldTally();
  const forwardedRow = forwardedMutations(random);
  await repeat("forwarded", () => {
    const lines = Array.from({ length: 1 + (random() % 8 === 0 ? 1 : 0) }, () => forwardedRow.next().value);
    compareForwarded(lines, forwarded);
  });
  if (forwarded.values > 0) console.log(`${forwarded.read} read`);

  const origins = newFieldTally();
  const originRow = originMutations(random);
  await repeat("origins", () => compareOrigin(originRow.next().value, origins));
  if (origins.values > 0) console.log(`${origins.read} read`);
}

try {
  for (let seed = Number(values.seed); ; seed++) {
    await round(seed);
    if (hours === null || isOver()) break;
  }
} finally {
  for (const [name, kept] of Object.entries({ heads: headsKept, messages: messagesKept })) {
    kept.save();
    console.log(`${kept.cases.length} ${name} kept, ${kept.changes} of them new or shorter`);
  }
}
