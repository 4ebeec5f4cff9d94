// In:    requests whose bodies come slowly or not at all, and clients that do not read, many at a time; a clock that the tests turn.
// Out:   when each ends, and how; and that nothing is left of them.
// Never: asks the machine's clock.

import type { IncomingMessage, ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import type { Abandoned } from "#src/outcome/end.js";
import { explain } from "#src/outcome/explain-end.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { type Adopted, adopt, passedOn } from "./support/adopted.js";
import { Clock } from "./support/clock.js";
import { memoryHeld } from "./support/heap.js";
import { suite } from "./support/suite.js";

const test = suite("pace");
const MANY = 200;
const limits = { bodyTimeout: 1000, bodyRate: 10, sendTimeout: 1000 };
const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";

function gateWith(requests: (request: IncomingMessage, response: ServerResponse) => void): Gate {
  return createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }], requests, limits });
}

const reads = (request: IncomingMessage, response: ServerResponse): void => {
  request.on("error", () => {});
  request.resume().on("end", () => response.end("whole"));
};

async function inTurned(run: (clock: Clock) => Promise<void>): Promise<void> {
  const clock = new Clock();
  clock.install();
  try {
    await run(clock);
  } finally {
    clock.remove();
  }
}

/** A client that takes what it is given when it is told to. */
class Reader extends Duplex {
  #done: (() => void) | null = null;
  taken = 0;

  override _read(): void {}

  override _write(octets: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.taken += octets.length;
    this.#done = done;
  }

  reads(): void {
    const done = this.#done;
    this.#done = null;
    done?.();
  }
}

test("bodies that come too slowly are answered 408 at the end of their time, none early", () =>
  inTurned(async (clock) => {
    const gate = gateWith(reads);
    const silent = Array.from({ length: MANY / 2 }, () => adopt(gate, {}, post));
    const slow = Array.from({ length: MANY / 4 }, () => adopt(gate, {}, post));
    const steady = Array.from({ length: MANY / 4 }, () => adopt(gate, {}, post));
    const count = (): number => gate.counts.abandoned.BODY_TIMEOUT ?? 0;
    const piece = async (): Promise<void> => {
      clock.advance(249);
      for (const { client } of slow) client.stream.write("a");
      for (const { client } of steady) client.stream.write("abc");
      await passedOn();
    };
    for (let i = 0; i < 4; i++) await piece();
    assert.is(count(), 0);
    clock.advance(4);
    await passedOn();
    assert.is(count(), silent.length + slow.length);
    for (const { client, end } of [...silent, ...slow]) {
      assert.is(((await end) as Abandoned).code, "BODY_TIMEOUT");
      assert.is(client.received.toString("latin1").slice(9, 12), "408");
    }
    assert.is(
      explain(await silent[0]!.end),
      "too little of the body of a request came within 1000 ms (BODY_TIMEOUT, requests; client unknown; limits.bodyTimeout is 1000)",
    );
    // One that was fast enough has the same time once more.
    clock.advance(995);
    assert.is(count(), silent.length + slow.length);
    clock.advance(5);
    assert.is(count(), MANY);
    await passedOn();
  }));

test("a body has all the time that the application takes to read, and none counts once it is complete", () =>
  inTurned(async (clock) => {
    const requests: IncomingMessage[] = [];
    const gate = gateWith((request, response) => {
      requests.push(request);
      request.on("end", () => setImmediate(() => response.end("whole")));
    });
    const large = post.replace("1000", "1000000");
    const one = adopt(gate, {}, large);
    for (let i = 0; i < 10; i++) one.client.stream.write(Buffer.alloc(50_000));
    await passedOn();
    clock.advance(5000);
    assert.equal(gate.counts.abandoned, {});
    requests[0]!.resume();
    for (let i = 0; i < 10; i++) one.client.stream.write(Buffer.alloc(50_000));
    while (!one.client.received.includes("whole")) await passedOn();
    clock.advance(5000);
    assert.equal(gate.counts.abandoned, {});
    one.client.stream.destroy();
    await one.end;
  }));

test("a body whose response has begun is given up without another response", () =>
  inTurned(async (clock) => {
    const gate = gateWith((request, response) => {
      request.on("error", () => {});
      response.write("begun");
    });
    const one: Adopted = adopt(gate, {}, post);
    await passedOn();
    clock.advance(1001);
    assert.is(((await one.end) as Abandoned).code, "BODY_TIMEOUT");
    await passedOn();
    assert.not.match(one.client.received.toString("latin1"), "408");
  }));

test("clients that do not read are given up, those that read a little are not, and nothing is left", () =>
  inTurned(async (clock) => {
    const gate = gateWith((_request, response) => {
      const write = (): void => void response.write(Buffer.alloc(20_000), write);
      write();
    });
    const rest = Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const round = async (): Promise<void> => {
      const before = gate.counts.abandoned.SEND_TIMEOUT ?? 0;
      const count = (): number => (gate.counts.abandoned.SEND_TIMEOUT ?? 0) - before;
      const readers = Array.from({ length: MANY }, () => new Reader());
      const ends = readers.map((reader) => gate.adopt(reader, { rest }).ended);
      await passedOn();
      const [reading, deaf] = [readers.slice(0, MANY / 4), readers.slice(MANY / 4)];
      clock.advance(999);
      assert.is(count(), 0);
      for (const reader of reading) reader.reads();
      await passedOn();
      clock.advance(2);
      assert.is(count(), deaf.length);
      assert.ok(deaf.every(({ destroyed }) => destroyed));
      clock.advance(998);
      assert.is(count(), deaf.length);
      clock.advance(2);
      assert.is(count(), MANY);
      for (const end of ends) assert.is(((await end) as Abandoned).code, "SEND_TIMEOUT");
      await passedOn();
    };
    const held: number[] = [];
    for (let i = 0; i < 8; i++) {
      await round();
      held.push(memoryHeld().heapUsed);
    }
    // What is compiled or cached grows now and then; what is kept of connections would grow each time. One with its stream weighs 2 KB at least.
    const grown = Math.min(...held.slice(1).map((heap, i) => heap - held[i]!));
    assert.ok(grown < 500 * MANY, `${grown} octets of heap more, each time`);
  }));
