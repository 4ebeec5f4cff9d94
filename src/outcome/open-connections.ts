// In:    the connections of a gate, as they begin, change hands and end.
// Out:   how many there are, which of them a drain has to close, and when the last one has gone.
// Never: keeps an entry for a connection that waits for its head; the list of deadlines that it is in has it.

import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import type { Framer, FramerLike } from "../handover/framer.js";

/**
 * `open`: everything is taken. `draining`: upgrades are refused, and the connections that there are come to their end. `drained`: none
 * is left, and none is taken any more.
 */
export type GateState = "open" | "draining" | "drained";

/** What a drain does with a connection. */
export interface Drainable {
  /** Accepts nothing new, and ends once all that is under way has ended. Calling it again changes nothing. */
  drain(): void;
  /** Ends at once if nothing is under way. */
  closeIdle?(): void;
  /** Ends at once, whatever is under way. */
  cut(): void;
}

/** The connection of a framer that can close it. */
export class HandedOver implements Drainable {
  readonly #socket: Duplex;
  readonly #framer: Framer;
  readonly #open: OpenConnections;

  constructor(socket: Duplex, framer: Framer, open: OpenConnections) {
    this.#socket = socket;
    this.#framer = framer;
    this.#open = open;
  }

  drain(): void {
    this.#framer.drain!(this.#socket, this.#open.closeCode);
  }

  cut(): void {
    this.#socket.destroy();
  }
}

/** All connections that a gate has. */
export class OpenConnections {
  state: GateState = "open";
  /** Of the WebSockets that a drain closes. */
  closeCode = 1001;
  /** Adopted connections with requests for an `http.Server`, over HTTP/1.1. */
  readonly served = new Set<Drainable>();
  /** Guarded servers. */
  readonly servers = new Set<object>();
  /** How many have ended since the drain began. */
  closed = 0;
  /** Called when one has ended during a drain. */
  whenClosed: (() => void) | null = null;
  /** Connections that were adopted so far. */
  adopted = 0;
  #adopted = 0;
  /** Connections of framers, and connections and HTTP/2 sessions of guarded servers, until they close. */
  readonly #watched = new Map<EventEmitter, Drainable>();
  #handed = 0;
  readonly #onClose: (this: EventEmitter) => void;

  constructor() {
    const open = this;
    this.#onClose = function (this: EventEmitter): void {
      open.#forget(this);
    };
  }

  /** Adopted connections that have not ended, and connections of framers that can close them. */
  get size(): number {
    return this.#adopted + this.#handed;
  }

  get isEmpty(): boolean {
    return this.#adopted === 0 && this.#watched.size === 0;
  }

  get watched(): readonly Drainable[] {
    return [...this.#watched.values()];
  }

  /** Connections of framers that can close them. */
  get handed(): number {
    return this.#handed;
  }

  /** Connections and HTTP/2 sessions of guarded servers. */
  get guarded(): number {
    return this.#watched.size - this.#handed;
  }

  entered(): void {
    this.adopted++;
    this.#adopted++;
  }

  /** An adopted connection has ended, or has another owner. */
  left(): void {
    this.#adopted--;
    this.#gone();
  }

  /** Notes a connection or a session of a guarded server, until it closes. Calling it again changes nothing. */
  watch(emitter: EventEmitter, drainable: Drainable): void {
    if (this.#watched.has(emitter)) return;
    this.#watched.set(emitter, drainable);
    emitter.once("close", this.#onClose);
  }

  /** Notes the socket that a framer has taken, if the framer can close it. One that a drain finds too late is closed at once. */
  hand(socket: Duplex, claim: FramerLike | undefined): void {
    const framer = typeof claim === "object" && typeof claim.drain === "function" ? claim : null;
    if (framer === null || socket.destroyed) return;
    const handed = new HandedOver(socket, framer, this);
    if (this.#watched.has(socket)) this.#watched.set(socket, handed);
    else this.watch(socket, handed);
    this.#handed++;
    if (this.state !== "open") handed.drain();
  }

  #forget(emitter: EventEmitter): void {
    if (this.#watched.get(emitter) instanceof HandedOver) this.#handed--;
    if (this.#watched.delete(emitter)) this.#gone();
  }

  #gone(): void {
    if (this.state !== "draining") return;
    this.closed++;
    this.whenClosed?.();
  }
}
