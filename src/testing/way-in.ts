// In:    a way in: how clients connect, and that what they connect to ends at the contract's gate.
// Out:   the contract of ways in: no octet lost, reordered or handled twice; one end for each socket; nothing left.
// Never: knows how the way works.

import type { Duplex } from "node:stream";
import { checkSettings, describe } from "../head/options.js";
import { Client } from "./client.js";
import { type ContractCase, demand, until } from "./contract.js";
import { type ContractState, HEAD_TIMEOUT } from "./way-in-gate.js";
import { handshake } from "./websocket.js";

/** A way in that is open. */
export interface WayIn {
  /** A client's end of a new connection. */
  connect(): Promise<Duplex>;
  close(): Promise<void>;
}

/** Of `wayInContract`. */
export interface WayInContractOptions {
  /** Opens the way; called once, by the first case. It leads to a `wayInGate`. */
  open: () => Promise<WayIn>;
  /** It takes upgrades alone, and only as the first request. */
  upgradesOnly?: boolean | undefined;
  /** Something else reads the head, and keeps the time for it. */
  headIsRead?: boolean | undefined;
  /** Whether anything was written is not seen, so that a framer which throws is not answered for. */
  countsNothing?: boolean | undefined;
  /** Each connection has a process of its own, so that nothing can be left. */
  ownProcess?: boolean | undefined;
  /** Milliseconds without news after which a case fails; default 5000. */
  patience?: number | undefined;
}

/** The cases of one way, and what closes it after the last of them. */
export interface WayInContract {
  readonly cases: readonly ContractCase[];
  close(): Promise<void>;
}

const upgrade = (path: string, host = "a"): string => handshake(host, path);
const head = Buffer.from(upgrade("/echo"));
/** Every octet there is, more than one read of a socket takes. */
const AFTER = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256));
const settings = ["open", "upgradesOnly", "headIsRead", "countsNothing", "ownProcess", "patience"];
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Sends pieces, each in a turn of its own of the event loop, so that each arrives alone. */
async function send(client: Client, ...pieces: (string | Buffer)[]): Promise<void> {
  for (const piece of pieces) {
    if (client.stream.destroyed || client.stream.writableEnded) return;
    client.stream.write(piece);
    await turn();
  }
}

/** The status code of the next response, and its content; 0 if the connection ends without one. */
async function answer(client: Client, what: string): Promise<{ status: number; body: string }> {
  const text = await client.takeThrough("\r\n\r\n", `${what} has no answer`);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0);
  const length = Number(/^content-length: *(\d+)/im.exec(text)?.[1] ?? 0);
  return { status, body: String(await client.take(length, `${what} has half an answer`)) };
}

/**
 * The contract of a way in, as cases that run in their order: `for (const { name, run } of contract.cases) test(name, run)`, and
 * `contract.close` after the last one. Throws `TypeError` for options of another form.
 */
export function wayInContract(options: WayInContractOptions): WayInContract {
  checkSettings(options, settings, "a way in's contract", "write { open: async () => ({ connect, close }) }");
  const { open, patience = 5000, ownProcess = false } = options;
  if (typeof open !== "function") {
    throw new TypeError(
      `open is ${describe(open)}; it must be a function that opens the way: async () => ({ connect, close })`,
    );
  }
  let opened: Promise<{ way: WayIn; first: ContractState | null }> | undefined;
  const begun = (): NonNullable<typeof opened> =>
    (opened ??= open().then(async (way) => ({ way, first: ownProcess ? null : await stateOn(way) })));
  const connect = async (): Promise<Client> => new Client(await (await begun()).way.connect(), patience);

  async function stateOn(way: WayIn): Promise<ContractState> {
    const client = new Client(await way.connect(), patience);
    await send(client, upgrade("/state"));
    await client.closed("an upgrade to /state does not end");
    const text = client.received.toString("latin1");
    await client.leave();
    return JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4)) as ContractState;
  }
  const state = async (): Promise<ContractState> => stateOn((await begun()).way);

  async function comesBack(client: Client, what: string): Promise<void> {
    const { status } = await answer(client, what);
    demand(status === 101, `${what} is answered with ${status}, and not with 101`);
    const back = await client.take(
      AFTER.length,
      `of ${AFTER.length} octets after the head not all have come back: ${what}`,
    );
    const at = AFTER.findIndex((octet, i) => octet !== back[i]);
    demand(at === -1, `octet ${at} after the head is ${back[at] ?? "missing"}, and not ${AFTER[at]}: ${what}`);
  }

  async function echoes(what: string, ...pieces: Buffer[]): Promise<void> {
    const client = await connect();
    await send(client, ...pieces);
    await comesBack(client, what);
    client.stream.end();
    await client.closed(`a connection is open after its client has ended it: ${what}`);
    await client.leave();
  }

  async function answered(octets: string, status: number, what: string): Promise<void> {
    const client = await connect();
    await send(client, octets);
    const { status: got } = await answer(client, what);
    await client.closed(`${what} leaves the connection open`);
    await client.leave();
    demand(got === status, `${what} is answered with ${got}, and not with ${status}`);
  }

  const whole = Buffer.concat([head, AFTER]);
  const cases: Record<string, (() => Promise<void>) | false | undefined> = {
    "whole, octets after the head in one piece with it": () => echoes("a head and 70000 octets in one piece", whole),
    "octet by octet": () => echoes("a head octet by octet", ...Array.from(head, (octet) => Buffer.of(octet)), AFTER),
    async "at cuts in two"() {
      const cuts = ownProcess
        ? [1, head.length]
        : [1, 15, 16, 40, head.length - 2, head.length - 1, head.length, head.length + 1];
      for (const cut of cuts) await echoes(`a cut after octet ${cut}`, whole.subarray(0, cut), whole.subarray(cut));
    },
    async "authorize takes its time, and octets come meanwhile"() {
      const client = await connect();
      await send(client, Buffer.concat([Buffer.from(upgrade("/late")), AFTER.subarray(0, 1000)]), AFTER.subarray(1000));
      await comesBack(client, "an upgrade that waits for authorize");
      await client.leave();
    },
    "pipelined requests, then an upgrade":
      !options.upgradesOnly &&
      (async () => {
        const client = await connect();
        const posted = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
        await send(client, Buffer.concat([Buffer.from(posted + posted), head, AFTER]));
        for (const which of ["first", "second"]) {
          const { status, body } = await answer(client, `the ${which} of two requests before an upgrade`);
          demand(
            status === 200 && body === "hello",
            `the ${which} of two requests is answered with ${status}: ${body}`,
          );
        }
        await comesBack(client, "an upgrade after two requests");
        await client.leave();
      }),
    async "a refusal, a framer that throws, an authorize that never answers"() {
      await answered(upgrade("/echo", "other"), 421, "an upgrade for an unknown host");
      await answered(upgrade("/throw"), options.countsNothing ? 0 : 500, "an upgrade whose framer throws");
      await answered(upgrade("/never"), 503, "an upgrade for which authorize never answers");
    },
    "half a head is answered 408 at its deadline, and silence with nothing":
      !options.headIsRead &&
      (async () => {
        const began = performance.now();
        await Promise.all([
          answered(upgrade("/echo").slice(0, 30), 408, "half a head"),
          ownProcess ? null : answered("", 0, "a client that sends nothing"),
        ]);
        const took = performance.now() - began;
        demand(took >= HEAD_TIMEOUT - 50, `half a head was answered after ${took.toFixed()} ms, before its deadline`);
      }),
    "a client that ends within its head":
      !options.headIsRead &&
      (async () => {
        const client = await connect();
        await send(client, "GET / HT");
        client.stream.end();
        await client.closed("a connection is open after its client has ended it within the head");
        demand(client.received.length === 0, `half a head is answered with ${client.received}`);
        await client.leave();
      }),
    async "a client that vanishes at each step"() {
      for (const octets of [
        "",
        "GET / HTTP/1.1\r\nHo",
        upgrade("/never"),
        upgrade("/echo"),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1",
      ]) {
        // A program that is started by a connection waits for one that speaks.
        if (octets === "" && ownProcess) continue;
        const client = await connect();
        await send(client, octets);
        // One that came later has been answered, so that this one is at its step.
        if (!ownProcess) await state();
        await client.leave();
      }
    },
    "afterwards nothing is left: each socket has ended, every descriptor and listener is back":
      !ownProcess &&
      (async () => {
        const { first } = await begun();
        let last = await state();
        await until(
          async () => {
            // The connection that asks has not ended when it is answered.
            if (last.adopted === last.ended + 1 && last.sockets <= first!.sockets) return true;
            last = await state();
            return false;
          },
          patience,
          () => `not all have ended: ${JSON.stringify(last)}; at first ${first!.sockets} sockets were open`,
        );
        demand(last.pendingHeads === 0, `the gate still waits for ${last.pendingHeads} heads`);
        // A drain needs the close of a socket that has another owner; the echo listens for 'error'.
        const others = last.leftBehind.filter((name) => name !== "close" && name !== "error");
        demand(others.length === 0, `framers got sockets with listeners for ${others.join(", ")}`);
      }),
  };
  return {
    cases: Object.entries(cases).flatMap(([name, run]) => (run ? [{ name, run }] : [])),
    async close() {
      const way = (await opened)?.way;
      await way?.close();
    },
  };
}
