// In:    octets that the request filter lets through; what an http.Server writes.
// Out:   a stream that the http.Server takes for a client's socket.
// Never: decides which octets pass.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import type { Arrival } from "../arrival.js";

/** Whom a front serves. */
export interface FrontOwner {
  /** The server wants more octets. */
  serverReads(): void;
  /** The server writes; `done` once the client's socket has taken it. */
  serverWrites(octets: Buffer, done: (error?: Error | null) => void): void;
  /** The server has ended the connection. */
  serverEnds(): void;
  /** The server has destroyed the connection, for a fault or not. */
  serverDestroys(error: Error | null): void;
  /** The server's time for an idle connection; 0 for none. */
  serverTimesOut(milliseconds: number): void;
  /** The server has read the head that is passing, and gives the application this for it. */
  requestBegins(request: IncomingMessage): void;
  /** The response to the request that is passing has been written whole. */
  responseEnds(): void;
}

/** Stands where the client's socket would stand, in front of an http.Server. */
export class Front extends Duplex {
  readonly #owner: FrontOwner;
  readonly #arrival: Arrival;
  /** As tls.TLSSocket; frameworks derive `req.protocol` from it. */
  readonly encrypted: boolean;

  constructor(owner: FrontOwner, arrival: Arrival) {
    super({ allowHalfOpen: true });
    this.#owner = owner;
    this.#arrival = arrival;
    this.encrypted = arrival.scheme === "https";
  }

  get owner(): FrontOwner {
    return this.#owner;
  }

  get remoteAddress(): string | undefined {
    return this.#arrival.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#arrival.remotePort;
  }

  get remoteFamily(): string | undefined {
    return familyOf(this.#arrival.remoteAddress);
  }

  get localAddress(): string | undefined {
    return this.#arrival.localAddress;
  }

  get localPort(): number | undefined {
    return this.#arrival.localPort;
  }

  get localFamily(): string | undefined {
    return familyOf(this.#arrival.localAddress);
  }

  address(): object {
    if (this.localAddress === undefined) return {};
    return { address: this.localAddress, port: this.localPort, family: this.localFamily };
  }

  /** As net.Socket: 'timeout' after so many idle milliseconds; 0 for never. */
  setTimeout(milliseconds: number, listener?: () => void): this {
    if (listener !== undefined && milliseconds === 0) this.removeListener("timeout", listener);
    else if (listener !== undefined) this.once("timeout", listener);
    this.#owner.serverTimesOut(milliseconds);
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.end(() => this.destroy());
  }

  override _read(): void {
    this.#owner.serverReads();
  }

  override _write(octets: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#owner.serverWrites(octets, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#owner.serverWrites(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
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

/** Node's own channels, for every http.Server of the process: a request has been read; a response has been written whole. */
const REQUEST_START = "http.server.request.start";
const RESPONSE_FINISH = "http.server.response.finish";

function onRequestStart(message: unknown): void {
  const { request, socket } = message as { request: IncomingMessage; socket: unknown };
  if (socket instanceof Front) socket.owner.requestBegins(request);
}

function onResponseFinish(message: unknown): void {
  const { socket } = message as { socket: unknown };
  if (socket instanceof Front) socket.owner.responseEnds();
}

/** From now on fronts hear of each request and of the end of its response; calling it again changes nothing. */
export function watchRequests(): void {
  unsubscribe(REQUEST_START, onRequestStart);
  subscribe(REQUEST_START, onRequestStart);
  unsubscribe(RESPONSE_FINISH, onResponseFinish);
  subscribe(RESPONSE_FINISH, onResponseFinish);
}

function familyOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  return address.includes(":") ? "IPv6" : "IPv4";
}
