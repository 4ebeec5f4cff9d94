// In:    a client's end of a connection.
// Out:   what has come, octet by octet, as far as it has been asked for.
// Never: reads ahead of a close: what came before it is given out.

import { once } from "node:events";
import type { Duplex } from "node:stream";
import { inTime } from "./contract.js";

/** Reads a stream by lengths and lines. */
export class Client {
  readonly stream: Duplex;
  readonly #patience: number;
  #received = Buffer.alloc(0);
  #isOver = false;
  #wake = (): void => {};

  /** `patience`: milliseconds without news after which a read fails. */
  constructor(stream: Duplex, patience: number) {
    this.stream = stream;
    this.#patience = patience;
    stream.on("error", () => {});
    stream.on("data", (octets: Buffer) => {
      this.#received = Buffer.concat([this.#received, octets]);
      this.#wake();
    });
    // A stream of HTTP/2 does not do so by itself.
    stream.on("end", () => stream.end());
    for (const event of ["end", "close"]) {
      stream.on(event, () => {
        this.#isOver = true;
        this.#wake();
      });
    }
  }

  /** All that has come and was not taken. */
  get received(): Buffer {
    return this.#received;
  }

  /** The server has ended its half. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Waits for as many octets; fewer if the stream ends before. `breach`: what it means if they do not come. */
  async take(count: number, breach: string): Promise<Buffer> {
    while (this.#received.length < count && !this.#isOver) await this.#news(breach);
    const taken = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return taken;
  }

  /** Everything up to `mark`, with it; all there is if the stream ends before. */
  async takeThrough(mark: string, breach: string): Promise<string> {
    while (!this.#received.includes(mark) && !this.#isOver) await this.#news(breach);
    const at = this.#received.indexOf(mark);
    return (await this.take(at === -1 ? this.#received.length : at + mark.length, breach)).toString("latin1");
  }

  /** Waits for the end of the connection. */
  async closed(breach: string): Promise<void> {
    while (!this.#isOver) await this.#news(breach);
  }

  async leave(): Promise<void> {
    if (this.stream.closed) return;
    const closed = once(this.stream, "close").catch(() => {});
    this.stream.destroy();
    await closed;
  }

  #news(breach: string): Promise<void> {
    const news = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    return inTime(news, this.#patience, () => breach);
  }
}
