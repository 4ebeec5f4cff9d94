// In:    servers of node:http, node:https and node:http2.
// Out:   their connections with our parser in the place of Node's.
// Never: leaves a parser on Node's pool, where another server or a client would take it.

import { type Server as HttpServer, Server as HttpServerClass } from "node:http";
import type { Http2SecureServer, Http2Server } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import { Server as NetServer } from "node:net";
import { tls } from "../handover/node-modules.js";
import type { SideTable } from "../handover/side-table.js";
import { describe } from "../head/options.js";
import type { RequestHead } from "../head/request-head.js";
import { Engine } from "./engine.js";
import type { Place } from "./message-parser.js";
import { type ConnectionListener, MissingPart } from "./node-parts.js";
import { SeatParser } from "./seat-parser.js";
import { selfTest } from "./self-test.js";

/** A server whose HTTP/1.1 connections are read by a parser of node:http. */
export type SeatableServer = HttpServer | HttpsServer | Http2SecureServer;

/** A stream whose request heads were read before, and whose parser may get them so (`SeatParser.takeHead`). */
export interface ReadBefore {
  /** By a name and not by a symbol: bundlers keep every class that has a member with a computed name. */
  readonly headsAreRead: true;
}

/** The connections of a server that a seat is for: all, or those that are `ReadBefore`. */
type SeatedConnections = "all" | "read before";

/** What is read of a server to know whether its parser is lenient. */
interface Options {
  readonly httpValidation?: string;
  readonly insecureHTTPParser?: boolean;
}

/** Why the parser's seat is unavailable. `code` is `SEAT_UNAVAILABLE`. */
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
    const why = `the parser of node:http cannot be replaced in Node ${process.version}: ${cause.message}`;
    throw new SeatUnavailable(why, { cause });
  }
}

/** True for a server of node:http2, whose classes Node does not export. */
export function speaksHttp2(server: unknown): server is Http2Server | Http2SecureServer {
  return server instanceof NetServer && typeof (server as { updateSettings?: unknown }).updateSettings === "function";
}

/** The server's listener that takes a parser for each connection, and its event; null if it has none. */
function seatOf(
  server: SeatableServer,
  engine: Engine<SeatParser>,
): [event: string, listener: ConnectionListener] | null {
  const isSecure = !(server instanceof HttpServerClass);
  if (isSecure && !(server instanceof tls().Server)) return null;
  const event = isSecure ? "secureConnection" : "connection";
  const own = speaksHttp2(server) ? engine.http2?.listener : engine.parts.connectionListener;
  const listener = server.listeners(event).find((each) => each === own);
  return listener === undefined ? null : [event, listener as ConnectionListener];
}

/**
 * True if the server is to accept what a strict parser refuses. Node lets a server have one of the two options; `byDefault` answers for
 * one that has neither.
 */
export function isLenientServer(server: object, byDefault: () => boolean): boolean {
  const { httpValidation, insecureHTTPParser } = server as Options;
  if (insecureHTTPParser !== undefined) return insecureHTTPParser;
  return httpValidation === undefined ? byDefault() : httpValidation !== "strict";
}

/**
 * True if Node's listener takes a parser for this connection before any other code runs. That of node:http2 takes none for HTTP/2,
 * nor where `allowHTTP1` is not set: then listeners of 'session' or 'unknownProtocol' run.
 */
function takesParser(server: SeatableServer, socket: object, engine: Engine<SeatParser>): boolean {
  if (!speaksHttp2(server)) return true;
  const { alpnProtocol } = socket as { alpnProtocol?: unknown };
  if (alpnProtocol !== false && alpnProtocol !== "http/1.1") return false;
  const members = server as unknown as Record<symbol, { allowHTTP1?: boolean } | undefined>;
  return engine.http2 !== null && members[engine.http2.options]?.allowHTTP1 === true;
}

/** A listener in the place of Node's. All users of the seat of one server share it. */
interface SeatListener extends ConnectionListener, Place {
  readonly listener: ConnectionListener;
  readonly engine: Engine<SeatParser>;
  /** What each user's seat is for. */
  readonly users: SeatedConnections[];
}

const isSeatListener = (listener: object): listener is SeatListener =>
  "engine" in listener && listener.engine instanceof Engine;

/** The server's seat that is in use, if it has one. */
function seatIn(server: SeatableServer): SeatListener | undefined {
  if (!(server instanceof NetServer)) return undefined;
  const listeners = ["connection", "secureConnection"].flatMap((event) => server.rawListeners(event));
  return (listeners as ConnectionListener[]).find(isSeatListener);
}

/** The engine of the server's seat; one that is started for it if it has none. Throws `SeatUnavailable`. @internal */
export function engineFor(server: SeatableServer): Engine<SeatParser> {
  return seatIn(server)?.engine ?? startEngine();
}

/** Our parser in the seat of one server. */
export class Seat implements Disposable {
  readonly #server: SeatableServer;
  readonly #event: string;
  readonly #wrapper: SeatListener;
  readonly #connections: SeatedConnections;
  #isGuards = false;
  #isReleased = false;

  /** Throws `TypeError` for what is not a server with a parser of node:http. @internal */
  constructor(engine: Engine<SeatParser>, server: SeatableServer, connections: SeatedConnections = "all") {
    const { common } = engine.parts;
    const found = seatOf(server, engine);
    if (found === null) {
      throw new TypeError(
        `useIn takes an http.Server, an https.Server or an Http2SecureServer, with Node's own listener for its connections; this is ${describe(server)}`,
      );
    }
    const [event, listener] = found;
    this.#server = server;
    this.#event = event;
    this.#connections = connections;
    const known = seatIn(server);
    if (known !== undefined) {
      known.users.push(connections);
      this.#wrapper = known;
      return;
    }
    const users = [connections];
    const wrapper: ConnectionListener = function (socket) {
      const isFor = users.includes("all") || (socket as Partial<ReadBefore>).headsAreRead === true;
      const isOurs = isFor && !isLenientServer(server, common.isLenient) && takesParser(server, socket, engine);
      if (isOurs) withOurParser(engine, place, () => listener.call(this, socket));
      else listener.call(this, socket);
    };
    // `server.listeners` shows Node's listener, and `removeListener` finds ours by it.
    const place = Object.assign(wrapper, { listener, engine, users, guards: 0 });
    this.#wrapper = place;
    exchange(server, event, listener, place);
  }

  /** For a guard: the head of each request of a new connection. Until the release, HTTP/1.1 without Host is malformed. @internal */
  keepHeads(): SideTable<RequestHead> {
    this.#isGuards = true;
    this.#wrapper.guards++;
    return this.#wrapper.engine.keepHeads();
  }

  /** New connections get Node's parser again, unless the seat was asked for elsewhere too; those that are open keep theirs. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    const wrapper = this.#wrapper;
    if (this.#isGuards) wrapper.guards--;
    wrapper.users.splice(wrapper.users.indexOf(this.#connections), 1);
    if (wrapper.users.length === 0) exchange(this.#server, this.#event, wrapper, wrapper.listener);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** Null where that is impossible; with a warning, `HEADGATE_SEAT`, on a Node whose node:http has changed. @internal */
export function takeSeat(server: SeatableServer, connections: SeatedConnections): Seat | null {
  try {
    return new Seat(engineFor(server), server, connections);
  } catch (error) {
    // Without TLS a server of node:http2 has no such parser, and neither has one whose own listener was removed.
    if (error instanceof TypeError) return null;
    if (!(error instanceof SeatUnavailable)) throw error;
    const isNode = process.versions.bun === undefined && process.versions.deno === undefined;
    if (isNode) process.emitWarning(error.message, { code: "HEADGATE_SEAT" });
    return null;
  }
}

/** Runs Node's listener while a parser of ours is the next one of Node's pool. */
function withOurParser(engine: Engine<SeatParser>, place: Place, listen: () => void): void {
  const { list } = engine.parts.common.parsers;
  const parser = engine.take();
  parser.place = place;
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

type On = (this: SeatableServer, event: string, listener: ConnectionListener) => unknown;

/** In the place of a prototype's `on` as long as there are installations, all of which would seat the same servers. */
interface SeatingOn extends On {
  readonly engines: Map<Installation, Engine<SeatParser>>;
  /** Undoes it, if nothing else has replaced it since; otherwise it goes on to be called, and does nothing more. */
  readonly restore: () => void;
}

const isSeating = (on: unknown): on is SeatingOn => typeof on === "function" && "engines" in on;

/** The function by which servers of a prototype register their listener for connections, made to seat them. */
function seatingOn(prototype: { on: unknown }): SeatingOn {
  const before = Object.getOwnPropertyDescriptor(prototype, "on");
  if (isSeating(before?.value)) return before.value;
  const engines = new Map<Installation, Engine<SeatParser>>();
  const seating: On = function (event, listener) {
    // What is inherited may be replaced later.
    const on = before === undefined ? Object.getPrototypeOf(prototype).on : before.value;
    const result = Reflect.apply(on as On, this, [event, listener]);
    const [engine] = engines.values();
    if (engine !== undefined && (event === "connection" || event === "secureConnection")) {
      const found = seatOf(this, engine);
      // Its constructor has registered it just now.
      if (found !== null && found[1] === listener && found[0] === event) new Seat(engine, this);
    }
    return result;
  };
  const restore = (): void => {
    if (Object.getOwnPropertyDescriptor(prototype, "on")?.value !== seating) return;
    if (before === undefined) Reflect.deleteProperty(prototype, "on");
    else Object.defineProperty(prototype, "on", before);
  };
  Object.defineProperty(prototype, "on", { value: seating, configurable: true, writable: true });
  return Object.assign(seating, { engines, restore });
}

/** Our parser in the seat of each server that is made from now on. */
export class Installation implements Disposable {
  readonly #seating: readonly SeatingOn[];

  /** @internal */
  constructor(engine: Engine<SeatParser>) {
    this.#seating = [HttpServerClass.prototype, tls().Server.prototype].map(seatingOn);
    for (const { engines } of this.#seating) engines.set(this, engine);
  }

  /** Servers that are made from now on have Node's parser, unless there is another installation; those that were made since keep ours. */
  release(): void {
    for (const { engines, restore } of this.#seating) {
      engines.delete(this);
      if (engines.size === 0) restore();
    }
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
