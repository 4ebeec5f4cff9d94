// In:    messages of a parent process, with sockets attached.
// Out:   the sockets, each with the octets that the parent had read from it; to the parent: which of them are taken, and have closed.
// Never: reads a socket, or takes a message that is not from sendSocket.

import type { Socket } from "node:net";
import type { ArrivalHints } from "../arrival/arrival.js";
import {
  type ChildMessage,
  envelope,
  opened,
  type ParentMessage,
  type SentDecision,
  unseal,
} from "./socket-message.js";

/** A socket that the parent process has sent: `gate.adopt(socket, { rest, arrival })`. */
export interface ReceivedSocket {
  readonly socket: Socket;
  readonly rest: Uint8Array;
  readonly arrival: ArrivalHints;
  /** What the parent's gate has ruled on the head that is the first of `rest`; null if it has read none. */
  readonly decision: SentDecision | null;
}

/** The `process` of a child that has a channel to its parent. */
export interface Channel {
  readonly connected?: boolean;
  send?(message: object, socket: undefined, options: undefined, sent: (error: Error | null) => void): boolean;
  on(event: "message", listener: (message: unknown, socket: unknown) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
  removeListener(event: "message", listener: (message: unknown, socket: unknown) => void): unknown;
  removeListener(event: "disconnect", listener: () => void): unknown;
}

/**
 * The sockets that the parent sends with `sendSocket`, until the parent closes the channel or exits:
 * `for await (const { socket, rest, arrival } of receiveSockets(process)) gate.adopt(socket, { rest, arrival })`.
 * Other messages are left to their own listeners. Leaving the loop closes the sockets that have arrived and were not taken; the parent
 * then has those of them that it still holds for another child. Another loop may follow.
 *
 * Throws `TypeError` if the process has no channel, or has a loop that was not left.
 */
export function receiveSockets(channel: Channel): AsyncIterableIterator<ReceivedSocket> {
  if (channel?.connected !== true) {
    throw new TypeError(
      "this process has no channel to a parent; start it with fork() of node:child_process or node:cluster",
    );
  }
  const before = (channel as Looped)[LOOP];
  if (before?.isOver === false) {
    throw new TypeError(
      "this process receives sockets already, and each goes to one loop; leave the loop over receiveSockets before the next one",
    );
  }
  const sockets = new Sockets(channel, before);
  (channel as Looped)[LOOP] = sockets;
  return sockets;
}

/** Where a channel keeps its newest loop. */
const LOOP = Symbol("headgate.loop");

interface Looped extends Channel {
  [LOOP]?: Sockets;
}

/** Sockets that are acknowledged before the loop asks for them: so many turns of the parent it does not wait for. */
const AHEAD = 4;

/** A waiting socket may fail, and has no other listener yet. */
function onError(): void {}

interface Handle {
  readStart?(): void;
  readStop?(): void;
}

/** Node has begun to read the socket; what it read would be lost if the parent took the socket back. */
function hold(socket: Socket): void {
  socket.on("error", onError);
  handleOf(socket)?.readStop?.();
}

function release(socket: Socket): void {
  socket.removeListener("error", onError);
  if (!socket.destroyed) handleOf(socket)?.readStart?.();
}

function handleOf(socket: Socket): Handle | null | undefined {
  return (socket as { _handle?: Handle | null })._handle;
}

class Sockets implements AsyncIterableIterator<ReceivedSocket> {
  readonly #channel: Channel;
  /** They have arrived, and the parent may take them back. */
  readonly #come = new Map<number, ReceivedSocket>();
  /** Acknowledged; the parent still decides whether they are given to this process. */
  readonly #taken = new Map<number, ReceivedSocket>();
  /** They belong to this process. */
  readonly #ours: ReceivedSocket[] = [];
  readonly #awaited: ((result: IteratorResult<ReceivedSocket>) => void)[] = [];
  #isOver = false;
  /** Whether it hears the parent: a loop waits until no socket can come any more that was sent for the one before it. */
  #hearing: "not yet" | "yes" | "no more" = "not yet";
  /** The number of the newest `leaves` on the channel. */
  #lastLeave = 0;
  #next: Sockets | null = null;

  constructor(channel: Channel, before: Sockets | undefined) {
    this.#channel = channel;
    if (before === undefined) this.#begin(0);
    else if (before.#hearing === "no more") this.#begin(before.#lastLeave);
    else before.#next = this;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  #begin(lastLeave: number): void {
    this.#lastLeave = lastLeave;
    if (this.#channel.connected !== true) this.#end();
    if (this.#isOver) {
      this.#unlisten();
      return;
    }
    this.#hearing = "yes";
    this.#channel.on("message", this.#onMessage);
    this.#channel.on("disconnect", this.#onDisconnect);
    this.#post({ kind: "receives" });
  }

  readonly #onMessage = (sent: unknown, socket: unknown): void => {
    const message = opened<ParentMessage>(sent);
    switch (message?.kind) {
      case "asks":
        // It may not have heard that the loop is left.
        if (this.#isOver) this.#leave();
        else this.#post({ kind: "receives" });
        break;
      case "socket":
        // If the parent closes it on the way, it is missing.
        if (socket !== undefined && socket !== null) this.#arrived(message.id, socket as Socket, unseal(message));
        break;
      case "yours":
        this.#given(message.id);
        break;
      case "back":
        for (const sockets of [this.#come, this.#taken]) {
          sockets.get(message.id)?.socket.destroy();
          sockets.delete(message.id);
        }
        this.#take();
        break;
      case "bye":
        if (this.#isOver && message.id === this.#lastLeave) this.#unlisten();
    }
  };

  #arrived(id: number, socket: Socket, sealed: ReturnType<typeof unseal>): void {
    hold(socket);
    if (this.#isOver) socket.destroy();
    else this.#come.set(id, { socket, ...sealed });
    this.#take();
  }

  /** Acknowledges as many as the loop asks for, and a few more. */
  #take(): void {
    for (const [id, received] of this.#come) {
      if (this.#taken.size + this.#ours.length >= this.#awaited.length + AHEAD) return;
      this.#come.delete(id);
      this.#taken.set(id, received);
      this.#post({ kind: "takes", id });
    }
  }

  #given(id: number): void {
    const received = this.#taken.get(id);
    this.#taken.delete(id);
    if (received === undefined) {
      // It was closed as the loop was left.
      this.#post({ kind: "closed", id });
      return;
    }
    received.socket.once("close", () => this.#post({ kind: "closed", id }));
    const resolve = this.#awaited.shift();
    if (resolve === undefined) this.#ours.push(received);
    else {
      release(received.socket);
      resolve({ done: false, value: received });
    }
    this.#take();
  }

  #post(message: ChildMessage): void {
    // A parent that is gone needs no messages.
    if (this.#channel.connected === true) this.#channel.send?.(envelope(message), undefined, undefined, onError);
  }

  readonly #onDisconnect = (): void => {
    this.#end();
    this.#unlisten();
  };

  #unlisten(): void {
    this.#hearing = "no more";
    this.#channel.removeListener("message", this.#onMessage);
    this.#channel.removeListener("disconnect", this.#onDisconnect);
    if (this.#next !== null) this.#next.#begin(this.#lastLeave);
  }

  #leave(): void {
    this.#post({ kind: "leaves", id: ++this.#lastLeave });
  }

  /** Closes what the parent may give to another process. */
  #end(): void {
    this.#isOver = true;
    for (const sockets of [this.#come, this.#taken]) {
      for (const { socket } of sockets.values()) socket.destroy();
      sockets.clear();
    }
    for (const resolve of this.#awaited.splice(0)) resolve({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<ReceivedSocket>> {
    const received = this.#ours.shift();
    if (received !== undefined) {
      release(received.socket);
      this.#take();
      return Promise.resolve({ done: false, value: received });
    }
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#awaited.push(resolve);
      this.#take();
    });
  }

  return(): Promise<IteratorResult<ReceivedSocket>> {
    if (!this.#isOver) {
      this.#end();
      // Sockets that are on their way are closed until the parent answers.
      if (this.#hearing === "yes") this.#leave();
    }
    for (const { socket } of this.#ours.splice(0)) socket.destroy();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
