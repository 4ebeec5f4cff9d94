// In:    a framer whose application sends each message back.
// Out:   the contract of framers, as cases for any test runner.
// Never: knows how the framer speaks its protocol, beyond RFC 6455.

import { once } from "node:events";
import type { Duplex } from "node:stream";
import { createGate, type Gate } from "../gate.js";
import type { Framer, FramerLike, Handover } from "../handover/framer.js";
import { http2 } from "../handover/node-modules.js";
import { checkSettings, describe } from "../head/options.js";
import type { DrainCounts } from "../outcome/drain.js";
import { Client } from "./client.js";
import { type ContractCase, demand, inTime, until } from "./contract.js";
import { type FramerRoad, type FramerRoadEnd, framerRoads } from "./roads.js";
import { closeFrame, frame, Opcode, WebSocketClient } from "./websocket.js";

/** Of `framerContract`. */
export interface FramerContractOptions {
  /**
   * Makes the framer, one for each case. The application on its WebSockets sends each message back as it came: a text as a text, octets
   * as octets.
   */
  framer: () => FramerLike | Promise<FramerLike>;
  /** Default: adopted and guarded, over HTTP/1.1 and HTTP/2. */
  roads?: readonly FramerRoad[] | undefined;
  /** Milliseconds without news after which a case fails; default 5000. */
  patience?: number | undefined;
}

const MEBIBYTE = 1 << 20;
const LENGTHS = [0, 1, 125, 126, 65_535, 65_536, MEBIBYTE];
const OCTETS = Buffer.from(Array.from({ length: MEBIBYTE }, (_, i) => i % 251));
const PATH = "/contract";

/** A framer on a road, and its clients. */
class Bench {
  readonly patience: number;
  readonly framer: Framer;
  readonly gate: Gate;
  /** What the framer was given, in order. */
  readonly sockets: Duplex[] = [];
  readonly #road: FramerRoad;
  readonly #leaving: (() => Promise<void>)[] = [];
  #end: FramerRoadEnd | undefined;

  constructor(road: FramerRoad, framer: FramerLike, patience: number) {
    this.#road = road;
    this.patience = patience;
    this.framer = typeof framer === "function" ? { take: framer } : (framer as Framer);
    const { drain } = this.framer;
    const watched: Framer = {
      take: (handover: Handover) => {
        this.sockets.push(handover.socket);
        return this.framer.take(handover);
      },
      ...(drain !== undefined && { drain: (socket: Duplex, code: number) => drain.call(this.framer, socket, code) }),
    };
    this.gate = createGate({
      vhosts: [{ name: "localhost", port: "any", upgrades: { [PATH]: watched } }],
      http2: { cleartext: true },
    });
  }

  async begin(): Promise<void> {
    this.#end = await this.#road.open(this.gate);
  }

  /** A WebSocket. `early`: what the client sends with its head. */
  async open(early: Buffer = Buffer.alloc(0)): Promise<WebSocketClient> {
    const wire = await this.#end!.connect();
    if (this.#road.version === "HTTP/1.1") {
      const client = new Client(wire, this.patience);
      this.#leaving.push(() => client.leave());
      return WebSocketClient.over1(client, PATH, early);
    }
    const session = http2().connect("http://localhost", { createConnection: () => wire });
    session.on("error", () => {});
    this.#leaving.push(async () => session.destroy());
    await inTime(once(session, "remoteSettings"), this.patience, () => "the server has sent no SETTINGS");
    return WebSocketClient.over2(session, PATH, early, this.patience);
  }

  /** Sends a message, and compares what comes back. */
  async echo(webSocket: WebSocketClient, payload: string | Buffer): Promise<void> {
    const isBinary = typeof payload !== "string";
    webSocket.write(frame(isBinary ? Opcode.BINARY : Opcode.TEXT, payload));
    await this.receives(webSocket, payload, `a message of ${payload.length} octets`);
  }

  async receives(webSocket: WebSocketClient, payload: string | Buffer, what: string): Promise<void> {
    const isBinary = typeof payload !== "string";
    const back = await webSocket.message(
      `${what} has not come back; a framer has to resume its socket once it listens`,
    );
    demand(back !== null, `the connection has ended, and ${what} has not come back`);
    demand(back.isBinary === isBinary, `${what} has come back as ${isBinary ? "a text" : "octets"}`);
    const [got, sent] = [back.payload, Buffer.from(payload as string)];
    demand(
      got.equals(sent),
      `${what} has come back as ${got.length} octets that differ from it: ${shown(got)}, not ${shown(sent)}`,
    );
  }

  /** What was given so far has a listener of 'error'. */
  hears(): void {
    for (const socket of this.sockets) {
      demand(
        socket.destroyed || socket.listenerCount("error") > 0,
        "the framer does not listen for 'error' on its socket; a client that resets its connection ends the process",
      );
    }
  }

  /** Its clients go, without a close. */
  async leave(): Promise<void> {
    for (const leave of this.#leaving.splice(0)) await leave();
  }

  /** Every connection is back: the framer has closed what its clients have left, and the gate knows of it. */
  async over(): Promise<void> {
    await until(
      () => this.gate.metrics().gauges.handedOver === 0,
      this.patience,
      () => {
        const open = this.sockets.filter(({ destroyed }) => !destroyed).length;
        return open > 0
          ? `${open} of ${this.sockets.length} sockets are open after their clients have gone; the framer has to end them`
          : "the gate still counts sockets that have closed; the framer has removed its listener of 'close'";
      },
    );
  }

  async end(): Promise<void> {
    await this.leave();
    await this.#end!.close();
  }
}

const shown = (octets: Buffer): string => JSON.stringify(octets.toString("latin1", 0, 40));

type Check = (bench: Bench) => Promise<void>;

const checks: Readonly<Record<string, Check>> = {
  async "answers the opening handshake, and listens for errors"(bench) {
    const webSocket = await bench.open();
    await bench.echo(webSocket, "hello");
    bench.hears();
  },

  async "octets that come with the head are read first, once, and in order"(bench) {
    const [one, two] = [frame(Opcode.TEXT, "one"), frame(Opcode.TEXT, "two")];
    for (const length of [1, one.length, one.length + 3, one.length + two.length]) {
      const both = Buffer.concat([one, two]);
      const webSocket = await bench.open(both.subarray(0, length));
      webSocket.write(Buffer.concat([both.subarray(length), frame(Opcode.TEXT, "three")]));
      for (const text of ["one", "two", "three"]) {
        const where = `the message "${text}", of which ${length} octets in all came with the head,`;
        await bench.receives(webSocket, text, where).catch((error: Error) => {
          error.message += "; handover.rest has the octets after the head, and no other copy exists";
          throw error;
        });
      }
      await webSocket.client.leave();
    }
  },

  async "texts and octets of every length"(bench) {
    const webSocket = await bench.open();
    for (const length of LENGTHS) {
      await bench.echo(webSocket, "x".repeat(length));
      await bench.echo(webSocket, OCTETS.subarray(0, length));
    }
  },

  async "fragments are one message"(bench) {
    const webSocket = await bench.open();
    webSocket.write(frame(Opcode.TEXT, "one ", false));
    webSocket.write(frame(Opcode.CONTINUATION, "two ", false));
    webSocket.write(frame(Opcode.CONTINUATION, "three"));
    await bench.receives(webSocket, "one two three", "a message in three fragments");
  },

  async "many messages at once keep their order"(bench) {
    const webSocket = await bench.open();
    const texts = Array.from({ length: 500 }, (_, i) => `message ${i}`);
    webSocket.write(Buffer.concat(texts.map((text) => frame(Opcode.TEXT, text))));
    for (const text of texts) await bench.receives(webSocket, text, `"${text}" of 500`);
  },

  async "a client that pauses loses nothing"(bench) {
    const webSocket = await bench.open();
    const { stream } = webSocket.client;
    stream.pause();
    for (let i = 0; i < 8; i++) webSocket.write(frame(Opcode.BINARY, OCTETS));
    await new Promise((resolve) => setTimeout(resolve, 50));
    stream.resume();
    for (let i = 0; i < 8; i++)
      await bench.receives(webSocket, OCTETS, `message ${i + 1} of 8 to a client that paused`);
  },

  async "a ping is answered"(bench) {
    const webSocket = await bench.open();
    webSocket.write(frame(Opcode.PING, "are you there"));
    const pong = await webSocket.next("a ping has no answer");
    demand(
      pong?.opcode === Opcode.PONG && String(pong.payload) === "are you there",
      `a ping is answered with ${pong === null ? "the end of the connection" : `opcode ${pong.opcode}`}, not with its pong`,
    );
  },

  async "a client's close is answered, and the connection ends"(bench) {
    const webSocket = await bench.open();
    webSocket.write(closeFrame(4000));
    const code = await webSocket.closeCode("a close frame has no answer");
    demand(code === 4000, `a close frame with 4000 is answered with ${code}`);
    await webSocket.client.closed("the connection is open after both close frames");
  },

  async "a client that goes without a close leaves nothing"(bench) {
    for (let i = 0; i < 3; i++) {
      const webSocket = await bench.open();
      await bench.echo(webSocket, "hello");
      await webSocket.client.leave();
    }
  },
};

const drainChecks: Readonly<Record<string, Check>> = {
  async "drain closes the socket that it is given, with the code that it is given"(bench) {
    const [one, other] = [await bench.open(), await bench.open()];
    await bench.echo(one, "hello");
    bench.framer.drain!(bench.sockets[0]!, 4001);
    const code = await one.closeCode("drain(socket, 4001) has sent no close frame to its client");
    demand(code === 4001, `drain(socket, 4001) has closed the WebSocket with ${code}`);
    one.write(closeFrame(4001));
    await one.client.closed("a connection is open after drain and the client's close frame");
    await bench.echo(other, "drain(socket) is for that socket alone");
  },

  async "gate.drain() ends its connections in time"(bench) {
    const all = [await bench.open(), await bench.open()];
    for (const webSocket of all) await bench.echo(webSocket, "hello");
    const controller = new AbortController();
    const drained = bench.gate.drain({ closeCode: 1012, signal: controller.signal });
    for (const webSocket of all) {
      const code = await webSocket.closeCode("gate.drain() has sent no close frame");
      demand(code === 1012, `gate.drain({ closeCode: 1012 }) has closed a WebSocket with ${code}`);
      webSocket.write(closeFrame(1012));
    }
    let counts: DrainCounts | undefined;
    void drained.then((each) => {
      counts = each;
    });
    await until(
      () => counts !== undefined,
      bench.patience,
      () => "gate.drain() still waits for sockets after both close frames; the framer has to end them",
    ).finally(() => controller.abort());
    demand(counts!.cut === 0, `gate.drain() had to cut ${counts!.cut} connections`);
  },
};

const closeChecks: Readonly<Record<string, Check>> = {
  async "close closes all that it took, and resolves when they are closed"(bench) {
    const all = [await bench.open(), await bench.open()];
    let isClosed = false;
    const closed = bench.framer.close!(1001).then(() => {
      isClosed = true;
    });
    for (const webSocket of all) {
      const code = await webSocket.closeCode("close(1001) has sent no close frame");
      demand(code === 1001, `close(1001) has closed a WebSocket with ${code}`);
    }
    demand(!isClosed, "close(1001) has resolved before its clients have answered");
    for (const webSocket of all) webSocket.write(closeFrame(1001));
    await inTime(closed, bench.patience, () => "close(1001) has not resolved after both close frames");
  },

  async "close with a signal that is aborted cuts what is left"(bench) {
    const webSocket = await bench.open();
    const closed = bench.framer.close!(1001, AbortSignal.abort());
    await inTime(closed, bench.patience, () => "close(1001, signal) waits for a client although its signal is aborted");
    await webSocket.client.closed("close(1001, signal) has resolved, and the connection is open");
  },
};

const settings = ["framer", "roads", "patience"];

/**
 * The contract of a framer, as a list of cases: `for (const { name, run } of framerContract({ framer })) test(name, run)`. Each opens a
 * gate and a server on 127.0.0.1 and closes them. `drain` and `close` are checked where the framer has them.
 *
 * Throws `TypeError` for options of another form.
 */
export function framerContract(options: FramerContractOptions): ContractCase[] {
  checkSettings(options, settings, "a framer's contract", "write { framer: () => wsFramer(wss) }");
  const { framer, roads = framerRoads, patience = 5000 } = options;
  if (typeof framer !== "function") {
    throw new TypeError(`framer is ${describe(framer)}; it must be a function that makes one: () => wsFramer(wss)`);
  }
  const all: [string, Check, keyof Framer | null][] = [
    ...entries(checks, null),
    ...entries(drainChecks, "drain"),
    ...entries(closeChecks, "close"),
  ];
  return roads.flatMap((road) =>
    all.map(([name, check, method]) => ({
      name: `${road.name}: ${name}`,
      async run() {
        const bench = new Bench(road, await framer(), patience);
        if (method !== null && bench.framer[method] === undefined) return;
        await bench.begin();
        try {
          await check(bench);
          await bench.leave();
          await bench.over();
        } finally {
          await bench.end();
        }
      },
    })),
  );
}

const entries = (
  some: Readonly<Record<string, Check>>,
  method: keyof Framer | null,
): [string, Check, keyof Framer | null][] => Object.entries(some).map(([name, check]) => [name, check, method]);
