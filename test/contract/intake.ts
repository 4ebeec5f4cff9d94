// In:    a way in: how clients connect, and that what they connect to ends at a contract gate.
// Out:   a suite that holds for every way: no octet lost, reordered or handled twice; one end for each socket; nothing left.
// Never: knows how the way works.

import { once } from "node:events";
import type { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import { suite } from "../support/suite.js";
import { Client, cutUp, octetsOf, readResponses } from "../support/tcp.js";
import { until } from "../support/until.js";
import { handshakeFields } from "../support/world.js";
import { HEAD_TIMEOUT, type State } from "./gate.js";

export interface Way {
  /** A client's end of a new connection. */
  connect(): Promise<Duplex>;
  close(): Promise<void>;
}

export interface Kind {
  /** It takes upgrades alone, and only as the first request. */
  readonly upgradesOnly?: boolean;
  /** Somebody else reads the head, and keeps the time for it. */
  readonly headIsRead?: boolean;
  /** Nobody sees whether it has written, so that a framer which throws is not answered for. */
  readonly countsNothing?: boolean;
  /** Each connection has a process of its own, so that nothing can be left behind. */
  readonly ownProcess?: boolean;
}

const upgrade = (path: string, host = "a"): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${handshakeFields}\r\n`;
const head = octetsOf(upgrade("/echo"));
/** Every octet there is, more than one read of a socket takes. */
const BEHIND = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256));
const SWITCHING = Buffer.byteLength("HTTP/1.1 101 Switching Protocols\r\n\r\n");

export function intakeContract(name: string, kind: Kind, open: () => Promise<Way>): void {
  const test = suite(`intake: ${name}`);
  let way: Way;
  let first: State | undefined;
  const connect = async (): Promise<Client> => new Client(await way.connect());
  test.before(async () => {
    way = await open();
    if (!kind.ownProcess) first = await stateOf(await connect());
  });
  test.after(() => way.close());

  /** Sends pieces, the last of which reaches into what stands behind the head; all of that comes back. */
  async function echoes(pieces: Buffer[]): Promise<void> {
    const client = await connect();
    for (const piece of pieces) await client.send(piece);
    const received = await client.octets(SWITCHING + BEHIND.length);
    assert.match(received.toString("latin1", 0, SWITCHING), /^HTTP\/1\.1 101 /);
    assert.ok(received.subarray(SWITCHING).equals(BEHIND), "other octets");
    client.stream.end();
    await client.closed();
  }

  async function statusOf(octets: string): Promise<number> {
    const client = await connect();
    await client.send(octets);
    const [response] = await client.all();
    return response?.statusCode ?? 0;
  }

  test("whole, frames glued to the head", () => echoes([Buffer.concat([head, BEHIND])]));

  test("octet by octet", () => echoes([...cutUp(head, "octets"), BEHIND]));

  test("at cuts in two", async () => {
    const whole = Buffer.concat([head, BEHIND]);
    const cuts = kind.ownProcess
      ? [1, head.length]
      : [1, 15, 16, 40, head.length - 2, head.length - 1, head.length, head.length + 1];
    for (const cut of cuts) await echoes([whole.subarray(0, cut), whole.subarray(cut)]);
  });

  test("authorize takes its time, and frames come meanwhile", async () => {
    const client = await connect();
    await client.send(Buffer.concat([octetsOf(upgrade("/late")), BEHIND.subarray(0, 1000)]));
    await client.send(BEHIND.subarray(1000));
    assert.ok((await client.octets(SWITCHING + BEHIND.length)).subarray(SWITCHING).equals(BEHIND));
    client.stream.destroy();
  });

  if (!kind.upgradesOnly) {
    test("pipelined requests, then an upgrade", async () => {
      const client = await connect();
      const posted = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
      await client.send(Buffer.concat([octetsOf(posted + posted + upgrade("/echo")), BEHIND]));
      const [one, two, three] = await client.responses(3);
      assert.equal([one!.statusCode, `${one!.body}`, `${two!.body}`, three!.statusCode], [200, "hello", "hello", 101]);
      const rest = (): Buffer => readResponses(client.received, [], false).rest;
      await until(() => rest().length >= BEHIND.length, "what was sent comes back");
      assert.ok(rest().equals(BEHIND));
      client.stream.destroy();
    });
  }

  test("a refusal, a framer that throws, an authorize that never answers", async () => {
    assert.is(await statusOf(upgrade("/echo", "other")), 421);
    assert.is(await statusOf(upgrade("/throw")), kind.countsNothing ? 0 : 500);
    assert.is(await statusOf(upgrade("/never")), 503);
  });

  if (!kind.headIsRead) {
    test("half a head is answered 408 at its deadline, and silence with nothing", async () => {
      const started = performance.now();
      const [half, silent] = await Promise.all([
        statusOf(upgrade("/echo").slice(0, 30)),
        kind.ownProcess ? 0 : statusOf(""),
      ]);
      const took = performance.now() - started;
      assert.equal([half, silent], [408, 0]);
      assert.ok(took >= HEAD_TIMEOUT - 50, `took ${took} ms`);
    });

    test("a client that ends within its head", async () => {
      const client = await connect();
      await client.send("GET / HT");
      client.stream.end();
      assert.equal(await client.all(), []);
    });
  }

  test("a client that vanishes at each step", async () => {
    for (const octets of [
      "",
      "GET / HTTP/1.1\r\nHo",
      upgrade("/never"),
      upgrade("/echo"),
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1",
    ]) {
      // A program that is started by a connection waits for one that speaks.
      if (octets === "" && kind.ownProcess) continue;
      const client = await connect();
      await client.send(octets);
      // One that came later has been answered, so that this one is at its step.
      if (!kind.ownProcess) await stateOf(await connect());
      client.stream.destroy();
      if (!client.stream.closed) await once(client.stream, "close");
    }
  });

  if (!kind.ownProcess) {
    test("afterwards nothing is left: each socket has ended, every descriptor and listener is back", async () => {
      let last = await stateOf(await connect());
      const isClean = async (): Promise<boolean> => {
        // The connection that asks has not ended when it is answered.
        if (last.adopted === last.ended + 1 && last.sockets <= first!.sockets) return true;
        last = await stateOf(await connect());
        return false;
      };
      await until(
        isClean,
        () => `all have ended: ${JSON.stringify(last)}; at first ${first!.sockets} sockets were open`,
      );
      assert.ok(last.adopted > 10);
      assert.is(last.pendingHeads, 0);
      // A drain needs the close of a socket that has another owner.
      assert.equal([...last.leftBehind].sort(), ["close", "error"]);
    });
  }
}

async function stateOf(client: Client): Promise<State> {
  await client.send(upgrade("/state"));
  await client.closed();
  return JSON.parse(client.received.toString("latin1").slice(SWITCHING)) as State;
}
