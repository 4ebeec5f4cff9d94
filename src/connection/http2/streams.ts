// In:    the streams of a session, as they are opened.
// Out:   how many are open; and the end of the session, in which no request is lost.
// Never: closes a stream.

import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { ErrorCode } from "./respond.js";

/** Larger than the number of any stream that there is. */
const EVERY_STREAM = 2 ** 31 - 1;

/** The open streams of one session, adopted or of a guarded server. */
export class Streams {
  readonly #session: ServerHttp2Session;
  readonly #idle: () => void;
  #open = 0;
  #isEnding = false;
  #isAnnounced = false;

  /** `idle` is called when no stream is open any more. */
  constructor(session: ServerHttp2Session, idle: () => void) {
    this.#session = session;
    this.#idle = idle;
  }

  /** Streams that are open, or were at the session's end. */
  get open(): number {
    return this.#open;
  }

  opened(stream: ServerHttp2Stream): void {
    this.#open++;
    if (this.#isEnding) this.#announce();
    stream.once("close", () => {
      // Streams that close because the session is destroyed were open at its end.
      if (this.#session.destroyed || --this.#open > 0) return;
      if (this.#isEnding) this.close();
      this.#idle();
    });
  }

  /**
   * Ends the session with the streams that are open, or else with the next one; `closeIdle` does not wait for that. nghttp2 reads
   * nothing more after a GOAWAY without an open stream, and a request that is on its way would be lost.
   */
  end(): void {
    this.#isEnding = true;
    if (this.#open > 0) this.#announce();
  }

  closeIdle(): void {
    if (this.#open === 0) this.close();
  }

  /** A first GOAWAY names every stream, and when the client has read it, a second one names the last stream (RFC 9113 §6.8). */
  #announce(): void {
    const session = this.#session;
    if (this.#isAnnounced || session.closed || session.destroyed) return;
    this.#isAnnounced = true;
    session.goaway(ErrorCode.NO_ERROR, EVERY_STREAM);
    // False where too many PINGs are unanswered.
    if (!session.ping(() => this.close())) this.close();
  }

  /** Sends GOAWAY: open streams go on, and no new one is accepted; after the last one the connection is closed. */
  close(): void {
    if (!this.#session.closed && !this.#session.destroyed) this.#session.close();
  }
}
