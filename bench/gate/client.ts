// In:    on stdin, one order a line, as JSON.
// Out:   on stdout, one line of JSON for each: what went wrong, an empty list at best, and how long it took.
// Never: parses more of an answer than shows that it is the right one and whole.

import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { connect as connectTls } from "node:tls";
import { ACCEPT, ECHO, FRAME, HANDSHAKE } from "./octets.js";

export interface Order {
  /**
   * `upgrade`: send `octets`, wait for the 101, close. `refusal`: send `octets`, wait for a whole response and the end.
   * `requests`: send `octets` and wait for a whole response, again and again on each connection.
   * `hold`: send `octets` and leave the connection open, until `release`; `idle`: wait for a whole response before; `open`: for the
   * 101, and note how long it took.
   * `echo`: upgrade, then exchange messages.
   */
  readonly act: "upgrade" | "refusal" | "requests" | "hold" | "idle" | "open" | "release" | "echo";
  readonly port: number;
  readonly octets: string;
  /** Connections in all, and at one time. For `echo` and `requests`: messages or requests in all, and connections. */
  readonly count: number;
  readonly concurrency: number;
  /** The status code of the right answer; 0 where none comes. */
  readonly status: number;
  /** For `requests`: how many are sent at once on a connection, 1 by default; and whether it is one of TLS. */
  readonly pipelined?: number;
  readonly tls?: boolean;
}

export interface Outcome {
  readonly faults: string[];
  readonly milliseconds: number;
  /** For `open`: milliseconds from the call of `connect` to the 101, one for each connection. */
  readonly waits: readonly number[];
}

/** Messages that one connection has under way. */
const WINDOW = 16;
const held: Socket[] = [];
let waits: number[] = [];

/** Opens connections, `concurrency` at a time; `one` calls its argument when it is through. */
function repeat({ count, concurrency }: Order, one: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    let begun = 0;
    let through = 0;
    const next = (): void => {
      if (begun < count) {
        begun++;
        one(next);
      }
    };
    const counted = (done: () => void) => () => {
      if (++through === count) resolve();
      else done();
    };
    const first = one;
    one = (done) => first(counted(done));
    for (let i = 0; i < Math.min(count, concurrency); i++) next();
  });
}

/** `count` responses, and nothing else. */
function areWhole(responses: string, status: number, count: number): boolean {
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (!responses.startsWith(`HTTP/1.1 ${status} `, at)) return false;
    const end = responses.indexOf("\r\n\r\n", at);
    if (end < 0) return false;
    const length = /\r\ncontent-length: *(\d+)/i.exec(responses.slice(at, end))?.[1] ?? "0";
    at = end + 4 + Number(length);
  }
  return at === responses.length;
}

const isWhole = (response: string, status: number): boolean => areWhole(response, status, 1);

const accepted = `Sec-WebSocket-Accept: ${ACCEPT}\r\n`;

function upgrade(order: Order, faults: string[], done: () => void): void {
  const socket = connect(order.port, "127.0.0.1", () => socket.write(order.octets, "latin1"));
  socket.on("data", (octets: Buffer) => {
    const response = octets.toString("latin1");
    if (!response.startsWith("HTTP/1.1 101 ") || !response.includes(accepted)) faults.push(response);
    socket.destroy();
  });
  socket.on("error", (error) => faults.push(String(error)));
  socket.on("close", done);
}

function refusal(order: Order, faults: string[], done: () => void): void {
  let response = "";
  const socket = connect(order.port, "127.0.0.1", () => socket.write(order.octets, "latin1"));
  socket.on("data", (octets: Buffer) => {
    response += octets.toString("latin1");
  });
  socket.on("error", (error) => faults.push(String(error)));
  socket.on("close", () => {
    if (!isWhole(response, order.status)) faults.push(`no whole ${order.status}: ${JSON.stringify(response)}`);
    done();
  });
}

function idle(order: Order, faults: string[], done: () => void): void {
  let response = "";
  const socket = connect(order.port, "127.0.0.1", () => socket.write(order.octets, "latin1"));
  socket.on("error", (error) => faults.push(String(error)));
  socket.on("data", (octets: Buffer) => {
    response += octets.toString("latin1");
    if (isWhole(response, order.status)) done();
  });
  held.push(socket);
}

function hold(order: Order, faults: string[], done: () => void): void {
  const socket = connect(order.port, "127.0.0.1", () => socket.write(order.octets, "latin1", () => done()));
  socket.on("error", (error) => faults.push(String(error)));
  held.push(socket);
}

function open(order: Order, faults: string[], done: () => void): void {
  const begin = performance.now();
  let response = "";
  const socket = connect(order.port, "127.0.0.1", () => socket.write(order.octets, "latin1"));
  const ended = (error: unknown): void => {
    faults.push(String(error));
    done();
  };
  socket.on("error", ended);
  socket.on("data", (octets: Buffer) => {
    response += octets.toString("latin1");
    if (!response.endsWith("\r\n\r\n")) return;
    waits.push(performance.now() - begin);
    if (!response.startsWith("HTTP/1.1 101 ") || !response.includes(accepted)) faults.push(response);
    socket.removeListener("error", ended).on("error", (error) => faults.push(String(error)));
    done();
  });
  held.push(socket);
}

/** One connection's share of messages, a window of them under way at a time. */
function exchange(order: Order, faults: string[], done: () => void): void {
  const frames = Buffer.concat(new Array(WINDOW).fill(FRAME));
  const echoes = Buffer.concat(new Array(WINDOW).fill(ECHO));
  let windows = Math.ceil(order.count / order.concurrency / WINDOW);
  let received = -1;
  const socket = connect({ port: order.port, host: "127.0.0.1", noDelay: true }, () => socket.write(HANDSHAKE));
  const send = (): void => {
    received = 0;
    if (windows-- > 0) socket.write(frames);
    else socket.destroy();
  };
  socket.on("data", (octets: Buffer) => {
    if (received < 0) {
      if (!octets.includes(accepted)) faults.push(octets.toString("latin1"));
      send();
      return;
    }
    if (octets.compare(echoes, received, received + octets.length) !== 0) faults.push("no echo");
    received += octets.length;
    if (received === echoes.length) send();
  });
  socket.on("error", (error) => faults.push(String(error)));
  socket.on("close", done);
}

/** One connection's share of requests, one after another. */
function ask(order: Order, faults: string[], done: () => void): void {
  const { port, pipelined = 1, tls = false } = order;
  const octets = order.octets.repeat(pipelined);
  let left = Math.ceil(order.count / order.concurrency / pipelined);
  let response = "";
  const send = () => socket.write(octets, "latin1");
  const to = { port, host: "127.0.0.1", noDelay: true };
  const socket: Socket = tls ? connectTls({ ...to, rejectUnauthorized: false }, send) : connect(to, send);
  socket.on("data", (received: Buffer) => {
    response += received.toString("latin1");
    if (!areWhole(response, order.status, pipelined)) return;
    response = "";
    if (--left > 0) send();
    else socket.destroy();
  });
  socket.on("error", (error) => faults.push(String(error)));
  socket.on("close", () => {
    if (left > 0) faults.push(`no whole ${order.status}: ${JSON.stringify(response)}`);
    done();
  });
}

async function obey(order: Order): Promise<string[]> {
  const faults: string[] = [];
  if (order.act === "release") {
    await Promise.all(held.splice(0).map((socket) => new Promise((resolve) => socket.on("close", resolve).destroy())));
  } else if (order.act === "echo" || order.act === "requests") {
    const act = order.act === "echo" ? exchange : ask;
    const connections = { ...order, count: order.concurrency };
    await repeat(connections, (done) => act(order, faults, done));
  } else {
    const act = { upgrade, refusal, hold, idle, open }[order.act];
    await repeat(order, (done) => act(order, faults, done));
  }
  return faults.slice(0, 3);
}

createInterface(process.stdin).on("line", async (line) => {
  const begin = performance.now();
  waits = [];
  const faults = await obey(JSON.parse(line) as Order);
  process.stdout.write(`${JSON.stringify({ faults, milliseconds: performance.now() - begin, waits })}\n`);
});
process.stdin.on("end", () => process.exit());
