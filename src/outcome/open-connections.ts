// In:    the connections of a gate, as they begin, change hands and end.
// Out:   how many there are, which of them a drain has to close, and when the last one has gone.
// Never: keeps an entry for a connection that waits for its head; the list of deadlines that it is in has it.

import type { EventEmitter } from "node:events";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Framer } from "../handover/framer.js";
import { LEAVE } from "../policy/vhost.js";
import { throwLater } from "./throw-later.js";

/**
 * `open`: everything is taken. `draining`: upgrades are refused, and the connections that there are come to their end. `drained`: none
 * is left, and none is taken any more.
 */
export type GateState = "open" | "draining" | "drained";

/** What a drain does with a connection. */
export interface Drainable {
  /** It is not the gate's any more. */
  readonly isAway?: boolean;
  /** Accepts nothing new, and ends once all that is under way has ended. Calling it again changes nothing. */
  drain(): void;
  /** Ends at once if nothing is under way. */
  closeIdle?(): void;
  /** Ends at once, whatever is under way. */
  cut(): void;
}

/** A connection that a framer, a passthrough or another listener of a guarded server has, or is about to take. */
export class HandedOver implements Drainable {
  /** It is one of the adopted connections until then. */
  readonly isAdopted: boolean;
  /** What a drain did with the socket before, on a guarded server. */
  readonly previous: Drainable | null;
  readonly #socket: Duplex;
  readonly #owner: Framer | null;
  /** To listeners of a guarded server, whose alone it is once the guard is released. */
  readonly #isLeft: boolean;
  readonly #open: OpenConnections;
  #isTaken = false;
  #isAsked = false;

  constructor(socket: Duplex, owner: unknown, open: OpenConnections, isAdopted: boolean, previous: Drainable | null) {
    this.#socket = socket;
    this.#owner = typeof (owner as Framer | null | undefined)?.drain === "function" ? (owner as Framer) : null;
    this.#isLeft = owner === LEAVE;
    this.#open = open;
    this.isAdopted = isAdopted;
    this.previous = previous;
  }

  /** It has closed; or it was sent to another process: Node then takes the handle out of the socket, which never closes. */
  get isAway(): boolean {
    // Its guard was released.
    if (this.#isLeft && this.previous?.isAway === true) return true;
    const socket = this.#socket;
    if (socket.destroyed || !(socket instanceof Socket)) return socket.destroyed;
    return !socket.connecting && (socket as { _handle?: unknown })._handle === null;
  }

  taken(): void {
    this.#isTaken = true;
    if (this.isAway) this.#open.sentAway(this.#socket);
    else if (this.#open.state !== "open") this.drain();
  }

  /** False if it has closed meanwhile, and was counted then. */
  notTaken(): boolean {
    return this.#open.handBack(this.#socket, this);
  }

  /**
   * One that is not taken yet is closed as soon as it is. What the framer throws is thrown again in a microtask: the socket is the
   * framer's all the same, and the others are still to be closed.
   */
  drain(): void {
    if (!this.#isTaken || this.#isAsked) return;
    this.#isAsked = true;
    try {
      this.#owner?.drain?.(this.#socket, this.#open.closeCode);
    } catch (error) {
      throwLater(error);
    }
  }

  cut(): void {
    this.#socket.destroy();
  }
}

/** Entries from which on those that are away are looked for. */
const MANY = 1000;

/** All connections that a gate has. */
export class OpenConnections {
  state: GateState = "open";
  /** Of the WebSockets that a drain closes. */
  closeCode = 1001;
  /** Adopted connections with requests for an `http.Server`, over HTTP/1.1. */
  readonly served = new Set<Drainable>();
  /** How many have ended since the drain began. */
  closed = 0;
  /** Called when one has ended during a drain. */
  whenClosed: (() => void) | null = null;
  /** Connections that were adopted so far. */
  adopted = 0;
  #adopted = 0;
  /** Connections with another owner, and connections and HTTP/2 sessions of guarded servers, until they close. */
  readonly #watched = new Map<EventEmitter, Drainable>();
  #handed = 0;
  /** Number of entries at which those that are away are looked for. */
  #sweepAt = MANY;
  readonly #onClose: (this: EventEmitter) => void;

  constructor() {
    const open = this;
    this.#onClose = function (this: EventEmitter): void {
      if (open.#delete(this)) open.#gone();
    };
  }

  /** Adopted connections that have not ended, and all that have another owner. */
  get size(): number {
    return this.#adopted + this.#handed;
  }

  get isEmpty(): boolean {
    return this.#adopted === 0 && this.#watched.size === 0;
  }

  get watched(): readonly Drainable[] {
    return [...this.#watched.values()];
  }

  /** Connections of framers, passthroughs and other listeners. */
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

  /** An adopted connection has ended. */
  left(): void {
    this.#adopted--;
    this.#gone();
  }

  /** Notes a connection or a session of a guarded server, until it closes. Calling it again changes nothing. */
  watch(emitter: EventEmitter, drainable: Drainable): void {
    if (!this.#watched.has(emitter)) this.#add(emitter, drainable);
  }

  /** Forgets a connection that has become a session. */
  unwatch(emitter: EventEmitter): void {
    this.#delete(emitter);
  }

  /** It was sent to another process. */
  sentAway(socket: Duplex): void {
    if (this.#delete(socket)) this.#gone();
  }

  /** Notes a socket that is being given to another owner, until it closes; null if it has closed. */
  hand(socket: Duplex, owner: unknown, isAdopted: boolean): HandedOver | null {
    if (socket.destroyed) return null;
    const previous = this.#watched.get(socket) ?? null;
    if (previous !== null) this.#delete(socket);
    const handed = new HandedOver(socket, owner, this, isAdopted, previous);
    this.#add(socket, handed);
    if (isAdopted) this.#adopted--;
    return handed;
  }

  /** Its next owner has not taken it. False if it has closed. */
  handBack(socket: Duplex, { isAdopted, previous }: HandedOver): boolean {
    if (!this.#delete(socket)) return false;
    if (previous !== null) this.#add(socket, previous);
    if (isAdopted) this.#adopted++;
    return true;
  }

  /** Some of the connections of guarded servers are not the gate's any more. */
  released(): void {
    this.sweep();
    this.whenClosed?.();
  }

  /** Forgets what is away: the close of a socket that was sent to another process never comes. */
  sweep(): void {
    for (const [emitter, one] of this.#watched) if (one.isAway === true) this.#delete(emitter);
    this.#sweepAt = Math.max(MANY, 2 * this.#watched.size);
  }

  #add(emitter: EventEmitter, drainable: Drainable): void {
    this.#watched.set(emitter, drainable);
    if (drainable instanceof HandedOver) this.#handed++;
    emitter.on("close", this.#onClose);
    if (this.#watched.size >= this.#sweepAt) this.sweep();
  }

  /** False if it is not known. */
  #delete(emitter: EventEmitter): boolean {
    const one = this.#watched.get(emitter);
    if (one === undefined) return false;
    if (one instanceof HandedOver) this.#handed--;
    this.#watched.delete(emitter);
    emitter.removeListener("close", this.#onClose);
    return true;
  }

  #gone(): void {
    if (this.state !== "draining") return;
    this.closed++;
    this.whenClosed?.();
  }
}
