// In:    a connection that speaks HTTP/2.
// Out:   its session, with deadlines; to the connection: how the session ended.
// Never: reads the socket; node:http2 does.

import type { Arrival } from "../../arrival/arrival.js";
import type { Http2Rules } from "../../outcome/context.js";
import { Session, type SessionOwner } from "../http2/session.js";
import { unlisten } from "../socket.js";
import type { Phase, Phased } from "./phase.js";

export class Http2 implements Phase, SessionOwner {
  readonly tellsItsEnd = true;
  readonly #connection: Phased;
  readonly #session: Session;
  #isDraining = false;

  /** `octets`: what was read from the socket already. */
  constructor(connection: Phased, rules: Http2Rules, octets: Uint8Array) {
    this.#connection = connection;
    const { context, input, socket } = connection;
    unlisten(socket);
    if (octets.length > 0) {
      socket.pause();
      socket.unshift(octets);
    }
    // A client of HTTP/2 that ends its half is gone: everything it sends comes in frames.
    socket.allowHalfOpen = false;
    input.become("serving");
    this.#session = new Session(context, rules, this, socket);
  }

  get arrival(): Arrival {
    return this.#connection.arrival;
  }

  get stage(): Phase["stage"] {
    const { hasServed, hasSpoken } = this.#session;
    return hasServed ? "requests" : hasSpoken ? "head" : "silent";
  }

  sessionBegins(): void {
    const { context, input } = this.#connection;
    if (input.isOver) return;
    context.heads.remove(this.#connection);
    context.sessions.add(this.#connection);
    if (context.open.state !== "open") this.drain();
  }

  sessionIdle(): void {
    const { context, input } = this.#connection;
    if (!input.isOver) context.sessions.add(this.#connection);
  }

  sessionClosed(error: Error | null): void {
    if (this.#connection.input.isOver) return;
    if (error !== null) this.#connection.abandon("HTTP2_FAULT", error);
    else if ((this.#session.hasServed || this.#isDraining) && this.#session.open === 0) this.#connection.served();
    else this.#connection.abandon("PEER_ENDED");
  }

  /** node:http2 reads. */
  receive(): void {}

  peerEnded(): void {
    this.#connection.abandon("PEER_ENDED");
    this.#connection.socket.destroy();
  }

  idle(): void {}

  /** No stream was opened in time, none has been open for a while, or one is open and the client may be gone. */
  expire(): void {
    const session = this.#session;
    const { context } = this.#connection;
    if (session.hasServed && session.open > 0) {
      if (session.probe()) context.sessions.add(this.#connection);
      else {
        this.#connection.abandon("PEER_ENDED");
        session.destroy();
        // A client that does not read never takes the session's last write, for which node:http2 would wait.
        this.#connection.socket.destroy();
      }
      return;
    }
    if (session.hasServed) this.#connection.served();
    else this.#connection.abandon("HEAD_TIMEOUT");
    context.lingering.add(this.#connection);
    session.close();
  }

  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#session.end();
  }

  closeIdle(): void {
    this.#session.closeIdle();
  }

  leave(): void {
    const { context } = this.#connection;
    if (this.#session.hasServed) context.sessions.remove(this.#connection);
    else context.heads.remove(this.#connection);
  }
}
