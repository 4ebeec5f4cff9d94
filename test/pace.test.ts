// In:    requests whose bodies come slowly or not at all, and clients that do not read, many at a time; a clock that the tests turn.
// Out:   when each ends, and how; and that nothing is left of them.
// Never: asks the machine's clock.

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import { queryObjects } from "node:v8";
import * as assert from "uvu/assert";
import { RequestFilter } from "#src/connection/http1/filter.js";
import { SendPace } from "#src/connection/pace.js";
import { createGate, type Gate } from "#src/gate.js";
import type { Abandoned, ConnectionEnd } from "#src/outcome/end.js";
import { explain } from "#src/outcome/explain-end.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { type Adopted, adopt, passedOn } from "./support/adopted.js";
import { Clock } from "./support/clock.js";
import { memoryHeld } from "./support/heap.js";
import { suite } from "./support/suite.js";
import { Client, streamPair } from "./support/tcp.js";
import { turn, until } from "./support/until.js";

const test = suite("pace");
const MANY = 2000;
/** Octets of the heap: an entry in a set or a map, and the smallest object in it. */
const LEAST = 40;
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

/** Lets streams in memory, and sessions over them, pass on what they have, until `isDone`. */
async function passing(isDone: () => boolean = () => true): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn();
  await until(isDone, "what was sent has arrived");
}

/** A client that reads what has come when it is asked to. */
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

test("2,000 bodies over TCP that come too slowly are answered 408 at the end of their time, none early", () =>
  inTurned(async (clock) => {
    const gate = gateWith(reads);
    const sockets: net.Socket[] = [];
    const ends: Promise<ConnectionEnd>[] = [];
    const server = net.createServer((socket) => {
      sockets.push(socket);
      ends.push(gate.adopt(socket).ended);
    });
    await once(server.listen({ port: 0, host: "127.0.0.1", backlog: MANY }), "listening");
    const descriptors = (): number => process.getActiveResourcesInfo().filter((each) => /^TCP/.test(each)).length;
    const before = descriptors();
    const { port } = server.address() as AddressInfo;
    const clients = Array.from({ length: MANY }, () => new Client(net.connect({ port, host: "127.0.0.1" })));
    let sent = 0;
    const send = (to: readonly Client[], text: string): void => {
      for (const { stream } of to) stream.write(text);
      sent += to.length * text.length;
    };
    const arrived = (): Promise<void> =>
      until(() => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0) === sent, "all octets arrive");
    const slow = clients.slice(MANY / 2, (3 * MANY) / 4);
    const steady = clients.slice((3 * MANY) / 4);
    send(clients, post);
    await arrived();
    const count = (): number => gate.counts.abandoned.BODY_TIMEOUT ?? 0;
    for (let i = 0; i < 4; i++) {
      clock.advance(249);
      send(slow, "a");
      send(steady, "abc");
      await arrived();
    }
    assert.is(count(), 0);
    clock.advance(4);
    assert.is(count(), MANY - steady.length);
    for (const client of clients.slice(0, -steady.length)) {
      assert.is((await client.all())[0]!.statusCode, 408);
    }
    // Those that were fast enough have the same time once more.
    clock.advance(995);
    assert.is(count(), MANY - steady.length);
    clock.advance(5);
    assert.is(count(), MANY);
    for (const end of ends) assert.is(((await end) as Abandoned).code, "BODY_TIMEOUT");
    assert.is(
      explain(await ends[0]!).replace(/client [^;]+/, "client"),
      "too little of the body of a request came within 1000 ms (BODY_TIMEOUT, requests; client; limits.bodyTimeout is 1000)",
    );
    await until(() => descriptors() === before, "all descriptors are closed");
    server.close();
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
      const write = (): void => void response.write(Buffer.alloc(2000), write);
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
    // What is compiled or collected late comes and goes, some hundred kilobytes; what is kept of connections adds up each time.
    const grown = (): number => Math.min(...held.slice(-3)) - Math.min(...held.slice(-6, -3));
    while (held.length < 6 || (grown() >= LEAST * 3 * MANY && held.length < 15)) {
      await round();
      held.push(memoryHeld().heapUsed);
    }
    for (const made of [Reader, SendPace, RequestFilter]) assert.is(queryObjects(made as never), 0, made.name);
    assert.ok(grown() < LEAST * 3 * MANY, `${grown()} octets of heap more after ${3 * MANY} connections`);
  }));

/** A client of HTTP/2, whose requests the gate serves with `requests`. */
async function overHttp2(
  requests: (request: IncomingMessage, response: ServerResponse) => void,
  run: (session: http2.ClientHttp2Session, gate: Gate) => Promise<void>,
): Promise<void> {
  const vhosts = [{ name: "localhost", port: NO_LISTEN_SERVER }] as const;
  const gate = createGate({ vhosts, requests, limits, http2: { cleartext: true } });
  const [near, far] = streamPair();
  gate.adopt(far);
  const session = http2.connect("http://localhost", { createConnection: () => near });
  session.on("error", () => {});
  await run(session, gate);
  session.destroy();
  near.destroy();
}

/** The status code and the content, once the stream has closed. */
async function outcomeOf(stream: http2.ClientHttp2Stream): Promise<[status: unknown, body: string]> {
  let status: unknown;
  let body = "";
  stream.on("error", () => {});
  stream.on("response", (headers) => (status = headers[":status"]));
  stream.on("data", (octets) => (body += octets));
  await new Promise((resolve) => stream.once("close", resolve));
  return [status, body];
}

test("over HTTP/2 a body that comes too slowly ends its stream, and no other one", () =>
  inTurned((clock) =>
    overHttp2(reads, async (session, gate) => {
      const asked = (): http2.ClientHttp2Stream => session.request({ ":method": "POST", ":path": "/" });
      const [silent, slow, steady, done] = [asked(), asked(), asked(), asked()];
      const outcomes = [silent, slow, steady, done].map(outcomeOf);
      done.end("done");
      for (let i = 0; i < 4; i++) {
        await passing(() => gate.metrics().gauges.sessions === 1);
        clock.advance(249);
        slow.write("a");
        steady.write("abc");
        await passing();
      }
      assert.equal(gate.counts.abandoned, {});
      clock.advance(4);
      assert.equal(gate.counts.abandoned, { BODY_TIMEOUT: 2 });
      assert.equal((await outcomes[0])!, [408, "Request Timeout (BODY_TIMEOUT)\n"]);
      assert.is((await outcomes[1])![0], 408);
      assert.equal(await outcomes[3], [200, "whole"]);
      steady.end();
      assert.equal(await outcomes[2], [200, "whole"]);
      clock.advance(5000);
      assert.equal(gate.counts.abandoned, { BODY_TIMEOUT: 2 });
    }),
  ));

test("over HTTP/2 a client whose application does not read has time, and one that has a response is cut off from it", () =>
  inTurned((clock) => {
    const requests: IncomingMessage[] = [];
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      request.on("error", () => {});
      requests.push(request);
      if (request.url !== "/begun") return;
      response.write("begun");
      request.resume();
    };
    return overHttp2(serve, async (session, gate) => {
      const unread = session.request({ ":method": "POST", ":path": "/" });
      unread.on("error", () => {}).write(Buffer.alloc(200_000));
      const begun = session.request({ ":method": "POST", ":path": "/begun" });
      const outcome = outcomeOf(begun);
      await passing(() => requests.length === 2);
      await passing();
      clock.advance(1001);
      assert.equal(gate.counts.abandoned, { BODY_TIMEOUT: 1 });
      assert.equal(await outcome, [200, "begun"]);
      assert.is(begun.rstCode, http2.constants.NGHTTP2_CANCEL);
      clock.advance(5000);
      assert.equal(gate.counts.abandoned, { BODY_TIMEOUT: 1 });
    });
  }));

test("over HTTP/2 a client that reads nothing of a response loses it, and none does while its connection goes on", () =>
  inTurned((clock) => {
    const write = (_request: unknown, response: ServerResponse): void => void response.end(Buffer.alloc(1_000_000));
    return overHttp2(write, async (session, gate) => {
      const [deaf, reading] = [session.request({ ":path": "/deaf" }), session.request({ ":path": "/reading" })];
      for (const stream of [deaf, reading]) stream.on("error", () => {});
      await passing(() => deaf.readableLength > 0 && reading.readableLength > 0);
      await passing();
      const closed = new Promise((resolve) => deaf.once("close", resolve));
      for (let i = 0; i < 3; i++) {
        clock.advance(990);
        // Enough for the window of its stream to open.
        for (let octets = 0; octets < 60_000; await turn()) octets += (reading.read() as Buffer | null)?.length ?? 0;
        await passing();
      }
      assert.equal(gate.counts.abandoned, {});
      assert.is((await outcomeOf(reading))[1].length > 0, true);
      clock.advance(2001);
      assert.equal(gate.counts.abandoned, { SEND_TIMEOUT: 1 });
      await closed;
      assert.is(deaf.rstCode, http2.constants.NGHTTP2_CANCEL);
    });
  }));
