// In:    a socket that somebody else accepted, and its keeper.
// Out:   to the keeper: what is read, in order, and what befalls the socket.
// Never: decides anything, or leaves more than one reader on a socket.

import type { Duplex } from "node:stream";

/** Who keeps a socket: all sockets share their listeners, which get the socket as `this`. */
export interface Keeper {
  receive(octets: Uint8Array): void;
  /** A piece of a socket that is read on demand can be read. */
  readPiece(): void;
  peerEnded(): void;
  broke(cause: unknown): void;
  closed(): void;
  idle(): void;
}

const KEEPER = Symbol("headgate.keeper");

/** A socket, with its keeper while it has one. */
export interface Kept extends Duplex {
  [KEEPER]?: Keeper | undefined;
}

function onData(this: Kept, octets: Uint8Array): void {
  this[KEEPER]?.receive(octets);
}

function onReadable(this: Kept): void {
  this[KEEPER]?.readPiece();
}

function onEnd(this: Kept): void {
  this[KEEPER]?.peerEnded();
}

/** A socket may break at any time, also while nobody is left to hear of it. */
function onError(this: Kept, cause: unknown): void {
  this[KEEPER]?.broke(cause);
}

function onClose(this: Kept): void {
  this[KEEPER]?.closed();
}

function onTimeout(this: Kept): void {
  this[KEEPER]?.idle();
}

/** Whether a gate owns that socket already. */
export function isKept(socket: Duplex): boolean {
  return (socket as Kept)[KEEPER] !== undefined;
}

export function keeperOf(socket: Kept): Keeper | undefined {
  return socket[KEEPER];
}

/** From now on errors of the socket are the keeper's. Without a listener they would end the process. */
export function guardErrors(socket: Kept): void {
  socket.on("error", onError);
}

/** Whoever listens for errors now owns them; an owner that does not is protected from them. */
export function leaveErrors(socket: Kept): void {
  if (socket.listenerCount("error") > 1) socket.removeListener("error", onError);
}

export function keep(socket: Kept, keeper: Keeper): void {
  socket[KEEPER] = keeper;
  socket.on("close", onClose);
}

/** The socket is its keeper's no more. A listener that ignores errors stays. */
export function forget(socket: Kept): void {
  socket.removeListener("close", onClose);
  socket[KEEPER] = undefined;
}

/** Keeps the socket and listens to it; a socket that reads by itself begins when `readOn` is called. */
export function listen(socket: Kept, keeper: Keeper): void {
  // A client that ends may still read; net would end the socket at once. Every way out ends or destroys it.
  socket.allowHalfOpen = true;
  keep(socket, keeper);
  socket.on("end", onEnd);
  if (!isReadOnDemand(socket)) socket.on("data", onData);
}

export function unlisten(socket: Kept): void {
  socket.removeListener("data", onData).removeListener("end", onEnd);
  if (isReadOnDemand(socket)) socket.removeListener("readable", onReadable);
}

/** Reads on; the giver may have paused the socket, and a listener for data alone leaves it so. `inPieces`: one piece at a time will do. */
export function readOn(socket: Kept, inPieces: boolean): void {
  if (!isReadOnDemand(socket) || socket.listeners("data").includes(onData)) socket.resume();
  else if (inPieces) {
    socket.on("readable", onReadable);
    // Where the giver has listened in the same way, a listener more starts nothing.
    socket[KEEPER]?.readPiece();
  }
}

/** Asks for the next piece of a socket that is read on demand. */
export function readNextPiece(socket: Kept): void {
  if (socket.listeners("readable").includes(onReadable)) socket.read(0);
}

/** A server reads all the time: a socket that was read on demand so far reads by itself from now on. */
export function letFlow(socket: Kept): void {
  if (isReadOnDemand(socket)) socket.removeListener("readable", onReadable).on("data", onData).resume();
}

export function listenForTimeout(socket: Kept): void {
  socket.on("timeout", onTimeout);
}

export function unlistenForTimeout(socket: Kept): void {
  socket.removeListener("timeout", onTimeout);
  setIdleTimeout(socket, 0);
}

export function setIdleTimeout(socket: Duplex, milliseconds: number): void {
  (socket as { setTimeout?: (milliseconds: number) => void }).setTimeout?.(milliseconds);
}

/** Octets written so far, where the stream counts them. */
export function bytesWritten(socket: Duplex): number | undefined {
  return (socket as { bytesWritten?: number }).bytesWritten;
}

/** Whether a socket has a buffer of no octets: it reads a piece when it is asked for one (`UNREAD`). */
function isReadOnDemand(socket: Duplex): boolean {
  return socket.readableHighWaterMark === 0;
}
