// In:    a way in, a port, a seed.
// Out:   one client that behaves as the seed has it: wrongly, rudely, or well; resolves when it is gone.
// Never: examines what comes back.

import net from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import { type Fields, Flag, Frame, frame, headers, hello, words } from "./http2-frames.js";
import { seeded } from "./mutations.js";
import { answers, framers, verdicts, type Way } from "./stress-ways.js";
import { cutUp, octetsOf } from "./tcp.js";
import { handshakeFields } from "./world.js";

/** Draws what happens. */
class Dice {
  readonly next: () => number;

  constructor(seed: number) {
    this.next = seeded(seed);
  }

  below(count: number): number {
    return this.next() % count;
  }

  once(in_: number): boolean {
    return this.below(in_) === 0;
  }

  of<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)]!;
  }
}

const upgradePath = (dice: Dice): string => `/upgrade/${dice.of(verdicts)}/${dice.of(framers)}`;
const host = (dice: Dice): string => (dice.once(8) ? dice.of(["evil.example", "a b", "localhost:0"]) : "localhost");

/** One request of HTTP/1.1, or something that is not a request. */
function request1(dice: Dice): string {
  const more = dice.once(10)
    ? dice.of(["Origin: https://evil.example\r\n", "Connection: close\r\n", "Expect: 100-continue\r\n"])
    : "";
  const path = `/${dice.of(answers)}`;
  const fields = `Host: ${host(dice)}\r\n${more}`;
  switch (dice.below(10)) {
    case 0:
      return `POST ${path} HTTP/1.1\r\n${fields}Content-Length: 20\r\n\r\n${"y".repeat(dice.of([20, 7]))}`;
    case 1:
      return `POST ${path} HTTP/1.1\r\n${fields}Transfer-Encoding: chunked\r\n\r\n${dice.of(["3\r\nabc\r\n0\r\n\r\n", "3\r\nab", "x\r\n"])}`;
    case 2:
      return dice.of([
        `GET ${path} HTTP/1.1\r\nHo`,
        "GET  / HTTP/1.1\r\n\r\n",
        "\x80\x81\x82\x83",
        "\x00\x01\x02",
        "",
        `HEAD ${path} HTTP/1.0\r\n${fields}\r\n`,
      ]);
    case 3:
    case 4:
    case 5:
      return `GET ${upgradePath(dice)} HTTP/1.1\r\n${fields}${handshakeFields}\r\n${dice.once(4) ? "\x81\x00early" : ""}`;
    default:
      return `GET ${path} HTTP/1.1\r\n${fields}\r\n`;
  }
}

function http1(dice: Dice): Buffer {
  return octetsOf(Array.from({ length: 1 + dice.below(3) }, () => request1(dice)).join(""));
}

/** One stream of HTTP/2, and what is done to it. */
function stream2(dice: Dice, stream: number, scheme: string): Buffer {
  const common = (method: string, path: string): Fields => [
    [":method", method],
    [":scheme", scheme],
    [":authority", host(dice)],
    [":path", path],
  ];
  const path = `/${dice.of(answers)}`;
  const frames: Buffer[] = [];
  switch (dice.below(6)) {
    case 0:
      frames.push(headers(stream, common("POST", path)), frame(Frame.DATA, dice.of([0, 1]), stream, Buffer.alloc(20)));
      break;
    case 1:
    case 2: {
      const [method, scheme2, ...rest] = common("CONNECT", upgradePath(dice));
      const fields = [
        method!,
        [":protocol", "websocket"],
        scheme2!,
        ...rest,
        ["sec-websocket-version", "13"],
      ] as Fields;
      frames.push(headers(stream, fields));
      if (dice.once(3)) frames.push(frame(Frame.DATA, 0, stream, Buffer.from([0x81, 0])));
      break;
    }
    case 3:
      frames.push(headers(stream, common(dice.of(["HEAD", "GET", "DELETE"]), path)));
      break;
    default:
      frames.push(headers(stream, common("GET", path), Flag.END_STREAM));
  }
  if (dice.once(5)) frames.push(frame(Frame.RST_STREAM, 0, stream, words(dice.of([0, 2, 8]))));
  return Buffer.concat(frames);
}

function http2(dice: Dice, scheme: string): Buffer {
  const frames = [dice.once(20) ? hello().subarray(0, 12) : hello()];
  for (let i = 0, count = 1 + dice.below(6); i < count; i++) frames.push(stream2(dice, 2 * i + 1, scheme));
  if (dice.once(8)) {
    const rude = [
      frame(Frame.GOAWAY, 0, 0, words(0, 0)),
      frame(Frame.DATA, 0, 0),
      frame(Frame.PING, 0, 0, Buffer.alloc(8)),
    ];
    frames.push(dice.of([...rude, frame(Frame.WINDOW_UPDATE, 0, 0, words(0)), Buffer.alloc(40, "z")]));
  }
  return Buffer.concat(frames);
}

const proxyHeader = (dice: Dice): string =>
  dice.once(8)
    ? dice.of(["PROXY UNKNOWN\r\n", "PROXY TCP4 x\r\n", "PROXY TCP4 192.0.2", ""])
    : "PROXY TCP4 192.0.2.7 192.0.2.1 5000 443\r\n";

/** The first octets of a TLS client. */
const clientHello = new Promise<Buffer>((resolve) => {
  const server = net.createServer((socket) => {
    socket.once("data", (octets) => {
      resolve(octets);
      socket.destroy();
      server.close();
    });
  });
  server.listen(0, "127.0.0.1", () => {
    tls.connect({ port: (server.address() as net.AddressInfo).port, host: "127.0.0.1" }).on("error", () => {});
  });
});

/** What goes over the wire, within TLS where the way has it and the client keeps to it. */
export async function misbehave({ door, secure, speaks }: Way, port: number, seed: number): Promise<void> {
  const dice = new Dice(seed);
  const wire = net.connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: dice.once(2) });
  wire.on("error", () => {});
  const closed = new Promise((resolve) => wire.once("close", resolve));
  if (door === "adopted behind PROXY") wire.write(proxyHeader(dice));
  let octets = speaks === "h2" ? http2(dice, secure ? "https" : "http") : http1(dice);
  let stream: Duplex = wire;
  if (dice.once(12)) {
    const first = await clientHello;
    octets = dice.of([octets, first.subarray(0, dice.below(first.length)), Buffer.concat([first, octets])]);
  } else if (secure) {
    const ALPNProtocols = [speaks === "h2" ? "h2" : "http/1.1"];
    stream = tls.connect({ socket: wire, rejectUnauthorized: false, ALPNProtocols, servername: "localhost" });
    stream.on("error", () => {});
  }
  // Some clients do not read.
  if (!dice.once(8)) stream.resume();
  if (dice.once(4)) octets = octets.subarray(0, dice.below(octets.length + 1));
  for (const piece of cutUp(octets, dice.once(2) ? "whole" : dice.next())) {
    if (stream.destroyed || stream.writableEnded) break;
    stream.write(piece);
    await new Promise(setImmediate);
  }
  await Promise.race([closed, sleep(dice.once(4) ? 250 : 1 + dice.below(60))]);
  const leave = dice.below(3);
  if (leave === 0) stream.end();
  if (leave === 1) wire.resetAndDestroy();
  if (leave === 0) await Promise.race([closed, sleep(1 + dice.below(60))]);
  stream.destroy();
  wire.destroy();
  await closed;
}
