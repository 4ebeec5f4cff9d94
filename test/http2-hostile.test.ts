// In:    frames that no client should send, complete connections of them.
// Out:   whether each ends in a refusal, a reset or GOAWAY, and leaves nothing open.
// Never: decides how node:http2 ends what it has to end; that is recorded here as it is.

import { readdirSync } from "node:fs";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import { FrameClient, type Outcome } from "./support/http2-client.js";
import {
  type Fields,
  Flag,
  Frame,
  fieldBlock,
  frame,
  headers,
  hello,
  PREFACE,
  settings,
  words,
} from "./support/http2-frames.js";
import { CONNECT, GET } from "./support/http2-gate.js";
import { openRoad, type RoadEnd, roads } from "./support/roads.js";
import { suite } from "./support/suite.js";
import { settled, until } from "./support/until.js";

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
const HEAD_TIMEOUT = 400;
const STREAMS = 20;

/** A request with some of its fields others, or left out where null. */
function but(fields: Fields, others: Record<string, string | null>): Fields {
  const kept = fields.flatMap(([name, value]): Fields => {
    if (!(name in others)) return [[name, value]];
    const other = others[name]!;
    return other === null ? [] : [[name, other]];
  });
  const added = Object.entries(others).filter(([name]) => !fields.some(([known]) => known === name));
  return [...kept, ...(added as [string, string][])];
}

const get = (others: Record<string, string | null>): Buffer => headers(1, but(GET, others), Flag.END_STREAM);
const connect = (others: Record<string, string | null>, flags = 0): Buffer => headers(1, but(CONNECT, others), flags);
const block = (...octets: number[]): Buffer =>
  frame(Frame.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, Buffer.from(octets));
const data = (length: number, flags = 0, stream = 1): Buffer => frame(Frame.DATA, flags, stream, Buffer.alloc(length));
const times = (count: number, make: (i: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => make(i)));

/** What is sent; the connection then ends with GOAWAY and an error code. */
type Fault = [name: string, octets: Buffer];
/** What is sent after the greeting, and what stream 1 ends in; `goaway`: or the connection, with an error code. */
type Case = [name: string, octets: Buffer, ...ends: (Outcome | "goaway")[]];

const RESET = "reset PROTOCOL_ERROR";

const beginnings: Fault[] = [
  ["a request of HTTP/1.1", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
  ["another version", Buffer.from("PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n")],
  ["PING in place of SETTINGS", Buffer.concat([PREFACE, frame(Frame.PING, 0, 0, Buffer.alloc(8))])],
  ["octets that are not frames", Buffer.concat([PREFACE, Buffer.alloc(100, "x")])],
];

const connections: Fault[] = [
  ["SETTINGS: ACK with a payload", settings([[1, 0]], Flag.ACK)],
  ["SETTINGS: five octets", frame(Frame.SETTINGS, 0, 0, Buffer.alloc(5))],
  ["SETTINGS on a stream", settings([], 0, 1)],
  ["SETTINGS: a window of 2^31", settings([[4, 2 ** 31]])],
  ["SETTINGS: frames of one octet", settings([[5, 1]])],
  ["SETTINGS: ENABLE_PUSH 2", settings([[2, 2]])],
  ["PING of seven octets", frame(Frame.PING, 0, 0, Buffer.alloc(7))],
  ["PING on a stream", frame(Frame.PING, 0, 1, Buffer.alloc(8))],
  ["WINDOW_UPDATE by nothing", frame(Frame.WINDOW_UPDATE, 0, 0, words(0))],
  ["WINDOW_UPDATE beyond 2^31", frame(Frame.WINDOW_UPDATE, 0, 0, words(2 ** 31 - 1))],
  ["WINDOW_UPDATE of three octets", frame(Frame.WINDOW_UPDATE, 0, 0, Buffer.alloc(3))],
  ["WINDOW_UPDATE of a stream that is idle", frame(Frame.WINDOW_UPDATE, 0, 5, words(1))],
  ["DATA on no stream", data(1, 0, 0)],
  ["DATA on a stream that is idle", data(1, 0, 5)],
  ["HEADERS on no stream", headers(0, GET)],
  ["HEADERS on a stream of the server", headers(2, GET)],
  ["HEADERS with more padding than octets", frame(Frame.HEADERS, 12, 1, Buffer.of(255, 0))],
  ["HEADERS without an octet of priority", frame(Frame.HEADERS, 0x24, 1, Buffer.of(0))],
  ["RST_STREAM on no stream", frame(Frame.RST_STREAM, 0, 0, words(0))],
  ["RST_STREAM of a stream that is idle", frame(Frame.RST_STREAM, 0, 5, words(0))],
  ["RST_STREAM of three octets", frame(Frame.RST_STREAM, 0, 1, Buffer.alloc(3))],
  ["PUSH_PROMISE of a client", frame(Frame.PUSH_PROMISE, 4, 1, words(2))],
  ["GOAWAY on a stream", frame(Frame.GOAWAY, 0, 1, words(0, 0))],
  ["CONTINUATION of nothing", frame(Frame.CONTINUATION, 4, 1)],
  ["DATA within a field block", Buffer.concat([frame(Frame.HEADERS, 0, 1, fieldBlock(GET)), data(1)])],
  [
    "CONTINUATION of another stream",
    Buffer.concat([frame(Frame.HEADERS, 0, 1, fieldBlock(GET)), frame(Frame.CONTINUATION, 4, 3)]),
  ],
  ["a frame of 16385 octets", data(16_385)],
  ["HPACK: an index beyond the tables", block(0xff, 0x80, 0x01)],
  ["HPACK: an endless integer", block(...Array(20).fill(0xff))],
  ["HPACK: a table larger than allowed", block(0x3f, 0xff, 0xff, 0x03)],
  ["HPACK: a Huffman code that has no end", block(0, 0x81, 0xff, 0x81, 0xff)],
  ["HPACK: a name that is cut off", block(0, 0x10, 0x61)],
];

const floods: Fault[] = [
  [
    "CONTINUATION without end",
    Buffer.concat([
      frame(Frame.HEADERS, 0, 1, fieldBlock(GET)),
      times(4000, (i) => frame(Frame.CONTINUATION, 0, 1, fieldBlock([[`x-${i}`, "y".repeat(64)]]))),
    ]),
  ],
  [
    "CONTINUATION without octets",
    Buffer.concat([frame(Frame.HEADERS, 0, 1, fieldBlock(GET)), times(4000, () => frame(Frame.CONTINUATION, 0, 1))]),
  ],
  [
    "streams that are opened and reset",
    times(5000, (i) => Buffer.concat([headers(2 * i + 1, CONNECT), frame(Frame.RST_STREAM, 0, 2 * i + 1, words(8))])),
  ],
];

const requests: Case[] = [
  ["a name in capitals", get({ "X-A": "b" }), RESET],
  ["Connection", get({ connection: "close" }), RESET],
  ["Upgrade", get({ upgrade: "websocket" }), RESET],
  ["Transfer-Encoding", get({ "transfer-encoding": "chunked" }), RESET],
  ["Keep-Alive", get({ "keep-alive": "timeout=5" }), RESET],
  ["TE but trailers", get({ te: "gzip" }), RESET],
  ["control data after a field", headers(1, [["x-a", "b"], ...GET], Flag.END_STREAM), RESET],
  ["unknown control data", get({ ":unknown": "x" }), RESET],
  [":path twice", headers(1, [...GET, [":path", "/other"]], Flag.END_STREAM), RESET],
  [":authority twice", headers(1, [...GET, [":authority", "localhost"]], Flag.END_STREAM), RESET],
  [":status in a request", get({ ":status": "200" }), RESET],
  ["no :method", get({ ":method": null }), RESET],
  ["no :scheme", get({ ":scheme": null }), RESET],
  ["no :path", get({ ":path": null }), RESET],
  ["no authority", get({ ":authority": null }), RESET],
  ["an empty :path", get({ ":path": "" }), RESET],
  ["an absolute :path", get({ ":path": "https://localhost/" }), RESET],
  ["an absolute :path of another scheme", get({ ":scheme": "ftp", ":path": "https://localhost/" }), 400],
  ["* for GET", get({ ":path": "*" }), RESET],
  ["userinfo in :authority", get({ ":authority": "user@localhost" }), 400, RESET],
  ["two names in :authority", get({ ":authority": "localhost,evil.example" }), 421],
  ["a path in :authority", get({ ":authority": "localhost/x" }), 400, RESET],
  ["port 0", get({ ":authority": "localhost:0" }), 400],
  ["Host of another name", get({ host: "evil.example" }), 400],
  ["another name", get({ ":authority": "evil.example" }), 421],
  ["another scheme", get({ ":scheme": "http" }), 421],
  ["two Origins", headers(1, [...GET, ["origin", "https://a"], ["origin", "https://b"]], Flag.END_STREAM), 400],
  ["a foreign Origin", get({ origin: "https://evil.example" }), 403],
  [
    "an Origin with NUL, which node:http2 drops, where one is wanted",
    get({ ":authority": "strict", origin: "https://strict\0" }),
    403,
  ],
  ["an Origin after white space, where one is wanted", get({ ":authority": "strict", origin: "\thttps://evil" }), 403],
  ["Content-Length and no body", get({ "content-length": "5" }), RESET],
  ["two lengths", headers(1, [...GET, ["content-length", "5"], ["content-length", "6"]]), RESET],
  ["an invalid length", headers(1, but(GET, { "content-length": "+5" })), RESET],
  [
    "more DATA than Content-Length",
    Buffer.concat([headers(1, but(GET, { "content-length": "1", ":path": "/slow" })), data(5)]),
    RESET,
    "goaway",
  ],
  ["a head beyond headBytes", get({ "x-a": "y".repeat(17_000) }), 431],
  [
    "a head far beyond headBytes",
    get({ "x-a": "y".repeat(15_000), "x-b": "y".repeat(15_000), "x-c": "y".repeat(15_000) }),
    "reset ENHANCE_YOUR_CALM",
    431,
  ],
  [
    "more field lines than fieldLines",
    headers(1, [...GET, ...Array.from({ length: 100 }, (_, i) => [`x-${i}`, "y"] as const)], Flag.END_STREAM),
    431,
  ],
  [
    "far more field lines",
    headers(1, [...GET, ...Array.from({ length: 400 }, (_, i) => [`x-${i}`, "y"] as const)], Flag.END_STREAM),
    "reset ENHANCE_YOUR_CALM",
  ],
  [":protocol with GET", connect({ ":method": "GET" }), RESET],
  [":protocol and no :path", connect({ ":path": null }), RESET],
  [":protocol and no :scheme", connect({ ":scheme": null }), RESET],
  [":protocol and no :authority", connect({ ":authority": null, host: "localhost" }), RESET],
  ["another :protocol", connect({ ":protocol": "connect-udp" }), 501],
  ["no :protocol to speak of", connect({ ":protocol": "" }), 501, RESET],
  [
    "CONNECT",
    headers(1, [
      [":method", "CONNECT"],
      [":authority", "localhost:443"],
    ]),
    405,
  ],
  ["CONNECT that is ended", connect({}, Flag.END_STREAM), 400],
  ["CONNECT with a length", connect({ "content-length": "5" }), 400],
  ["no version", connect({ "sec-websocket-version": null }), 400],
  ["a path that no upgrade claims", connect({ ":path": "/other" }), 404],
  [
    "WINDOW_UPDATE by nothing",
    Buffer.concat([connect({}), frame(Frame.WINDOW_UPDATE, 0, 1, words(0))]),
    RESET,
    "goaway",
  ],
  [
    "WINDOW_UPDATE beyond 2^31",
    Buffer.concat([connect({}), frame(Frame.WINDOW_UPDATE, 0, 1, words(2 ** 31 - 1))]),
    "reset FLOW_CONTROL_ERROR",
    "goaway",
  ],
  [
    "DATA after END_STREAM",
    Buffer.concat([connect({}), data(1, Flag.END_STREAM), data(1)]),
    "reset STREAM_CLOSED",
    "goaway",
  ],
  [
    "trailers with control data",
    Buffer.concat([headers(1, but(GET, { ":path": "/slow" })), headers(1, [[":path", "/"]], Flag.END_STREAM)]),
    RESET,
  ],
  ["trailers of a WebSocket", Buffer.concat([connect({}), headers(1, [["x-a", "b"]])]), RESET],
  [
    "a WebSocket that waits for authorize, and more DATA than its window",
    Buffer.concat([connect({ ":path": "/never" }), times(5, () => data(16_384))]),
    "goaway",
    "reset FLOW_CONTROL_ERROR",
    "goaway",
  ],
];

const test = suite("hostile frames");
let gate: Gate;
let end: RoadEnd;
let before: { descriptors: number; resources: number };

const descriptors = (): number => readdirSync("/proc/self/fd").length;
const resources = (): number => process.getActiveResourcesInfo().filter((name) => name !== "Timeout").length;

test.before(async () => {
  end = await openRoad(roads[2]!, "adopted");
  gate = createGate({
    vhosts: [
      {
        name: "localhost",
        port: "any",
        upgrades: {
          "/live": ({ socket }) =>
            void socket
              .on("error", () => {})
              .resume()
              .write(SWITCHING),
          "/never": () => {},
        },
      },
      { name: "strict", port: "any", origins: { list: "same-authority", absent: "refuse" } },
    ],
    requests: (request, response) => {
      if (request.url === "/slow") request.resume().on("end", () => response.end());
      else response.end();
    },
    authorize: async ({ path }) => (path === "/never" ? new Promise(() => {}) : true),
    limits: { headTimeout: HEAD_TIMEOUT, idleTimeout: HEAD_TIMEOUT, lingerTimeout: HEAD_TIMEOUT, streams: STREAMS },
  });
  end.put(gate);
  before = { descriptors: descriptors(), resources: resources() };
});
test.after(() => end.close());

async function dialled(): Promise<FrameClient> {
  return new FrameClient(await end.connect());
}

/** How the connection ended on which that was sent. */
async function sent(octets: Buffer, greets: boolean): Promise<Outcome> {
  const client = await dialled();
  if (greets) await client.greet();
  for (let at = 0; at < octets.length; at += 65_536) await client.client.send(octets.subarray(at, at + 65_536));
  const outcome = await client.end();
  client.client.stream.destroy();
  return outcome;
}

for (const [name, octets] of beginnings) {
  test(`a connection begins with ${name}`, async () => {
    assert.match(String(await sent(octets, false)), /^goaway (?!NO_ERROR)/);
  });
}

for (const [name, octets] of connections) {
  test(name, async () => {
    assert.match(String(await sent(octets, true)), /^goaway (?!NO_ERROR)/);
  });
}

for (const [name, octets] of floods) {
  test(name, async () => {
    // Node counts some of them itself, and closes without a word.
    assert.match(String(await sent(octets, true)), /^(?:goaway (?!NO_ERROR)|closed)/);
  });
}

for (const [name, octets] of [
  ["nothing at all", Buffer.alloc(0)],
  ["half a preface", PREFACE.subarray(0, 10)],
  ["a preface alone", PREFACE],
  ["half a field block", Buffer.concat([hello(), frame(Frame.HEADERS, 0, 1, fieldBlock(GET))])],
] as const) {
  test(`${name}, and then silence, has its time`, async () => {
    assert.is(await sent(octets, false), "goaway NO_ERROR");
  });
}

test("a stream that is older than another is not opened any more", async () => {
  const client = await dialled();
  await client.greet();
  await client.client.send(Buffer.concat([headers(5, GET, Flag.END_STREAM), headers(3, GET, Flag.END_STREAM)]));
  assert.is(await client.outcome(5), 200);
  assert.match(String(await client.end()), /^goaway /);
  assert.not.ok(client.frames.some(({ stream }) => stream === 3));
  client.client.stream.destroy();
});

for (const [name, octets, ...wanted] of requests) {
  test(`a request: ${name}`, async () => {
    const client = await dialled();
    await client.greet();
    await client.client.send(octets);
    let outcome = await client.outcome(1);
    // A tunnel that is open when what is wrong comes in.
    if (outcome === 200) outcome = await client.endOf(1);
    // Node may destroy the socket before its GOAWAY has left.
    const isFault = /^(?:goaway (?!NO_ERROR)|closed)/.test(String(outcome));
    assert.ok(wanted.includes(isFault ? "goaway" : outcome), `${outcome}`);
    if (!isFault && !String(outcome).includes("FLOW_CONTROL")) {
      // What is wrong with a stream is nothing to the others.
      client.next = 3;
      assert.is(await client.outcome(await client.open(GET, Flag.END_STREAM)), 200);
    }
    client.client.stream.destroy();
  });
}

test("more streams than may be open", async () => {
  const client = await dialled();
  await client.greet();
  await client.ping();
  for (let i = 0; i < STREAMS; i++) assert.is(await client.outcome(await client.open(CONNECT)), 200);
  // A client that has acknowledged the limit breaks a rule with one more.
  assert.match(String(await client.outcome(await client.open(CONNECT))), /^(?:reset|goaway|closed)/);
  client.client.stream.destroy();
});

for (const [name, flood] of [
  ["SETTINGS", settings([[1, 0]])],
  ["PING", frame(Frame.PING, 0, 0, Buffer.alloc(8))],
] as const) {
  test(`${name}, and the answers are not read`, async () => {
    const stream = await end.connect();
    stream.on("error", () => {});
    stream.pause();
    stream.write(hello());
    const many = times(5000, () => flood);
    for (let i = 0; i < 200; i++) stream.write(many);
    await settled(() => -stream.writableLength);
    stream.resume();
    await until(() => stream.closed, "the flood ends");
  });
}

test("afterwards nothing is left", async () => {
  const left = (): string => `${end.open()} sockets, ${descriptors()} descriptors, ${resources()} resources`;
  const isClean = (): boolean =>
    end.open() === 0 && descriptors() <= before.descriptors && resources() <= before.resources;
  await until(isClean, () => `nothing is left: ${left()}; before: ${JSON.stringify(before)}`);
  await Promise.all(end.ends);
  assert.is(gate.pendingHeads, 0);
  assert.ok(end.ends.length > 80);
});
