// In:    one socket that somebody else accepted.
// Out:   what is read from it, in order; an answer where the gate has the last word; always exactly one end.
// Never: knows what octets mean, or decides what becomes of them; the adoption does.

import type { Duplex } from "node:stream";
import type { Arrival, GivenArrival } from "../arrival/arrival.js";
import { alert } from "../arrival/tls/alert.js";
import type { FramerLike } from "../handover/framer.js";
import type { HeadgateError } from "../head/fault.js";
import { Authorizing } from "../outcome/authorization.js";
import { arrivalAt, countedAs, type Gatehouse } from "../outcome/context.js";
import type { Timed } from "../outcome/deadlines.js";
import { type Abandoned, type AbandonedCode, abandoned, type End } from "../outcome/end.js";
import { reply } from "../outcome/reply.js";
import type { Overload, Waiting } from "../outcome/waiting.js";
import type { Refusal } from "../policy/decide.js";
import { explain, explainError } from "../policy/explain.js";
import { RequestFilter } from "./http1/filter.js";
import { Session } from "./http2/session.js";
import { Connection, type ConnectionOwner } from "./input.js";

/** Where a socket has its keeper: all sockets share their listeners, which get the socket as `this`. */
export const CUSTODY = Symbol("headgate.custody");

export interface Held extends Duplex {
  [CUSTODY]?: Custody | undefined;
}

function onData(this: Held, octets: Uint8Array): void {
  this[CUSTODY]?.receive(octets);
}

function onReadable(this: Held): void {
  this[CUSTODY]?.readPiece();
}

function onEnd(this: Held): void {
  this[CUSTODY]?.peerEnded();
}

/** A socket may break at any time, also while nobody is left to hear of it. */
export function onError(this: Held, cause: unknown): void {
  this[CUSTODY]?.broke(cause);
}

export function onClose(this: Held): void {
  this[CUSTODY]?.closed();
}

export function onTimeout(this: Held): void {
  this[CUSTODY]?.idle();
}

/** Whether a gate owns that socket already. */
export function isHeld(socket: Duplex): boolean {
  return (socket as Held)[CUSTODY] !== undefined;
}

/**
 * What a server says that takes no connection over HTTP/2, of one octet a character: its SETTINGS, empty, and GOAWAY, last stream
 * 0, ENHANCE_YOUR_CALM (RFC 9113 §3.4, §6.5, §6.8).
 */
export const GOAWAY = `\0\0\0\x04\0${"\0".repeat(4)}\0\0\x08\x07\0${"\0".repeat(4)}${"\0".repeat(4)}\0\0\0\x0b`;

/**
 * A socket in the gate's keeping, until it has a new owner or is closed. Thousands may wait for their heads: whatever a
 * waiting connection does not need is made later. It has no private methods, for which the engine would mark each object with one
 * word more.
 */
export abstract class Custody implements ConnectionOwner, Waiting {
  due = 0;
  before: Timed | null = null;
  behind: Timed | null = null;
  protected readonly house: Gatehouse;
  /** What the gate reads and writes: where it speaks TLS itself, no longer what it was given. */
  protected socket: Held;
  protected readonly connection: Connection<FramerLike>;
  readonly #allowedHalfOpen: boolean;
  /** What its giver said, until somebody asks for the arrival. */
  protected said: GivenArrival | Arrival;
  /**
   * Who gets what comes in, when it is not the first head: the filter in front of a server, the wait for `authorize`, or a
   * session of HTTP/2.
   */
  protected taker: RequestFilter | Authorizing | Session | null = null;
  /** How it ended, or whom to tell. */
  #outcome: End | ((end: End) => void) | null = null;

  constructor(house: Gatehouse, socket: Duplex, given: GivenArrival | Arrival) {
    this.house = house;
    this.socket = socket;
    this.said = given;
    this.#allowedHalfOpen = socket.allowHalfOpen;
    this.connection = new Connection(house, this);
  }

  /** TLS is never looked for within TLS. */
  get recognizes(): boolean {
    const { tls, fallback, http2 } = this.house;
    const isChoice = tls !== null || fallback !== undefined || http2?.cleartext === true;
    return isChoice && (this.socket as { encrypted?: boolean }).encrypted !== true;
  }

  get arrival(): Arrival {
    if (!("schemeSource" in this.said)) {
      this.said = arrivalAt(this.house, this.socket, this.said);
    }
    return this.said as Arrival;
  }

  /** Of a request behind trusted hops, by what they say of it. */
  get countedAs(): string | null {
    return countedAs(this.house, this.arrivalSoFar);
  }

  /** Of the upgrade that waits for the application's word, as trusted hops tell it; else of the connection. */
  protected get arrivalSoFar(): Arrival {
    return this.authorizing?.arrival ?? this.arrival;
  }

  protected get filter(): RequestFilter | null {
    return this.taker instanceof RequestFilter ? this.taker : null;
  }

  protected get authorizing(): Authorizing | null {
    return this.taker instanceof Authorizing ? this.taker : null;
  }

  protected get session(): Session | null {
    return this.taker instanceof Session ? this.taker : null;
  }

  /** Resolves with how it ended. To be asked once. */
  ending(): Promise<End> {
    return new Promise((resolve) => {
      if (this.#outcome === null) this.#outcome = resolve;
      else resolve(this.#outcome as End);
    });
  }

  /** False where it may not wait for its head, or for the application's word, and has been answered. */
  protected mayWait(overload: Overload | null, answer?: string): boolean {
    if (overload === null) return true;
    const octets = answer ?? this.overloadAnswer();
    this.abandon(overload);
    if (octets === null) this.socket.destroy();
    else this.close(octets);
    return false;
  }

  /**
   * What a client that may not wait is told, in its protocol; null while that is not known. A client that is about to speak TLS would
   * take a response for a broken server.
   */
  protected overloadAnswer(): string | null {
    if (this.connection.speaksHttp) return reply(503);
    return this.connection.state === "recognizing" && this.stage() === "tls" ? alert("internal_error") : null;
  }

  protected listen(): void {
    const socket = this.socket;
    // A client that ends may still read; net would end the socket at once. Every way out of here ends or destroys it.
    socket.allowHalfOpen = true;
    socket[CUSTODY] = this;
    socket.on("end", onEnd).on("close", onClose);
    if (!isReadOnDemand(socket)) socket.on("data", onData);
  }

  /** The giver may have paused the socket, or the filter; a data listener alone leaves it so. */
  protected readOn(): void {
    const socket = this.socket;
    if (!isReadOnDemand(socket) || socket.listeners("data").includes(onData)) socket.resume();
    else if (this.authorizing === null) {
      socket.on("readable", onReadable);
      // Where the giver has listened in the same way, a listener more starts nothing.
      this.readPiece();
    }
  }

  /**
   * Takes one piece of a socket that is read on demand, and asks for the next where a head is still awaited. Behind a whole head
   * the socket reads nothing, so that whoever gets it can hand it to another process (`handOn`).
   */
  readPiece(): void {
    const socket = this.socket;
    const octets: Uint8Array | null = socket.read();
    if (octets !== null) this.receive(octets);
    if (this.isOurs && socket.listeners("readable").includes(onReadable) && this.authorizing === null) socket.read(0);
  }

  /** A server reads all the time: a socket that was read on demand so far reads by itself from now on. */
  protected letFlow(): void {
    const socket = this.socket;
    if (isReadOnDemand(socket)) socket.removeListener("readable", onReadable).on("data", onData).resume();
  }

  /** False from the moment on when the socket has another owner, or its last response. */
  protected get isOurs(): boolean {
    return this.socket[CUSTODY] === this && !this.connection.isOver && this.connection.state !== "securing";
  }

  broke(cause: unknown): void {
    // A session that is broken destroys its socket by what broke it.
    const isFault = (cause as { code?: unknown } | null)?.code === "ERR_HTTP2_ERROR";
    if (!this.connection.isOver) this.abandon(isFault ? "HTTP2_FAULT" : "SOCKET_ERROR", cause);
    // A net.Socket has destroyed itself; another Duplex may have not.
    this.socket.destroy();
  }

  closed(): void {
    // A session tells by itself, behind this, how it has ended; until then it has its own deadline.
    if (!this.connection.isOver && this.session === null) this.abandon("PEER_ENDED");
    if (this.connection.isOver) this.house.lingering.remove(this);
    this.forget();
  }

  /** The socket as it was given, but paused, and nobody's. */
  protected letGo(): void {
    this.leave();
    this.forget();
    this.socket.allowHalfOpen = this.#allowedHalfOpen;
    this.socket.pause();
  }

  protected give(take: () => unknown, end: End): void {
    const written = bytesWritten(this.socket);
    try {
      const promise = take() as PromiseLike<void> | null | undefined;
      if (typeof promise?.then !== "function") this.taken(end);
      else {
        Promise.resolve(promise).then(
          () => this.taken(end),
          (cause) => this.notTaken(cause, written, end),
        );
      }
    } catch (cause) {
      this.notTaken(cause, written, end);
    }
  }

  protected taken(end: End): void {
    const socket = this.socket;
    // Whoever listens for errors now owns them; a framer that does not is protected from them.
    if (socket.listenerCount("error") > 1) socket.removeListener("error", onError);
    this.connection.become("handed over");
    this.settle(end);
  }

  /** `written`: octets that the socket had written before somebody got it. `wanted`: how it would have ended. */
  protected notTaken(cause: unknown, written: number | undefined, wanted: End): void {
    const socket = this.socket;
    const isRaw = wanted.kind === "passed";
    const code = isRaw ? "TAKER_FAILED" : "FRAMER_FAILED";
    const end = abandoned(code, "handover", this.arrival, this.house.limits, cause);
    this.connection.become("abandoned");
    this.settle(end);
    this.house.ended(end);
    if (socket.destroyed) return;
    if (isRaw || written === undefined || bytesWritten(socket) !== written) {
      socket.destroy();
      return;
    }
    socket[CUSTODY] = this;
    socket.on("close", onClose);
    this.close(reply(500));
  }

  protected refuse(decision: Refusal<FramerLike>): void {
    const end: End = { kind: "refused", decision };
    this.over("refused", end);
    this.house.ended(end);
    const { statusCode, fields } = decision;
    const explanation = this.house.expose ? explain(decision) : undefined;
    this.close(reply(statusCode, decision.head.method, { explanation, fields }));
  }

  protected malformed(error: HeadgateError): void {
    const end: End = { kind: "malformed", error, arrival: this.arrival };
    this.over("refused", end);
    this.house.ended(end);
    const explanation = this.house.expose ? explainError(error) : undefined;
    this.close(reply(error.statusCode, undefined, { explanation }));
  }

  protected abandon(code: AbandonedCode, cause?: unknown, stage: Abandoned["stage"] = this.stage()): void {
    const end = abandoned(code, stage, this.arrivalSoFar, this.house.limits, cause);
    this.over("abandoned", end);
    this.house.ended(end);
  }

  protected stage(): Abandoned["stage"] {
    if (this.authorizing !== null) return "authorize";
    const session = this.session;
    if (session !== null) return session.hasServed ? "requests" : session.hasSpoken ? "head" : "silent";
    if (this.filter?.decision) return "requests";
    return this.connection.begun ?? "silent";
  }

  /** Enters the last state: nothing that the socket does concerns us any more, but that it closes. */
  protected over(state: "refused" | "abandoned" | "served", end: End): void {
    this.leave();
    this.connection.become(state);
    this.settle(end);
  }

  protected settle(end: End): void {
    if (typeof this.#outcome === "function") this.#outcome(end);
    this.#outcome = end;
  }

  /** Takes back every deadline and stream of ours, and every listener but those for errors and for the end of it all. */
  protected leave(): void {
    this.unlisten();
    const authorizing = this.authorizing;
    if (authorizing === null) {
      if (this.session?.hasServed) this.house.sessions.remove(this);
      else this.house.heads.remove(this);
      this.leaveServer();
      return;
    }
    this.house.authorizing.remove(this);
    authorizing.abort();
    this.taker = null;
  }

  protected unlisten(): Held {
    const socket = this.socket.removeListener("data", onData).removeListener("end", onEnd);
    return isReadOnDemand(socket) ? socket.removeListener("readable", onReadable) : socket;
  }

  protected leaveServer(): void {
    const filter = this.filter;
    if (filter === null) return;
    this.socket.removeListener("timeout", onTimeout);
    this.setIdleTimeout(0);
    filter.detach();
    this.taker = null;
  }

  /** The socket is no longer ours. A listener that ignores errors stays: without one they would end the process. */
  protected forget(): void {
    this.socket.removeListener("close", onClose);
    this.socket[CUSTODY] = undefined;
  }

  /**
   * Sends a last response and closes behind it, reading on for a while so that no reset overtakes it. Clients that never
   * close would hold any number of sockets so: where many are read on, one more is not.
   */
  protected close(response: string): void {
    const socket = this.socket;
    const { lingering, limits } = this.house;
    const isOneTooMany = lingering.size >= limits.pendingHeads;
    lingering.add(this);
    socket.end(response, "latin1", isOneTooMany ? () => socket.destroy() : undefined);
    socket.resume();
  }

  setIdleTimeout(milliseconds: number): void {
    (this.socket as { setTimeout?: (milliseconds: number) => void }).setTimeout?.(milliseconds);
  }

  protected served(): void {
    this.over("served", { kind: "served", arrival: this.arrival });
  }

  /** Takes what came in. */
  abstract receive(octets: Uint8Array): void;

  /** The client has ended its half. */
  abstract peerEnded(): void;

  /** Nothing has happened on the socket for the time that its server allows. */
  abstract idle(): void;

  /** Its deadline has come. */
  abstract expire(): void;
}

/** Whether a socket has a buffer of no octets: it reads a piece when it is asked for one (`UNREAD`). */
function isReadOnDemand(socket: Duplex): boolean {
  return socket.readableHighWaterMark === 0;
}

/** Octets written so far, where the stream counts them. */
function bytesWritten(socket: Duplex): number | undefined {
  return (socket as { bytesWritten?: number }).bytesWritten;
}
