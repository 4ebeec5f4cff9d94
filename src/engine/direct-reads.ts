// In:    a socket.
// Out:   its reads in the engine's memory, without a copy; or by 'data' again.
// Never: takes a socket that has an `onread` of its own.

import { Duplex } from "node:stream";
import type { Handle } from "./async-context.js";
import { ownCopy } from "./current-read.js";
import type { NodeParts } from "./node-parts.js";

/** What is used of a net.Socket or a tls.TLSSocket. */
export interface SocketLike {
  readonly _handle?: Handle | null;
  readonly destroyed?: boolean;
  _unrefTimer?: () => void;
  push(octets: Uint8Array): boolean;
  unshift?(octets: Uint8Array): void;
  pause?: unknown;
  [member: symbol]: unknown;
}

/** The memory that sockets read into. */
interface Target {
  readonly parts: NodeParts;
  /** `Engine.input` has its bounds and its lifetime. */
  readonly input: Buffer;
}

/** From now on the socket reads into the engine's memory, and `onRead` gets the count of octets. False if that is not possible. */
export function readDirectly(target: Target, socket: SocketLike, handle: Handle, onRead: (n: number) => void): boolean {
  const { input } = target;
  const members = target.parts.onRead;
  if (members === null || typeof handle.useUserBuffer !== "function" || socket[members.buffer]) return false;
  // Node passes it to the callback each time; as long as the socket lives, so does the memory.
  socket[members.buffer] = input;
  socket[members.callback] = (count: number) => {
    onRead(count);
    return true;
  };
  handle.useUserBuffer(input);
  return true;
}

/** No way leads back to memory that the socket allocates: from now on each read is copied for its stream. */
export function readCopies({ parts, input }: Target, socket: SocketLike): void {
  socket[parts.onRead!.callback] = (count: number) => socket.push(ownCopy(input, 0, count));
  // That of net.Socket stops such a socket's reads at once; others are read until their stream is full, and so notice the client's end.
  socket.pause = Duplex.prototype.pause;
}
