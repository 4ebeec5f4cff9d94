// In:    octets of a connection whose first request was accepted, decisions on the later ones.
// Out:   to the http.Server: accepted requests, one at a time; to the owner: the first request that is not for it.
// Never: lets a request pass that the policy has not ruled on, or a second one before the first was answered.

import type { Server } from "node:http";
import type { Arrival } from "../arrival.js";
import { BodyReader } from "../body.js";
import type { Acceptance } from "../decision.js";
import { Front, type FrontOwner } from "./front.js";
import { forwardedHead } from "./rewrite.js";

/** The connection that a filter stands in. */
export interface FilterOwner {
  readonly arrival: Arrival;
  /** Octets of chunk extensions and trailers that one body may have. */
  readonly overhead: number;
  /** Takes octets where a head is awaited; calls `forward` if they complete one that goes to the server. */
  nextHead(octets: Uint8Array): void;
  /** Writes to the client; `done` once it is taken. */
  write(octets: Buffer, done: (error?: Error | null) => void): void;
  pause(): void;
  resume(): void;
  setIdleTimeout(milliseconds: number): void;
  /** The body is malformed: nobody knows where the next request begins. `answered`: a response has begun. */
  bodyMalformed(answered: boolean): void;
  /** The server ended the connection after a response. */
  serverEnded(): void;
  /** The server destroyed the connection. */
  serverDestroyed(): void;
}

/** Octets that may wait for a response to end before the client is made to wait. */
const HELD_OCTETS = 65_536;

/** The request that is on its way through. */
interface Passing {
  readonly body: BodyReader;
  /** A response to it has begun. */
  answering: boolean;
  /** The response has ended. */
  answered: boolean;
}

/** One connection's way to an http.Server: heads through the policy, bodies by their framing. */
export class RequestFilter implements FrontOwner {
  readonly #owner: FilterOwner;
  readonly #front: Front;
  #passing: Passing | null = null;
  /** Octets that came behind the request that is passing. */
  #held: Uint8Array[] = [];
  #heldOctets = 0;
  #frontIsFull = false;
  #clientEnded = false;
  #detached = false;

  constructor(owner: FilterOwner, server: Server) {
    this.#owner = owner;
    this.#front = new Front(this, owner.arrival);
    server.emit("connection", this.#front);
  }

  /** Lets an accepted request through, then what came behind its head. */
  forward({ head }: Acceptance, rest: Uint8Array): void {
    this.#passing = { body: new BodyReader(head.framing, this.#owner.overhead), answering: false, answered: false };
    this.#push(Buffer.from(forwardedHead(head), "latin1"));
    this.receive(rest);
  }

  /** Takes the client's next octets. */
  receive(octets: Uint8Array): void {
    if (this.#passing === null) {
      if (octets.length > 0) this.#owner.nextHead(octets);
      return;
    }
    const { body, answering } = this.#passing;
    const end = body.done ? 0 : body.read(octets, 0);
    if (end < 0) {
      this.#owner.bodyMalformed(answering);
      return;
    }
    if (end > 0) this.#push(octets.subarray(0, end));
    if (end < octets.length) this.#hold(octets.subarray(end));
    this.#settle();
  }

  /** Keeps what came behind the request, until that one is answered. */
  #hold(octets: Uint8Array): void {
    this.#held.push(octets);
    this.#heldOctets += octets.length;
    if (this.#heldOctets >= HELD_OCTETS) this.#owner.pause();
  }

  /** Goes on with what is held, once the request is whole and answered. */
  #settle(): void {
    if (this.#detached) return;
    if (this.#passing !== null && !(this.#passing.body.done && this.#passing.answered)) return;
    this.#passing = null;
    if (this.#heldOctets > 0) {
      const octets = Buffer.concat(this.#held);
      this.#held = [];
      this.#heldOctets = 0;
      if (!this.#frontIsFull) this.#owner.resume();
      this.#owner.nextHead(octets);
    } else if (this.#clientEnded) {
      this.#front.push(null);
    }
  }

  #push(octets: Uint8Array): void {
    if (this.#detached) return;
    this.#frontIsFull = !this.#front.push(octets);
    if (this.#frontIsFull) this.#owner.pause();
  }

  /** The client sends no more; the server learns it behind what is held. */
  clientEnded(): void {
    this.#clientEnded = true;
    if (!this.#detached && this.#heldOctets === 0) this.#front.push(null);
  }

  /** The client's socket has been idle for as long as the server asked. */
  idle(): void {
    if (!this.#detached) this.#front.emit("timeout");
  }

  /** Takes the filter out of the connection: the server sees its client vanish. */
  detach(): void {
    if (this.#detached) return;
    this.#detached = true;
    this.#held = [];
    this.#front.on("error", () => {});
    this.#front.destroy();
  }

  serverReads(): void {
    if (this.#detached || !this.#frontIsFull) return;
    this.#frontIsFull = false;
    if (this.#heldOctets < HELD_OCTETS) this.#owner.resume();
  }

  serverWrites(octets: Buffer, done: (error?: Error | null) => void): void {
    if (this.#passing !== null) this.#passing.answering = true;
    if (this.#detached) done();
    else this.#owner.write(octets, done);
  }

  serverEnds(): void {
    if (!this.#detached) this.#owner.serverEnded();
  }

  serverDestroys(): void {
    if (this.#detached) return;
    this.#detached = true;
    this.#owner.serverDestroyed();
  }

  serverTimesOut(milliseconds: number): void {
    if (!this.#detached) this.#owner.setIdleTimeout(milliseconds);
  }

  responseEnds(): void {
    if (this.#passing !== null) this.#passing.answered = true;
    // The server is still inside its own bookkeeping of the response.
    queueMicrotask(() => this.#settle());
  }
}
