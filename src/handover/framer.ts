// In:    nothing.
// Out:   the interface between the gate and the code that speaks the protocol after an upgrade.
// Never: names a protocol or a library.

import type { Duplex } from "node:stream";
import type { Arrival } from "../arrival/arrival.js";
import { describe } from "../head/options.js";
import type { RequestHead } from "../head/request-head.js";
import type { Acceptance } from "../policy/decision.js";
import { LEAVE } from "../policy/vhost.js";

/** @internal */
export const LOST: unique symbol = Symbol("headgate.lost");

/** A socket, and everything that was learned about it, on its way to its next owner. */
export interface Handover {
  /** Paused. The gate listens for its close alone, and will not touch it before the time of a drain is up. */
  readonly socket: Duplex;
  readonly head: RequestHead;
  /** Octets that came after the head; no other copy exists. */
  readonly rest: Uint8Array;
  readonly arrival: Arrival;
  readonly decision: Acceptance<FramerLike>;
  /** Aborted when the socket closes. */
  readonly signal: AbortSignal;
  /** Lets `gate.decisionOf` and `gate.arrivalOf` answer for an object that the framer makes from the socket, such as a WebSocket. */
  associate(made: object): void;
  /** Counts the connection as lost with the process that it was sent to. @internal */
  [LOST]?(): void;
}

/** Takes sockets whose upgrade was accepted, and answers the opening handshake. */
export interface Framer {
  /**
   * Owns the socket from the call on. If it throws before it has written anything, the client gets 500; after that, the
   * socket is destroyed. If it throws a `FramerRefusal`, the socket stays its own.
   */
  take(handover: Handover): void | Promise<void>;
  /**
   * Begins to close the connection on a socket that it took, with a WebSocket close code; `gate.drain` calls it for each of them. The
   * gate destroys the socket if it is still open when the time is up, also that of a framer without this method.
   */
  drain?(socket: Duplex, code: number): void;
  /** Closes the connections that it took, with a WebSocket close code; resolves when all of them are closed. */
  close?(code: number, signal?: AbortSignal): Promise<void>;
}

/** Where a framer has that it sends sockets to another process. */
export const SENDS: unique symbol = Symbol("headgate.sends");

/** A framer that sends sockets to another process, which can have them from their first request on: `toProcess` of `headgate/intake`. */
export interface Sender extends Framer {
  readonly [SENDS]: true;
}

/** @internal */
export function isSender(value: unknown): value is Sender {
  return (value as Partial<Sender> | null | undefined)?.[SENDS] === true;
}

/** A framer, just its `take`, or `LEAVE`. */
export type FramerLike = Framer | Framer["take"] | typeof LEAVE;

/**
 * Thrown by a framer that has refused an upgrade and answered it by itself. The gate then leaves the socket alone, and the connection is
 * abandoned as `FRAMER_REFUSED`, with this as its `cause`. `message`: the reason, for the log.
 */
export class FramerRefusal extends Error {
  override readonly name = "FramerRefusal";
}

/**
 * Thrown by a framer that cannot take an upgrade now, and has written nothing. The client gets 503 with Retry-After, and the connection is
 * abandoned as `FRAMER_UNAVAILABLE`, with this as its `cause`. `message`: the reason, for the log.
 */
export class FramerUnavailable extends Error {
  override readonly name = "FramerUnavailable";
}

/** As `isFramerRefusal`. @internal */
export function isFramerUnavailable(thrown: unknown): thrown is FramerUnavailable {
  return thrown instanceof Error && thrown.name === "FramerUnavailable";
}

/** By its name: a bundle may have a class of its own. @internal */
export function isFramerRefusal(thrown: unknown): thrown is FramerRefusal {
  return thrown instanceof Error && thrown.name === "FramerRefusal";
}

/** Throws `TypeError` for a value that cannot take a socket. */
export function checkFramer(framer: unknown, where: string): void {
  if (framer === LEAVE) return;
  const take = typeof framer === "function" ? framer : (framer as Framer | null | undefined)?.take;
  if (typeof (framer as { handleUpgrade?: unknown } | null)?.handleUpgrade === "function") {
    throw new TypeError(`${where} is a WebSocketServer; wrap it: wsFramer(wss)`);
  }
  if (typeof take !== "function")
    throw new TypeError(
      `${where} is not a framer; write wsFramer(wss), a function, or LEAVE; it is ${describe(framer)}`,
    );
}

/** Lets the framer take an upgrade that claims it. */
export function take(handover: Handover): void | Promise<void> {
  const framer = handover.decision.claim as Exclude<FramerLike, typeof LEAVE>;
  return typeof framer === "function" ? framer(handover) : framer.take(handover);
}
