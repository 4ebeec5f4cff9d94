// In:    an adopted socket, and its keeper.
// Out:   to the keeper: the octets, in order, and the events of the socket.
// Never: decides anything, or leaves more than one reader on a socket.

import type { Duplex } from "node:stream";

/** The owner of a socket within the gate. All sockets share their listeners, which get the socket as `this`. */
export interface Keeper {
  receive(octets: Uint8Array): void;
  /** A socket that is read on demand has a piece to read. */
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

/** A socket may fail at any time, even when it has no keeper left. */
function onError(this: Kept, cause: unknown): void {
  this[KEEPER]?.broke(cause);
}

function onClose(this: Kept): void {
  this[KEEPER]?.closed();
}

function onTimeout(this: Kept): void {
  this[KEEPER]?.idle();
}

/** Whether a gate already owns that socket. */
export function isKept(socket: Duplex): boolean {
  return (socket as Kept)[KEEPER] !== undefined;
}

export function keeperOf(socket: Kept): Keeper | undefined {
  return socket[KEEPER];
}

/** From now on the keeper gets the socket's errors. Without a listener they would end the process. */
export function guardErrors(socket: Kept): void {
  socket.on("error", onError);
}

/** If the new owner listens for errors, our listener goes; otherwise it stays, so that an error does not end the process. */
export function leaveErrors(socket: Kept): void {
  if (socket.listenerCount("error") > 1) socket.removeListener("error", onError);
}

export function keep(socket: Kept, keeper: Keeper): void {
  socket[KEEPER] = keeper;
  socket.on("close", onClose);
}

/** The keeper no longer owns the socket. A listener that ignores errors stays. */
export function forget(socket: Kept): void {
  socket.removeListener("close", onClose);
  socket[KEEPER] = undefined;
}

/** Keeps the socket and listens to it; a socket that reads by itself starts when `readOn` is called. */
export function listen(socket: Kept, keeper: Keeper): void {
  // A client that has ended may still read, but net would end the socket at once. Every way out ends or destroys it.
  socket.allowHalfOpen = true;
  keep(socket, keeper);
  socket.on("end", onEnd);
  if (!isReadOnDemand(socket)) socket.on("data", onData);
}

export function unlisten(socket: Kept): void {
  socket.removeListener("data", onData).removeListener("end", onEnd);
  if (isReadOnDemand(socket)) socket.removeListener("readable", onReadable);
}

/** Continues reading: the caller may have paused the socket, and a 'data' listener does not resume it. `inPieces`: one piece at a time is enough. */
export function readOn(socket: Kept, inPieces: boolean): void {
  if (!isReadOnDemand(socket) || socket.listeners("data").includes(onData)) socket.resume();
  else if (inPieces) {
    socket.on("readable", onReadable);
    // If the caller has a 'readable' listener too, another one does not start the socket.
    socket[KEEPER]?.readPiece();
  }
}

/** Asks a socket that is read on demand for its next piece. */
export function readNextPiece(socket: Kept): void {
  if (socket.listeners("readable").includes(onReadable)) socket.read(0);
}

/** A server reads all the time: a socket that was read on demand reads by itself from now on. */
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

/** Octets written so far, if the stream counts them. */
export function bytesWritten(socket: Duplex): number | undefined {
  return (socket as { bytesWritten?: number }).bytesWritten;
}

/** Whether a socket has an empty buffer limit: it only reads a piece when asked for one (`UNREAD`). */
function isReadOnDemand(socket: Duplex): boolean {
  return socket.readableHighWaterMark === 0;
}
