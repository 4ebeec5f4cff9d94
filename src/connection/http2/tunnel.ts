// In:    a stream of an accepted extended CONNECT; octets that its framer writes as if to the socket of an HTTP/1.1 upgrade.
// Out:   a socket for the framer; to the client: the response to CONNECT, then the framer's octets in DATA frames.
// Never: changes an octet after the response head.

import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Arrival } from "../../arrival/arrival.js";
import { SocketFacade } from "../socket-facade.js";
import { ErrorCode, resetStream, withoutConnectionFields } from "./respond.js";

/** How many octets the head of a framer's response may have. */
const RESPONSE_OCTETS = 65_536;

type Done = (error?: Error | null) => void;

/**
 * The tunnel that CONNECT opens (RFC 9110 §9.3.6), in the form of a socket: the framer answers the opening handshake with
 * an HTTP/1.1 response, whose 101 becomes 200 (RFC 8441 §5). END_STREAM is the end of the socket; destroying the socket
 * resets the stream with CANCEL (RFC 8441 §5).
 */
export class Tunnel extends SocketFacade {
  readonly #stream: ServerHttp2Stream;
  /** The head of the response so far; null after it. */
  #response: string | null = "";

  constructor(stream: ServerHttp2Stream, arrival: Arrival) {
    super(arrival, { allowHalfOpen: false });
    this.#stream = stream;
    stream.pause();
    stream.on("data", (octets: Buffer) => {
      if (!this.push(octets)) stream.pause();
    });
    stream.on("end", () => this.push(null));
    stream.on("timeout", () => this.emit("timeout"));
    stream.on("close", () => {
      // If the client has ended properly, the rest is read to its end.
      if (stream.rstCode !== ErrorCode.NO_ERROR || !stream.readableEnded) this.destroy();
    });
  }

  /** The response has begun. */
  get hasAnswered(): boolean {
    return this.#response === null;
  }

  override _read(): void {
    this.#stream.resume();
  }

  override _write(octets: Buffer, _encoding: BufferEncoding, done: Done): void {
    const stream = this.#stream;
    const rest = this.#response === null ? octets : this.#respond(octets, done);
    if (rest === null) return;
    // If the client is gone, the close of the stream reports it.
    if (rest.length === 0 || stream.destroyed) done();
    else stream.write(rest, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "buffer" as BufferEncoding, done);
  }

  /** Takes octets of the response's head. Returns the octets after it; null if `done` was called. */
  #respond(octets: Buffer, done: Done): Buffer | null {
    const before = this.#response!.length;
    this.#response += octets.toString("latin1");
    const end = this.#response!.indexOf("\r\n\r\n");
    if (end < 0 && this.#response!.length < RESPONSE_OCTETS) {
      done();
      return null;
    }
    const headers = end < 0 ? null : headersOf(this.#response!.slice(0, end));
    if (headers === null) {
      done(new Error("a framer must begin with its response to the opening handshake, in HTTP/1.1 form"));
      return null;
    }
    this.#response = null;
    if (!this.#stream.destroyed) this.#stream.respond(headers);
    return octets.subarray(end + 4 - before);
  }

  override _final(done: Done): void {
    const stream = this.#stream;
    if (this.#response !== null || stream.destroyed) {
      done();
      this.destroy();
    } else if (stream.writableEnded) done();
    else stream.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    const stream = this.#stream;
    const isEnded = this.#response === null && stream.writableFinished;
    // If it has ended on both sides, it closes by itself.
    if (!stream.closed && !(isEnded && stream.readableEnded)) {
      resetStream(stream, isEnded ? ErrorCode.NO_ERROR : ErrorCode.CANCEL);
    }
    done(error);
  }

  protected override idleAfter(milliseconds: number): void {
    this.#stream.setTimeout(milliseconds);
  }
}

/** The head of an HTTP/1.1 response, for HTTP/2; null if it is not one. */
function headersOf(head: string): OutgoingHttpHeaders | null {
  const [statusLine, ...lines] = head.split("\r\n");
  const statusCode = Number(/^HTTP\/1\.1 ([1-5]\d\d)(?: |$)/.exec(statusLine!)?.[1] ?? 0);
  if (statusCode === 0) return null;
  const fields = lines.flatMap((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { ":status": statusCode === 101 ? 200 : statusCode, ...withoutConnectionFields(fields) };
}
