// In:    octets of one connection, and how they are cut.
// Out:   nothing where our parser in the seat gives node:http the same requests as Node's own, or refuses with a code; else an error
//        that shows both.
// Never: opens a socket: both parsers call the same functions of node:http.

import type { IncomingMessage } from "node:http";
import type { Engine } from "#src/engine/engine.js";
import { startEngine } from "#src/engine/seat.js";
import type { SeatParser } from "#src/engine/seat-parser.js";
import { same } from "./differential.js";
import { type Cut, cutUp } from "./tcp.js";

interface SeatTally {
  connections: number;
  /** Requests that both parsers have read. */
  requests: number;
  /** Connections that ours refuses, by the code of the error, where Node's goes on. */
  stricter: Map<string, number>;
  /** Connections that Node's refuses, where ours goes on. */
  refusedByNode: Map<string, number>;
  /** Not compared with Node: docs/drop-in.md has the reason. */
  tabbed: number;
}

/** llhttp reads an option of Connection beside an HTAB as another option. */
const TABBED_CONNECTION = /^connection:[^\n]*\t/im;

export const newSeatTally = (): SeatTally => ({
  connections: 0,
  requests: 0,
  stricter: new Map(),
  refusedByNode: new Map(),
  tabbed: 0,
});

/** Before Node 26 an upgrade is taken with the head, later with the end of the body. */
const TAKEN = Number(process.versions.node.split(".")[0]) < 26 ? 2 : 0;

interface Request {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly version: string;
  readonly rawHeaders: readonly string[];
  readonly headers: object;
  readonly upgrade: boolean;
  readonly keepAlive: boolean;
  body: string;
  trailers: readonly string[];
  complete: boolean;
}

interface Reading {
  readonly requests: Request[];
  /** Code of the error, "detached at N", or "goes on". */
  end: string;
  /** The error that `finish` reports. */
  finish: string;
}

/** What is used of either parser. */
interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(octets: Buffer): unknown;
  finish(): unknown;
  remove(): void;
  close(): void;
  socket: unknown;
  onIncoming: unknown;
}

const codeOf = (error: unknown): string => (error as { code: string }).code;

/** Reads the pieces by one parser; `feed` gives it a piece. */
function read(parser: Parser, pieces: readonly Buffer[], feed: (piece: Buffer) => unknown): Reading {
  const given: { message: IncomingMessage; upgrade: boolean; keepAlive: boolean }[] = [];
  parser.onIncoming = (message: IncomingMessage & { upgrade: boolean }, keepAlive: boolean) => {
    const { upgrade } = message;
    given.push({ message, upgrade, keepAlive });
    return upgrade ? TAKEN : 0;
  };
  let end = "goes on";
  let at = 0;
  for (const piece of pieces) {
    const result = feed(piece);
    if (typeof result !== "number") {
      end = codeOf(result);
      break;
    }
    const newest = given.at(-1);
    if (newest?.upgrade === true && (TAKEN > 0 || newest.message.complete)) {
      end = `detached at ${at + result}`;
      break;
    }
    at += piece.length;
  }
  const finish = end === "goes on" ? parser.finish() : undefined;
  const requests = given.map(({ message, upgrade, keepAlive }): Request => {
    const { method, url, httpVersion: version, rawHeaders, headers, rawTrailers: trailers, complete } = message;
    let body = "";
    // One piece at a time, since Node 26.
    for (let piece = message.read(); piece !== null; piece = message.read())
      body += (piece as Buffer).toString("latin1");
    return { method, url, version, rawHeaders, headers, upgrade, keepAlive, body, trailers, complete };
  });
  return { requests, end, finish: finish === undefined ? "" : codeOf(finish) };
}

const socket = (): object => ({ readable: false, _handle: null, push: () => false });

export class SeatDifferential {
  readonly #engine: Engine<SeatParser> = startEngine();

  #readByNode(pieces: readonly Buffer[]): Reading {
    const { parsers, HTTPParser } = this.#engine.parts.common;
    const parser = parsers.ctor() as unknown as Parser;
    parser.initialize(HTTPParser.REQUEST, {}, 0, 0);
    parser.socket = socket();
    const reading = read(parser, pieces, (piece) => parser.execute(piece));
    parser.remove();
    parser.close();
    return reading;
  }

  /** `directly`: as a socket gives octets that reads into the kernel's input; else as 'data' does. */
  #readByUs(pieces: readonly Buffer[], directly: boolean): Reading {
    const engine = this.#engine;
    const { onRead, common, callbacks } = engine.parts;
    const parser = engine.take();
    const ours = socket() as Record<symbol, (count: number) => void>;
    parser.initialize(common.HTTPParser.REQUEST, { socket: ours }, 0, 0);
    parser.socket = ours as never;
    let feed = (piece: Buffer): unknown => parser.execute(piece);
    if (directly && onRead !== null) {
      let result: unknown;
      parser.consume({ useUserBuffer: () => {} });
      parser[callbacks.execute] = (taken: unknown) => {
        result = taken;
      };
      feed = (piece) => {
        piece.copy(engine.input);
        ours[onRead.callback]!(piece.length);
        // The next read of another socket: nothing may be left to read there.
        engine.input.fill(0x41, 0, piece.length);
        return result;
      };
    }
    const reading = read(parser as unknown as Parser, pieces, feed);
    parser.remove();
    parser.free();
    return reading;
  }

  compare(octets: Buffer, seed: number, tally: SeatTally): void {
    tally.connections++;
    const node = this.#readByNode([octets]);
    const whole = this.#readByUs([octets], true);
    for (const cut of ["octets", seed] as Cut[]) {
      for (const directly of [true, false]) {
        const cutReading = this.#readByUs(cutUp(octets, cut), directly);
        same(octets, `in pieces ${cut}, ${directly ? "directly" : "by 'data'"}`, cutReading, whole);
      }
    }
    same(octets, "by 'data'", this.#readByUs([octets], false), whole);
    if (TABBED_CONNECTION.test(octets.toString("latin1"))) tally.tabbed++;
    else this.#compareWithNode(octets, whole, node, tally);
  }

  #compareWithNode(octets: Buffer, ours: Reading, node: Reading, tally: SeatTally): void {
    const count = (counts: Map<string, number>, code: string): void =>
      void counts.set(code, (counts.get(code) ?? 0) + 1);
    const isRefused = ours.end.startsWith("HPE_");
    const isRefusedByNode = node.end.startsWith("HPE_");
    if (isRefused) {
      // It may have refused earlier: what it has read before that is what Node has.
      const last = ours.requests.length - 1;
      for (const [i, request] of ours.requests.entries()) {
        const of = node.requests[i];
        if (of === undefined && isRefusedByNode) {
          count(tally.refusedByNode, node.end);
          return;
        }
        if (i < last || request.complete || of === undefined) same(octets, `request ${i}`, request, of);
        else
          same(octets, `request ${i}`, request, {
            ...of,
            body: of.body.slice(0, request.body.length),
            trailers: [],
            complete: false,
          });
      }
      tally.requests += ours.requests.length;
      if (!isRefusedByNode) count(tally.stricter, ours.end);
      return;
    }
    if (isRefusedByNode) {
      count(tally.refusedByNode, node.end);
      return;
    }
    same(octets, "the requests", ours, node);
    tally.requests += ours.requests.length;
  }
}
