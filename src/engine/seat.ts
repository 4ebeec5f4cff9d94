// In:    servers of node:http, node:https and node:http2.
// Out:   their connections with our parser in the place of Node's.
// Never: leaves a parser on Node's pool, where another server or a client would take it.

import { type Server as HttpServer, Server as HttpServerClass } from "node:http";
import type { Http2SecureServer } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import { tls } from "../handover/node-modules.js";
import type { SideTable } from "../handover/side-table.js";
import type { RequestHead } from "../head/request-head.js";
import { Engine } from "./engine.js";
import { type ConnectionListener, MissingPart } from "./node-parts.js";
import { SeatParser } from "./seat-parser.js";
import { selfTest } from "./self-test.js";

/** A server whose HTTP/1.1 connections are read by a parser of node:http. */
export type SeatableServer = HttpServer | HttpsServer | Http2SecureServer;

/** What is read of a server to know whether its parser is lenient, and what it may serve. */
interface Options {
  readonly httpValidation?: string;
  readonly insecureHTTPParser?: boolean;
  readonly updateSettings?: unknown;
}

/** Why the parser's seat is not to be had. `code` is `SEAT_UNAVAILABLE`. */
export class SeatUnavailable extends Error {
  readonly code = "SEAT_UNAVAILABLE";
}

/** An engine that has passed its test here. Throws `SeatUnavailable`. @internal */
export function startEngine(): Engine<SeatParser> {
  try {
    const engine = new Engine<SeatParser>((own) => new SeatParser(own));
    const fault = selfTest(engine);
    if (fault === null) return engine;
    throw new MissingPart(fault);
  } catch (cause) {
    if (!(cause instanceof MissingPart)) throw cause;
    const here = `${process.title} ${process.version}`;
    throw new SeatUnavailable(`the parser of node:http cannot be replaced in ${here}: ${cause.message}`, { cause });
  }
}

/** The server's listener that takes a parser for each connection, and its event; null if it has none. */
function seatOf(server: SeatableServer, own: ConnectionListener): [event: string, listener: ConnectionListener] | null {
  const isSecure = !(server instanceof HttpServerClass);
  if (isSecure && !(server instanceof tls().Server)) return null;
  const event = isSecure ? "secureConnection" : "connection";
  const speaksHttp2 = (server as Options).updateSettings !== undefined;
  // That of node:http2 is not exported; it passes on to node:http what has not agreed on HTTP/2.
  const isIt = (listener: unknown): boolean =>
    listener === own || (speaksHttp2 && (listener as ConnectionListener).name === "connectionListener");
  const listener = server.listeners(event).find(isIt);
  return listener === undefined ? null : [event, listener as ConnectionListener];
}

/** True if the server is to accept what a strict parser refuses. */
function isLenient({ httpValidation, insecureHTTPParser }: Options, byDefault: () => boolean): boolean {
  if (httpValidation !== undefined) return httpValidation !== "strict";
  return insecureHTTPParser === undefined ? byDefault() : insecureHTTPParser;
}

/** What all that have asked for the seat of one server share: a listener in the place of Node's. */
interface Seated extends ConnectionListener {
  readonly listener: ConnectionListener;
  readonly engine: Engine<SeatParser>;
  users: number;
}

const isSeated = (listener: object): listener is Seated => "engine" in listener && listener.engine instanceof Engine;

/** Our parser in the seat of one server. */
export class Seat implements Disposable {
  readonly #server: SeatableServer;
  readonly #event: string;
  readonly #wrapper: Seated;
  #isReleased = false;

  /** Throws `TypeError` for what is not a server with a parser of node:http. @internal */
  constructor(engine: Engine<SeatParser>, server: SeatableServer) {
    const { connectionListener, common } = engine.parts;
    const found = seatOf(server, connectionListener);
    if (found === null) {
      throw new TypeError(
        "useIn takes an http.Server, an https.Server or an Http2SecureServer, with Node's own listener for its connections",
      );
    }
    const [event, listener] = found;
    this.#server = server;
    this.#event = event;
    const known = (server.rawListeners(event) as ConnectionListener[]).find(isSeated);
    if (known !== undefined) {
      known.users++;
      this.#wrapper = known;
      return;
    }
    const wrapper: ConnectionListener = function (socket) {
      if (isLenient(server as Options, common.isLenient)) listener.call(this, socket);
      else seated(engine, () => listener.call(this, socket));
    };
    // `server.listeners` shows Node's listener, and `removeListener` finds ours by it.
    this.#wrapper = Object.assign(wrapper, { listener, engine, users: 1 });
    exchange(server, event, listener, this.#wrapper);
  }

  /** The head of each request of a new connection. @internal */
  keepHeads(): SideTable<RequestHead> {
    return this.#wrapper.engine.keepHeads();
  }

  /** New connections get Node's parser again, unless the seat was asked for elsewhere too; those that are open keep theirs. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    const wrapper = this.#wrapper;
    if (--wrapper.users === 0) exchange(this.#server, this.#event, wrapper, wrapper.listener);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** Runs Node's listener while a parser of ours is the next one of Node's pool. */
function seated(engine: Engine<SeatParser>, listen: () => void): void {
  const { list } = engine.parts.common.parsers;
  const parser = engine.take();
  list.push(parser);
  try {
    listen();
  } finally {
    // An HTTP/2 connection needs none, and a listener may have thrown before it took one.
    const at = parser.isTaken ? -1 : list.lastIndexOf(parser);
    if (at >= 0) {
      list.splice(at, 1);
      engine.giveBack(parser);
    }
  }
}

/** Puts one listener in the place of another. */
function exchange(server: SeatableServer, event: string, from: ConnectionListener, to: ConnectionListener): void {
  const all = server.rawListeners(event) as ConnectionListener[];
  const at = all.indexOf(from);
  if (at < 0) return;
  // The event keeps its place in `eventNames`.
  const keeper = (): void => {};
  server.on(event, keeper);
  for (const listener of all.slice(at).reverse()) server.removeListener(event, listener);
  for (const listener of [to, ...all.slice(at + 1)]) server.on(event, listener);
  server.removeListener(event, keeper);
}

/** A prototype whose servers register their listener for connections by `on`. */
interface Registering {
  on(event: string, listener: ConnectionListener): unknown;
}

/** Our parser in the seat of each server that is made from now on. */
export class Installation implements Disposable {
  readonly #prototypes: readonly Registering[] = [HttpServerClass.prototype, tls().Server.prototype];
  readonly #own = new Map<Registering, Registering["on"]>();
  #isReleased = false;

  /** @internal */
  constructor(engine: Engine<SeatParser>) {
    const take = (server: SeatableServer, event: string, listener: ConnectionListener): void => {
      if (this.#isReleased || (event !== "connection" && event !== "secureConnection")) return;
      const found = seatOf(server, engine.parts.connectionListener);
      // Its constructor has registered it just now.
      if (found !== null && found[1] === listener && found[0] === event) new Seat(engine, server);
    };
    for (const prototype of this.#prototypes) {
      const inherited = prototype.on;
      const on = function (this: SeatableServer, event: string, listener: ConnectionListener): unknown {
        const result = Reflect.apply(inherited, this, [event, listener]);
        take(this, event, listener);
        return result;
      };
      this.#own.set(prototype, on);
      Object.defineProperty(prototype, "on", { value: on, configurable: true, writable: true });
    }
  }

  /** Servers that are made from now on have Node's parser; those that were made since `install` keep ours. */
  release(): void {
    this.#isReleased = true;
    for (const [prototype, on] of this.#own) {
      // Otherwise another function wraps it, which then calls one that does nothing more.
      if (Object.getOwnPropertyDescriptor(prototype, "on")?.value === on) delete (prototype as { on?: unknown }).on;
    }
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
