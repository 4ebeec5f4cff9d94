// In:    heads and octets that the request filter lets through; what an http.Server writes.
// Out:   a stream that the http.Server takes for a client's socket, and the heads to its parser.
// Never: decides which octets pass.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Arrival } from "../../arrival/arrival.js";
import type { ReadHead } from "../../engine/message-parser.js";
import type { ReadBefore } from "../../engine/seat.js";
import { SeatParser } from "../../engine/seat-parser.js";
import { SocketFacade } from "../socket-facade.js";

/** Octets, or text and its encoding. */
export interface Chunk {
  readonly chunk: Buffer | string;
  readonly encoding: BufferEncoding;
}

/** The owner of a server socket. */
export interface ServerSocketOwner {
  /** The server wants more octets. */
  serverReads(): void;
  /** The server writes; `done` is called once the client's socket has taken all of it. */
  serverWrites(chunks: readonly Chunk[], done: (error?: Error | null) => void): void;
  /** The server has ended the connection. */
  serverEnds(): void;
  /** The server has destroyed the connection, because of a fault or not. */
  serverDestroys(error: Error | null): void;
  /** The server's timeout for an idle connection; 0 for none. */
  serverTimesOut(milliseconds: number): void;
  /** The server has read the head that is passing, and gives the application this request and its response. */
  requestBegins(request: IncomingMessage, response: ServerResponse): void;
  /** The response to the request that is passing has been written completely. */
  responseEnds(): void;
  /** The server threw, or a listener of its events, while it took octets. */
  serverFails(): void;
}

/** Takes the place of the client's socket for an http.Server. */
export class ServerSocket extends SocketFacade implements ReadBefore {
  readonly #owner: ServerSocketOwner;
  readonly headsAreRead = true;
  /** The parser that the server has for this connection, which node:http sets. */
  declare readonly parser?: unknown;

  constructor(owner: ServerSocketOwner, arrival: Arrival) {
    // Text goes on as text, as to a net.Socket: it need not become octets twice.
    super(arrival, { allowHalfOpen: true, decodeStrings: false });
    this.#owner = owner;
  }

  get owner(): ServerSocketOwner {
    return this.#owner;
  }

  /**
   * Gives the server the next head as it was read. False if the server can only take octets: its parser is Node's, something else
   * reads this stream as well, or has paused it, or octets are still in it.
   */
  takeHead(read: () => ReadHead): boolean {
    const { parser } = this;
    if (!(parser instanceof SeatParser) || !parser.takesHeads) return false;
    if (this.readableFlowing !== true || this.readableLength > 0 || this.listenerCount("data") > 1) return false;
    this.#serve(() => parser.takeHead(read()));
    return true;
  }

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event !== "data") return super.emit(event as string, ...values);
    return this.#serve(() => super.emit("data", ...values));
  }

  /** If a listener of the server throws, it does so here. The server's parser is unusable afterwards, and would leave the client waiting. */
  #serve<Result>(take: () => Result): Result {
    try {
      return take();
    } catch (error) {
      this.#owner.serverFails();
      throw error;
    }
  }

  protected override idleAfter(milliseconds: number): void {
    this.#owner.serverTimesOut(milliseconds);
  }

  override _read(): void {
    this.#owner.serverReads();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#owner.serverWrites([{ chunk, encoding }], done);
  }

  override _writev(chunks: readonly Chunk[], done: (error?: Error | null) => void): void {
    this.#owner.serverWrites(chunks, done);
  }

  override _final(done: () => void): void {
    this.#owner.serverEnds();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#owner.serverDestroys(error);
    done(error);
  }
}

/** Node's own channels, for every http.Server of the process: a request has been read; a response has been written completely. */
const REQUEST_START = "http.server.request.start";
const RESPONSE_FINISH = "http.server.response.finish";

function onRequestStart(message: unknown): void {
  const { request, response, socket } = message as {
    request: IncomingMessage;
    response: ServerResponse;
    socket: unknown;
  };
  if (socket instanceof ServerSocket) socket.owner.requestBegins(request, response);
}

function onResponseFinish(message: unknown): void {
  const { socket } = message as { socket: unknown };
  if (socket instanceof ServerSocket) socket.owner.responseEnds();
}

/** From now on server sockets learn of each request and of the end of its response; calling it again changes nothing. */
export function watchRequests(): void {
  unsubscribe(REQUEST_START, onRequestStart);
  subscribe(REQUEST_START, onRequestStart);
  unsubscribe(RESPONSE_FINISH, onResponseFinish);
  subscribe(RESPONSE_FINISH, onResponseFinish);
}
