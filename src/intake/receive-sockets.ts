// In:    messages of a parent process, with sockets attached.
// Out:   the sockets, each with the octets that the parent had read from it.
// Never: reads a socket, or takes a message that is not from sendSocket.

import type { Socket } from "node:net";
import type { ArrivalHints } from "../arrival/arrival.js";
import { unseal } from "./socket-message.js";

/** A socket that the parent process has sent: `gate.adopt(socket, { rest, arrival })`. */
export interface ReceivedSocket {
  readonly socket: Socket;
  readonly rest: Uint8Array;
  readonly arrival: ArrivalHints;
}

/** The `process` of a child that has a channel to its parent. */
export interface Channel {
  readonly connected?: boolean;
  on(event: "message", listener: (message: unknown, socket: unknown) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
  removeListener(event: "message", listener: (message: unknown, socket: unknown) => void): unknown;
  removeListener(event: "disconnect", listener: () => void): unknown;
}

/**
 * The sockets that the parent sends with `sendSocket`, from this call on, until the parent closes the channel or exits:
 * `for await (const { socket, rest, arrival } of receiveSockets(process)) gate.adopt(socket, { rest, arrival })`.
 * Other messages are left to their own listeners. Leaving the loop closes the sockets that have arrived and were not taken.
 *
 * Throws `TypeError` if the process has no channel.
 */
export function receiveSockets(channel: Channel): AsyncIterableIterator<ReceivedSocket> {
  if (channel?.connected !== true) {
    throw new TypeError(
      "this process has no channel to a parent; start it with fork() of node:child_process or node:cluster",
    );
  }
  return new Sockets(channel);
}

/** A waiting socket may fail, and has no other listener yet. */
function onError(): void {}

class Sockets implements AsyncIterableIterator<ReceivedSocket> {
  readonly #channel: Channel;
  readonly #come: ReceivedSocket[] = [];
  readonly #awaited: ((result: IteratorResult<ReceivedSocket>) => void)[] = [];
  #isOver = false;

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.on("message", this.#onMessage);
    channel.on("disconnect", this.#onDisconnect);
  }

  readonly #onMessage = (message: unknown, socket: unknown): void => {
    const sealed = unseal(message);
    // If the client vanishes on the way, its socket is missing.
    if (sealed === null || socket === undefined || socket === null) return;
    const handed: ReceivedSocket = { socket: socket as Socket, ...sealed };
    const resolve = this.#awaited.shift();
    if (resolve !== undefined) {
      resolve({ done: false, value: handed });
      return;
    }
    handed.socket.on("error", onError);
    this.#come.push(handed);
  };

  readonly #onDisconnect = (): void => {
    this.#isOver = true;
    this.#channel.removeListener("message", this.#onMessage);
    this.#channel.removeListener("disconnect", this.#onDisconnect);
    for (const resolve of this.#awaited.splice(0)) resolve({ done: true, value: undefined });
  };

  next(): Promise<IteratorResult<ReceivedSocket>> {
    const handed = this.#come.shift();
    if (handed !== undefined) {
      handed.socket.removeListener("error", onError);
      return Promise.resolve({ done: false, value: handed });
    }
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#awaited.push(resolve));
  }

  return(): Promise<IteratorResult<ReceivedSocket>> {
    this.#onDisconnect();
    for (const { socket } of this.#come.splice(0)) socket.destroy();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
