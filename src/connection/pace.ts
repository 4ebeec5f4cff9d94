// In:    a request body that is still to come, or a response that a client still has to read; looks at them at equal intervals.
// Out:   a call when the client was too slow since the last look.
// Never: reads the clock for a piece that comes or goes; the list of deadlines looks.

import type { Duplex } from "node:stream";
import type { Context } from "../outcome/context.js";
import type { Deadlines, Timed } from "../outcome/deadlines.js";

/** Something that is examined at equal intervals. */
export abstract class Looked implements Timed {
  due = 0;
  list: object | null = null;
  previous: Timed | null = null;
  next: Timed | null = null;
  readonly #deadlines: Deadlines;
  readonly #late: () => void;

  constructor(deadlines: Deadlines, late: () => void) {
    this.#deadlines = deadlines;
    this.#late = late;
  }

  /** The first look comes an interval later. Calling it again changes nothing. */
  begin(): void {
    if (this.list !== null) return;
    this.seen();
    this.#deadlines.add(this);
  }

  end(): void {
    this.#deadlines.remove(this);
  }

  expire(): void {
    const verdict = this.verdict();
    if (verdict === "late") this.#late();
    else if (verdict === "on time") this.begin();
  }

  /** What there is now is compared with at the next look. */
  protected abstract seen(): void;

  protected abstract verdict(): "late" | "on time" | "over";
}

/** A body: its client has to send so many octets from look to look, unless it was kept from sending. */
export class BodyPace extends Looked {
  readonly #least: number;
  readonly #isPaused: () => boolean;
  #octets = 0;
  #wasPaused = false;

  constructor({ bodies, limits }: Context, isPaused: () => boolean, late: () => void) {
    super(bodies, late);
    this.#least = Math.max(1, (limits.bodyRate * limits.bodyTimeout) / 1000);
    this.#isPaused = isPaused;
  }

  came(octets: number): void {
    this.#octets += octets;
  }

  /** The application does not read: until then the client cannot send. */
  paused(): void {
    this.#wasPaused = true;
  }

  protected override seen(): void {
    this.#octets = 0;
    this.#wasPaused = this.#isPaused();
  }

  protected override verdict(): "late" | "on time" {
    return this.#wasPaused || this.#octets >= this.#least ? "on time" : "late";
  }
}

/** What a server has written: its client has to read some of it from look to look, while there is any. */
export class SendPace extends Looked {
  readonly #socket: Duplex;
  #writes = 0;
  #left = "";

  constructor(deadlines: Deadlines, socket: Duplex, late: () => void) {
    super(deadlines, late);
    this.#socket = socket;
  }

  wrote(): void {
    this.#writes++;
    // What the system has taken at once has left the stream.
    if (this.#socket.writableLength > 0) this.begin();
  }

  protected override seen(): void {
    this.#left = this.#measure();
  }

  protected override verdict(): "late" | "on time" | "over" {
    if (this.#socket.writableLength === 0) return "over";
    return this.#measure() === this.#left ? "late" : "on time";
  }

  /** Of a long write, the handle alone knows how much is left, as Node's own idle timeout does; another stream has no handle. */
  #measure(): string {
    const { _handle, writableLength } = this.#socket as Duplex & { _handle?: { writeQueueSize?: number } | null };
    return `${this.#writes} ${writableLength} ${_handle?.writeQueueSize}`;
  }
}
