// In:    a stream to a server, frames.
// Out:   what became of each stream that was opened, and of the connection.
// Never: sends a frame that it was not asked for, but the answer to SETTINGS.

import type { Duplex } from "node:stream";
import {
  errorCodes,
  type Fields,
  Flag,
  Frame,
  frame,
  headers,
  hello,
  type ReadFrame,
  readFrames,
  statusOf,
} from "./http2-frames.js";
import { Client } from "./tcp.js";

/** What a server made of a request, or of a connection: a response, a reset, GOAWAY, or a close without a word. */
export type Outcome = number | `${"reset" | "goaway"} ${string}` | "closed";

const isPong = ({ type, flags }: ReadFrame): boolean => type === Frame.PING && flags === Flag.ACK;
const codeOf = (code: number): string => errorCodes[code] ?? `${code}`;

/** A client of HTTP/2 that writes frames by hand. */
export class FrameClient {
  readonly client: Client;
  /** Of the next stream. */
  next = 1;
  #pings = 0;
  #greeted = false;
  #acknowledged = false;

  constructor(stream: Duplex) {
    this.client = new Client(stream);
    // A client that does not acknowledge SETTINGS may not be bound by them.
    stream.on("data", () => {
      if (!this.#greeted || this.#acknowledged || !this.frames.some(({ type }) => type === Frame.SETTINGS)) return;
      this.#acknowledged = true;
      if (!stream.destroyed && !stream.writableEnded) stream.write(frame(Frame.SETTINGS, Flag.ACK, 0));
    });
  }

  get frames(): ReadFrame[] {
    return readFrames(this.client.received);
  }

  /** The connection preface and SETTINGS. */
  async greet(): Promise<void> {
    this.#greeted = true;
    await this.client.send(hello());
    await this.#until(({ type }) => type === Frame.SETTINGS);
  }

  /** Opens a stream; its number. */
  async open(fields: Fields, flags = 0): Promise<number> {
    const stream = this.next;
    this.next += 2;
    await this.client.send(headers(stream, fields, flags));
    return stream;
  }

  /** Has a PING answered: all that was sent before has been read. */
  async ping(): Promise<void> {
    await this.client.send(frame(Frame.PING, 0, 0, Buffer.alloc(8)));
    const answers = this.#pings++;
    await this.#until(() => this.frames.filter(isPong).length > answers);
  }

  /** Waits for a frame, or the close of the connection. */
  async #until(wanted: (frame: ReadFrame) => boolean): Promise<ReadFrame | undefined> {
    for (let seen = 0; ; ) {
      const { frames } = this;
      const found = frames.slice(seen).find(wanted);
      if (found !== undefined || this.client.isClosed) return found;
      seen = frames.length;
      await this.client.news();
    }
  }

  /** What became of a stream. */
  async outcome(stream: number): Promise<Outcome> {
    const found = await this.#until(
      ({ type, stream: of, payload }) =>
        (of === stream && (type === Frame.HEADERS || type === Frame.RST_STREAM)) ||
        // Streams up to the one that it names are still answered.
        (type === Frame.GOAWAY && (payload.readUInt32BE(0) < stream || payload.readUInt32BE(4) !== 0)),
    );
    return found === undefined ? "closed" : outcomeOf(found);
  }

  /** How a stream ended that was answered. */
  async endOf(stream: number): Promise<Outcome> {
    const found = await this.#until(
      ({ type, stream: of }) => (of === stream && type === Frame.RST_STREAM) || type === Frame.GOAWAY,
    );
    return found === undefined ? "closed" : outcomeOf(found);
  }

  /** How the connection ended. */
  async end(): Promise<Outcome> {
    const found = await this.#until(({ type }) => type === Frame.GOAWAY);
    return found === undefined ? "closed" : outcomeOf(found);
  }

  /** Waits for END_STREAM; the octets of DATA up to it. */
  async body(stream: number): Promise<string> {
    await this.#until(({ stream: of, type, flags }) => {
      return of === stream && (type === Frame.RST_STREAM || (type <= Frame.HEADERS && (flags & Flag.END_STREAM) !== 0));
    });
    const data = this.frames.filter(({ type, stream: of }) => of === stream && type === Frame.DATA);
    return Buffer.concat(data.map(({ payload }) => payload)).toString("latin1");
  }
}

function outcomeOf({ type, payload }: ReadFrame): Outcome {
  if (type === Frame.HEADERS) return statusOf(payload);
  if (type === Frame.RST_STREAM) return `reset ${codeOf(payload.readUInt32BE(0))}`;
  return `goaway ${codeOf(payload.readUInt32BE(4))}`;
}
