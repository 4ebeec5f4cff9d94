// In:    messages in pieces, and calls in every order.
// Out:   what a reader promises besides its events: order, counts, states, memory, misuse.
// Never: tests how octets are read; message.test.ts does.

import * as assert from "uvu/assert";
import { type MessageReaderEvent, RequestReader, ResponseReader } from "#src/message.js";
import { memoryHeld } from "./support/heap.js";
import { suite } from "./support/suite.js";
import { octetsOf } from "./support/tcp.js";

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
  reader.receive(octetsOf("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nrest"));
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
  assert.throws(() => reader.takeRest(), /elsewhere than after a message/);
  assert.throws(() => new RequestReader({ host: "none" } as object), /"unchecked"/);
  assert.throws(() => new RequestReader({ limit: {} } as object), /limit is not a setting/);
  assert.throws(() => new ResponseReader({ host: "optional" } as object), /host is not a setting/);
  assert.throws(() => new RequestReader({ limits: { overheadBytes: -1 } }), /overheadBytes is -1/);
  assert.throws(() => new ResponseReader().requested(""), /method/);
});

promises("octets keep their order when they come between two events", () => {
  const reader = new RequestReader();
  reader.receive(GET);
  reader.receive(GET.subarray(0, 10));
  // The first array is read to its end, and the second one waits.
  assert.equal(eventsOf(reader), ["head", "end", "paused"]);
  reader.receive(GET.subarray(10));
  assert.is(reader.unread, GET.length);
  reader.nextMessage();
  assert.equal(eventsOf(reader), ["head", "end", "paused"]);
});

promises("takeRest joins what waits, and is refused within a message", () => {
  const reader = new RequestReader();
  for (const [octets, kind] of [
    ["POST / HT", "need-data"],
    ["TP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", "need-data"],
    ["abc", "paused"],
  ] as const) {
    assert.throws(() => reader.takeRest(), TypeError);
    reader.receive(octetsOf(octets));
    assert.is(eventsOf(reader).at(-1), kind);
  }
  for (const octets of ["x", "", "yz"]) reader.receive(octetsOf(octets));
  assert.is(Buffer.from(reader.takeRest()).toString(), "xyz");
  assert.equal([reader.next().kind, reader.unread, reader.idle], ["closed", 0, false]);
  assert.throws(() => reader.takeRest(), TypeError);
});

promises("a declined upgrade that closes the connection has no request after it", () => {
  for (const text of [
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, upgrade\r\nUpgrade: x\r\n\r\n",
    "CONNECT a:1 HTTP/1.0\r\n\r\n",
  ]) {
    const taken = new RequestReader();
    taken.receive(octetsOf(`${text}rest`));
    assert.equal(eventsOf(taken), ["head", "end", "paused"]);
    assert.is(Buffer.from(taken.takeRest()).toString(), "rest");
    const declined = new RequestReader();
    declined.receive(Buffer.concat([octetsOf(text), GET]));
    assert.equal(eventsOf(declined), ["head", "end", "paused"]);
    declined.nextMessage();
    assert.equal(eventsOf(declined), ["closed"]);
    assert.throws(() => declined.nextMessage(), TypeError);
  }
});

const EMPTY = octetsOf("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

function assertUnexpected(reader: ResponseReader): void {
  const event = reader.next();
  if (event.kind !== "malformed") throw new Error(event.kind);
  assert.equal([event.fault.code, event.fault.offset, reader.idle], ["RESPONSE_UNEXPECTED", 0, false]);
}

promises("octets that came before a request are not its response", () => {
  const partly = new ResponseReader();
  partly.receive(EMPTY.subarray(0, -1));
  assertUnexpected(partly);
  partly.requested("GET");
  partly.receive(EMPTY.subarray(-1));
  assertUnexpected(partly);

  const unread = new ResponseReader();
  unread.receive(EMPTY);
  unread.requested("GET");
  assertUnexpected(unread);

  const queued = new ResponseReader();
  queued.requested("GET");
  queued.receive(Buffer.concat([EMPTY, EMPTY.subarray(0, 5)]));
  assert.equal(eventsOf(queued), ["head", "end", "paused"]);
  queued.requested("GET");
  queued.receive(EMPTY.subarray(5));
  queued.nextMessage();
  assertUnexpected(queued);
});

promises("a response that follows the request is its response, whatever was read before", () => {
  const reader = new ResponseReader();
  for (let i = 0; i < 3; i++) {
    reader.requested("GET");
    reader.requested("GET");
    reader.receive(EMPTY);
    reader.receive(EMPTY.subarray(0, 3));
    assert.equal(eventsOf(reader), ["head", "end", "paused"]);
    reader.nextMessage();
    assert.equal(eventsOf(reader), ["need-data"]);
    reader.receive(EMPTY.subarray(3));
    assert.equal(eventsOf(reader), ["head", "end", "paused"]);
    reader.nextMessage();
  }
  assert.ok(reader.idle);
});

promises("idle and unanswered show what a connection owes", () => {
  const reader = new ResponseReader();
  assert.equal([reader.idle, reader.unanswered], [true, 0]);
  reader.requested("GET");
  reader.requested("GET");
  assert.equal([reader.idle, reader.unanswered], [false, 2]);
  reader.receive(octetsOf("HTTP/1.1 103 Early Hints\r\n\r\n"));
  assert.is(reader.next().kind, "interim");
  assert.equal([reader.idle, reader.unanswered], [false, 2]);
  reader.receive(EMPTY);
  assert.equal(eventsOf(reader), ["head", "end", "paused"]);
  assert.equal([reader.idle, reader.unanswered], [false, 1]);
  reader.nextMessage();
  reader.receiveEnd();
  assert.equal(eventsOf(reader), ["closed"]);
  assert.equal([reader.idle, reader.unanswered], [false, 1]);
});

promises("line ends before a request are not a message", () => {
  const reader = new RequestReader();
  for (const octet of "\r\n\r") {
    reader.receive(octetsOf(octet));
    assert.is(reader.next().kind, "need-data");
    assert.ok(reader.idle);
  }
  reader.receive(octetsOf("\nG"));
  assert.is(reader.next().kind, "need-data");
  assert.not(reader.idle);
});

promises("what comes after the last message is dropped and counted, line ends before it are not", () => {
  const closed = new RequestReader();
  closed.receive(octetsOf("GET / HTTP/1.0\r\n\r\n\r\n"));
  assert.equal(eventsOf(closed), ["head", "end", "closed"]);
  closed.receive(octetsOf("\n\r"));
  assert.is(closed.unread, 0);
  const malformed = new RequestReader();
  malformed.receive(octetsOf("GET /\n"));
  assert.equal(eventsOf(malformed), ["malformed"]);
  assert.is(malformed.unread, 6);

  const before = memoryHeld();
  for (let i = 0; i < 32; i++) {
    for (const reader of [closed, malformed]) reader.receive(new Uint8Array(1 << 20).fill(0x58));
  }
  const { arrayBuffers } = memoryHeld();
  assert.is(closed.unread, 32 << 20);
  assert.is(malformed.unread, (32 << 20) + 6);
  assert.ok(arrayBuffers - before.arrayBuffers < 1 << 22, `${arrayBuffers - before.arrayBuffers} octets are held`);
  assert.equal([eventsOf(closed), eventsOf(malformed)], [["closed"], ["malformed"]]);
});

promises("a reader that has read everything holds nothing of it", () => {
  const before = memoryHeld();
  const readers = Array.from({ length: 64 }, (_, i) => {
    const reader = new RequestReader();
    const octets = new Uint8Array(1 << 16);
    // Some wait for a message, some in one, and some are paused.
    const text = i % 3 === 1 ? "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n" : GET.toString();
    octets.set(octetsOf(text));
    reader.receive(octets.subarray(0, text.length));
    for (let { kind } = reader.next(); kind !== "need-data"; { kind } = reader.next()) {
      if (kind !== "paused") continue;
      if (i % 3 === 2) break;
      reader.nextMessage();
    }
    return reader;
  });
  const held = memoryHeld().arrayBuffers - before.arrayBuffers;
  assert.ok(held < 1 << 20, `${held} octets are held`);
  assert.is(readers.filter(({ idle }) => idle).length, 43);
});
