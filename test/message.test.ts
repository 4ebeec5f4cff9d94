// In:    the corpus of messages.
// Out:   whether every case is read as it must be: whole, octet by octet and at every cut, on every build of the kernel and by
//        the reference; what a reader promises besides.
// Never: knows a case by its id.

import { type MessageReaderEvent, parseResponseHead, RequestReader, ResponseReader } from "headgate/message";
import { parseRequestHead } from "headgate/parser";
import * as assert from "uvu/assert";
import { kernelVariants, useKernel } from "#src/head/kernel/instance.js";
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
  const { refused, offset, after, messages = [] } = expected as Expected;
  if (refused !== undefined) {
    assert.equal([reading.after, reading.code, reading.offset], ["malformed", refused, offset], id);
    return;
  }
  assert.is(reading.after, after, `${id} ${reading.code}`);
  assert.is(reading.messages.length, messages.length, id);
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
  const bases = ["STATUS-01", "STATUS-04", "RESPONSE-05", "TRAILER-03"].map(
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

const promises = suite("message readers");

const eventsOf = <Event extends MessageReaderEvent<unknown>>(reader: {
  next(): Event | { kind: "interim" };
}): string[] => {
  const kinds: string[] = [];
  for (;;) {
    const { kind } = reader.next();
    kinds.push(kind);
    if (kind === "need-data" || kind === "paused" || kind === "closed" || kind === "malformed") return kinds;
  }
};

const GET = octetsOf("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");

promises("data is a view of the octets that were received", () => {
  const reader = new RequestReader();
  const octets = octetsOf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  reader.receive(octets);
  reader.next();
  const event = reader.next();
  assert.is(event.kind, "data");
  if (event.kind !== "data") return;
  assert.is(event.octets.buffer, octets.buffer);
  assert.is(event.octets.byteOffset, octets.byteOffset + octets.length - 3);
});

promises("a reader is paused after each request, and goes on with nextMessage", () => {
  const reader = new RequestReader();
  reader.receive(Buffer.concat([GET, GET]));
  assert.equal(eventsOf(reader), ["head", "end", "paused"]);
  assert.equal(eventsOf(reader), ["paused"]);
  assert.is(reader.unread, GET.length);
  reader.nextMessage();
  assert.equal(eventsOf(reader), ["head", "end", "paused"]);
  reader.nextMessage();
  assert.equal(eventsOf(reader), ["need-data"]);
  assert.ok(reader.idle);
  reader.receiveEnd();
  assert.equal(eventsOf(reader), ["closed"]);
});

promises("octets that come while it is paused wait in order", () => {
  const reader = new RequestReader();
  reader.receive(GET);
  assert.equal(eventsOf(reader), ["head", "end", "paused"]);
  for (let at = 0; at < GET.length; at++) reader.receive(GET.subarray(at, at + 1));
  assert.is(reader.unread, GET.length);
  reader.nextMessage();
  assert.equal(eventsOf(reader), ["head", "end", "paused"]);
  reader.receive(octetsOf("x"));
  reader.receive(octetsOf("yz"));
  assert.is(Buffer.from(reader.takeRest()).toString(), "xyz");
  assert.equal(eventsOf(reader), ["closed"]);
});

promises("after an upgrade the rest can be taken, or another request read", () => {
  const upgrade = octetsOf("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00");
  const taken = new RequestReader();
  taken.receive(upgrade);
  assert.equal(eventsOf(taken), ["head", "end", "paused"]);
  assert.equal([...taken.takeRest()], [0x81, 0]);
  const declined = new RequestReader();
  declined.receive(Buffer.concat([upgrade.subarray(0, -2), GET]));
  assert.equal(eventsOf(declined), ["head", "end", "paused"]);
  declined.nextMessage();
  assert.equal(eventsOf(declined), ["head", "end", "paused"]);
});

promises("no message follows a switch of protocols", () => {
  const reader = new ResponseReader();
  reader.requested("GET");
  reader.receive(octetsOf("HTTP/1.1 101 Switching Protocols\r\n\r\nrest"));
  assert.equal(eventsOf(reader), ["head", "end", "paused"]);
  assert.ok(reader.switched);
  assert.throws(() => reader.nextMessage(), /another protocol/);
  assert.is(Buffer.from(reader.takeRest()).toString(), "rest");
});

promises("Host is left to the caller where it is unchecked", () => {
  for (const [lines, host] of [
    ["Host:\r\n", null],
    ["", null],
    ["Host: a b\r\n", null],
    ["Host: a\r\nHost: a\r\n", null],
    ["Host: a:81\r\n", "a:81"],
  ] as const) {
    for (const size of [1, 1000]) {
      const reader = new RequestReader({ host: "unchecked" });
      const octets = octetsOf(`GET /x HTTP/1.1\r\nAccept: a\r\n${lines}Cookie: b\r\n\r\n`);
      let event = reader.next();
      for (let at = 0; at < octets.length; at += size) {
        reader.receive(octets.subarray(at, at + size));
        event = reader.next();
      }
      if (event.kind !== "head") throw new Error(`${lines} ${event.kind}`);
      const { head } = event;
      assert.is(head.host === null ? null : String(head.host), host, lines);
      // Read again after another parse.
      assert.is(head.fieldValues("host").length, lines.split("Host").length - 1);
      assert.is(head.field("cookie"), "b");
    }
  }
});

promises("misuse is a TypeError", () => {
  const reader = new RequestReader();
  assert.throws(() => reader.nextMessage(), /before the end of a message/);
  assert.throws(() => reader.receive("GET" as unknown as Uint8Array), /Uint8Array/);
  reader.receiveEnd();
  assert.throws(() => reader.receive(GET), /after receiveEnd/);
  assert.throws(() => new RequestReader({ host: "none" } as object), /"unchecked"/);
  assert.throws(() => new RequestReader({ limit: {} } as object), /limit is not a setting/);
  assert.throws(() => new ResponseReader({ host: "optional" } as object), /host is not a setting/);
  assert.throws(() => new RequestReader({ limits: { overheadBytes: -1 } }), /overheadBytes is -1/);
  assert.throws(() => new ResponseReader().requested(""), /method/);
});
