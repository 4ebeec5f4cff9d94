// In:    arrays of octets whose memory is transferred or resized between `receive` and `next`, or by a handler.
// Out:   whether the readers of messages throw a TypeError for what is gone, at once, and read right what is there.
// Never: lets a reader read other memory, or go on for ever.

import * as assert from "uvu/assert";
import { HTTPParser } from "#src/http-parser.js";
import { RequestReader, ResponseReader } from "#src/message.js";
import { suite } from "../support/suite.js";
import { octetsOf } from "../support/tcp.js";

const test = suite("vanishing arrays");

type Reader = Pick<RequestReader, "receive" | "nextMessage" | "takeRest"> & {
  next(): { readonly kind: string; readonly octets?: Uint8Array };
};

/** Of its own memory, so that nothing else loses octets. */
const own = (text: string): Uint8Array => new Uint8Array(octetsOf(text));

/** TypeScript's library knows it from ES2024 on. */
const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;

function resizable(text: string): Uint8Array {
  const { length } = text;
  const octets = new Uint8Array(new Resizable(length, { maxByteLength: length + 100 }));
  octets.set(octetsOf(text));
  return octets;
}

const transfer = (octets: Uint8Array): void => {
  structuredClone(octets.buffer, { transfer: [octets.buffer as ArrayBuffer] });
};
const resize = (octets: Uint8Array, length: number): void => {
  (octets.buffer as unknown as { resize(length: number): void }).resize(length);
};

/** What becomes of octets before they are read. */
const ends: Record<string, readonly [make: (text: string) => Uint8Array, end: (octets: Uint8Array) => void]> = {
  "is transferred": [own, transfer],
  "shrinks to two octets": [resizable, (octets) => resize(octets, 2)],
  "shrinks to none": [resizable, (octets) => resize(octets, 0)],
  grows: [resizable, (octets) => resize(octets, octets.length + 50)],
};

/** A head, and octets of what follows it. */
const messages: Record<string, readonly [make: () => Reader, head: string, rest: string]> = {
  "a request with a length": [
    () => new RequestReader(),
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
    "0123456789GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  ],
  "a request in chunks": [
    () => new RequestReader(),
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    'a;x="y"\r\n0123456789\r\n0\r\nT: v\r\n\r\n',
  ],
  "a second request": [
    () => new RequestReader(),
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  ],
  "a response until the end": [
    () => {
      const reader = new ResponseReader();
      reader.requested("GET");
      return reader as unknown as Reader;
    },
    "HTTP/1.1 200 OK\r\n\r\n",
    "0123456789",
  ],
};

/** Reads until nothing more comes; at most `most` events. */
function readAll(reader: Reader, most = 30): string[] {
  const kinds: string[] = [];
  while (kinds.length < most) {
    const { kind } = reader.next();
    kinds.push(kind);
    if (kind === "paused") reader.nextMessage();
    if (kind === "need-data" || kind === "closed" || kind === "malformed") break;
  }
  return kinds;
}

for (const [how, [make, end]] of Object.entries(ends)) {
  for (const [what, [open, head, rest]] of Object.entries(messages)) {
    test(`${what} whose memory ${how}`, () => {
      // Alone, and after octets that are unread.
      for (const isQueued of [false, true]) {
        const reader = open();
        reader.receive(own(head));
        if (!isQueued) readAll(reader);
        const octets = make(rest);
        reader.receive(octets);
        end(octets);
        for (let again = 0; again < 2; again++) {
          assert.throws(
            () => readAll(reader),
            (error: unknown) => error instanceof TypeError && /are gone/.test(error.message),
          );
        }
      }
    });
  }

  test(`the rest after an upgrade, whose memory ${how}`, () => {
    for (const isQueued of [false, true]) {
      const reader = new RequestReader();
      const head = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
      const octets = make(isQueued ? "rest" : `${head}rest`);
      if (isQueued) reader.receive(own(head));
      reader.receive(octets);
      for (const kind of ["head", "end", "paused"]) assert.is(reader.next().kind, kind);
      end(octets);
      if (isQueued) reader.receive(own("more"));
      assert.throws(() => reader.takeRest(), /are gone/);
    }
  });
}

test("content that is transferred as it comes takes what is unread with it, and nothing that was read", () => {
  const reader = new RequestReader();
  reader.receive(own("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n"));
  assert.is(reader.next().kind, "head");
  const event = reader.next();
  assert.is(event.kind, "data");
  if (event.kind === "data") transfer(event.octets);
  assert.throws(() => reader.next(), /are gone/);
  assert.throws(() => reader.next(), /are gone/);

  const other = new RequestReader();
  other.receive(own("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc"));
  assert.is(other.next().kind, "head");
  const first = other.next();
  if (first.kind === "data") transfer(first.octets);
  other.receive(own("def"));
  assert.equal(readAll(other as Reader, 3), ["data", "end", "paused"]);
});

test("a handler of HTTPParser that transfers content ends the parser with an error, not the process", () => {
  const parser = new HTTPParser("REQUEST");
  let calls = 0;
  parser[HTTPParser.kOnBody] = (octets) => {
    calls++;
    transfer(octets);
  };
  const octets = own(
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
  );
  assert.throws(() => parser.execute(octets), /are gone/);
  assert.is(calls, 1);
  assert.instance(parser.execute(own("x")), Error);
  parser.reinitialize("REQUEST");
  parser[HTTPParser.kOnBody] = () => void calls++;
  const more = own("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nz");
  assert.is(parser.execute(more), more.length);
  assert.is(calls, 2);
});

test("memory that is shared with other threads is read as any other", () => {
  const text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n";
  const octets = new Uint8Array(new SharedArrayBuffer(text.length));
  octets.set(octetsOf(text));
  const reader = new RequestReader();
  reader.receive(octets);
  assert.equal(readAll(reader as Reader, 4), ["head", "data", "end", "paused"]);
});
