// In:    a connection whose accepted requests go to an http.Server.
// Out:   to the server: the requests that the filter lets through; to the connection: how serving ended.
// Never: rules on a request; the connection does, for the filter.

import type { IncomingMessage, Server } from "node:http";
import type { Arrival } from "../../arrival/arrival.js";
import type { FramerLike } from "../../handover/framer.js";
import { http1Response } from "../../outcome/reply.js";
import type { Acceptance } from "../../policy/decision.js";
import { replyOf } from "../../policy/reply.js";
import { type FilterOwner, RequestFilter } from "../http1/filter.js";
import type { Chunk, ServerSocket } from "../http1/server-socket.js";
import { BodyPace, SendPace } from "../pace.js";
import { letFlow, listenForTimeout, setIdleTimeout, unlistenForTimeout } from "../socket.js";
import type { Phase, Phased } from "./phase.js";

export class Serving implements Phase, FilterOwner {
  readonly #connection: Phased;
  readonly #filter: RequestFilter;
  #body: BodyPace | null = null;
  #sending: SendPace | null = null;

  constructor(connection: Phased) {
    this.#connection = connection;
    this.#filter = new RequestFilter(this);
  }

  /** Gives the server its connection; it may destroy it at once. */
  begin(server: Server): void {
    const { input, socket } = this.#connection;
    input.become("serving");
    this.#connection.context.open.served.add(this.#connection);
    letFlow(socket);
    listenForTimeout(socket);
    this.#filter.connect(server);
  }

  /** A request was accepted. */
  get hasServed(): boolean {
    return this.#filter.decision !== null;
  }

  get stage(): Phase["stage"] {
    return this.hasServed ? "requests" : (this.#connection.input.begun ?? "silent");
  }

  get arrival(): Arrival {
    return this.#connection.arrival;
  }

  get overhead(): number {
    return this.#connection.context.limits.headBytes;
  }

  get patience(): number {
    return this.#connection.context.limits.lingerTimeout;
  }

  get isEnding(): boolean {
    return this.#connection.context.open.state !== "open";
  }

  drain(): void {
    this.#filter.endAfterResponse();
  }

  closeIdle(): void {
    if (!this.hasServed || !this.#filter.isIdle || this.#connection.input.begun !== null) return;
    this.#connection.served();
    this.#connection.close("");
  }

  forward(decision: Acceptance<FramerLike>, rest: Uint8Array): void {
    this.#filter.forward(decision, rest);
  }

  receive(octets: Uint8Array): void {
    this.#filter.receive(octets);
  }

  peerEnded(): void {
    this.#filter.clientEnded();
  }

  idle(): void {
    // The server does not know about an incomplete head, which has a deadline of its own.
    if (this.#connection.input.begun === null) this.#filter.idle();
  }

  /** A later head was not complete in time. */
  expire(): void {
    this.#connection.abandonWith("HEAD_TIMEOUT");
  }

  leave(): void {
    const { context, socket } = this.#connection;
    context.heads.remove(this.#connection);
    context.open.served.delete(this.#connection);
    this.#body?.end();
    this.#sending?.end();
    unlistenForTimeout(socket);
    this.#filter.detach();
  }

  nextHead(octets: Uint8Array): void {
    this.#connection.readHead(octets);
  }

  serverSocketMade(socket: ServerSocket, filter: RequestFilter): void {
    this.#connection.context.known.set(socket, filter as { decision: Acceptance<FramerLike> | null });
  }

  requestBegins(request: IncomingMessage, decision: Acceptance): void {
    this.#connection.context.known.set(request, decision as Acceptance<FramerLike>);
  }

  write(chunks: readonly Chunk[], done: (error?: Error | null) => void): void {
    const { context, socket } = this.#connection;
    // node:http ends each response by an empty chunk.
    let last = chunks.length - 1;
    while (last > 0 && chunks[last]!.chunk.length === 0) last--;
    if (last > 0) socket.cork();
    for (let i = 0; i <= last; i++) {
      const { chunk, encoding } = chunks[i]!;
      const then = i === last ? done : undefined;
      if (typeof chunk === "string") socket.write(chunk, encoding, then);
      else socket.write(chunk, then);
    }
    if (last > 0) socket.uncork();
    if (socket.writableLength === 0 && this.#sending === null) return;
    this.#sending ??= new SendPace(context.sending, socket, () => {
      this.#connection.abandon("SEND_TIMEOUT");
      socket.destroy();
    });
    this.#sending.wrote();
  }

  pause(): void {
    this.#body?.paused();
    this.#connection.socket.pause();
  }

  resume(): void {
    this.#connection.socket.resume();
  }

  setIdleTimeout(milliseconds: number): void {
    setIdleTimeout(this.#connection.socket, milliseconds);
  }

  bodyCame(octets: number, isDone: boolean): void {
    if (isDone) {
      this.#body?.end();
      return;
    }
    const { context, socket } = this.#connection;
    this.#body ??= new BodyPace(
      context,
      () => socket.isPaused(),
      () => this.#filter.bodyLate(),
    );
    this.#body.begin();
    this.#body.came(octets);
  }

  bodyEnded(code: "BODY_MALFORMED" | "BODY_TIMEOUT", answered: boolean, method: string): void {
    if (!answered) this.#connection.abandonWith(code, undefined, method);
    else {
      this.#connection.abandon(code);
      this.#connection.close("");
    }
  }

  bodyBrokenOff(): void {
    this.#connection.abandon("PEER_ENDED");
    this.#connection.socket.destroy();
  }

  serverFailed(answered: boolean, method: string | undefined): void {
    this.#connection.served();
    this.#connection.close(answered ? "" : http1Response(replyOf(500), method));
  }

  serverEnded(): void {
    this.#connection.served();
    this.#connection.close("");
  }

  serverDestroyed(error: Error | null): void {
    this.#connection.served();
    // A server that found a fault has just answered it.
    if (error === null) this.#connection.socket.destroy();
    else this.#connection.close("");
  }
}
