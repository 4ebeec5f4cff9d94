// In:    the corpus of messages.
// Out:   whether every case is read as it must be: at once, octet by octet, alongside other connections and at every cut, on every
//        build of the kernel and by the reference.
// Never: knows a case by its id.

import * as assert from "uvu/assert";
import { kernelVariants, useKernel } from "#src/head/kernel/instance.js";
import { parseResponseHead } from "#src/message.js";
import { parseRequestHead } from "#src/parser.js";
import { type ReferenceReading, referenceMessages } from "./reference/message.js";
import { type PrefaceCase, readMessageCorpus } from "./support/corpus.js";
import { type MessageOptions, readMessages } from "./support/messages.js";
import { suite } from "./support/suite.js";
import { octetsOf } from "./support/tcp.js";

const corpus = readMessageCorpus();

interface Expected {
  answersTo?: string[];
  ended?: boolean;
  overheadBytes?: number;
  fieldLines?: number;
  refused?: string;
  offset?: number;
  after?: string;
  messages?: Record<string, unknown>[];
  unanswered?: number;
}

function optionsOf({ expected }: PrefaceCase): MessageOptions {
  const { answersTo = null, ended = false, overheadBytes = 16_384, fieldLines = 100 } = expected as Expected;
  return { answersTo, ended, limits: { overheadBytes, fieldLines } };
}

function byReference(octets: Uint8Array, { answersTo, ended, limits }: MessageOptions): ReferenceReading {
  return referenceMessages(octets, {
    answersTo,
    ended,
    overheadBytes: limits!.overheadBytes!,
    fieldLines: limits!.fieldLines!,
  });
}

/** Asserts what the case expects of a reading, and nothing more. */
function assertExpected({ id, expected }: PrefaceCase, reading: ReferenceReading): void {
  const { refused, offset, after, messages = [], unanswered } = expected as Expected;
  if (refused !== undefined) {
    assert.equal([reading.after, reading.code, reading.offset], ["malformed", refused, offset], id);
    return;
  }
  assert.is(reading.after, after, `${id} ${reading.code}`);
  assert.is(reading.messages.length, messages.length, id);
  if (unanswered !== undefined) assert.is(reading.unanswered, unanswered, id);
  for (const [i, message] of messages.entries()) {
    for (const [name, value] of Object.entries(message)) {
      assert.equal(reading.messages[i]![name as "content"], value, `${id} ${name}`);
    }
  }
}

/** Other connections, whose heads use the kernel's record between two pieces of a message. */
const others = [
  () => void parseRequestHead(octetsOf("CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")),
  () => void parseResponseHead(octetsOf("HTTP/1.1 204 No Content\r\n\r\n")),
  () => void parseRequestHead(octetsOf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")),
];

for (const variant of kernelVariants) {
  const test = suite(`corpus of messages on the ${variant} kernel`);
  test.before(() => useKernel(variant));
  test.after(() => useKernel("simd"));

  for (const each of corpus) {
    test(`${each.id} ${each.title}`, () => {
      const { octets } = each;
      const options = optionsOf(each);
      const whole = readMessages([octets], options);
      assertExpected(each, whole);
      assert.equal(byReference(octets, options), whole, "reference");
      const single = Array.from(octets, (octet) => Uint8Array.of(octet));
      assert.equal(readMessages(single, options), whole, "octet by octet");
      for (const between of others) {
        assert.equal(readMessages(single, { ...options, between }), whole, "with another head between two octets");
      }
      for (let cut = 1; cut < octets.length; cut++) {
        const pieces = [octets.subarray(0, cut), octets.subarray(cut)];
        assert.equal(readMessages(pieces, options), whole, `cut at ${cut}`);
      }
      for (let alignment = 1; alignment <= 16; alignment++) {
        const displaced = new Uint8Array(octets.length + alignment).fill(0x0a);
        displaced.set(octets, alignment);
        assert.equal(readMessages([displaced.subarray(alignment)], options), whole, `displaced by ${alignment}`);
      }
    });
  }
}

const placement = suite("placement of refusals in messages");

placement("every prefix of every case has the reference's reading", () => {
  for (const each of corpus) {
    for (const ended of [false, true]) {
      const options = { ...optionsOf(each), ended };
      for (let length = 0; length <= each.octets.length; length++) {
        const prefix = each.octets.subarray(0, length);
        assert.equal(readMessages([prefix], options), byReference(prefix, options), `${each.id} ${length} ${ended}`);
      }
    }
  }
});

placement("every octet at every place is read as the reference reads it", () => {
  const bases = ["STATUS-01", "STATUS-04", "RESPONSE-05", "RESPONSE-33", "REQUEST-22", "REQUEST-27", "TRAILER-03"].map(
    (id) => corpus.find((each) => each.id === id)!,
  );
  for (const each of bases) {
    const options = optionsOf(each);
    for (let at = 0; at < each.octets.length; at++) {
      for (let octet = 0; octet < 256; octet += octet > 0x80 && octet < 0xfe ? 0x1f : 1) {
        const changed = Uint8Array.from(each.octets);
        changed[at] = octet;
        const wanted = byReference(changed, options);
        assert.equal(readMessages([changed], options), wanted, `${each.id} ${at} ${octet}`);
      }
    }
  }
});
