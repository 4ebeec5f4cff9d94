// In:    octets of a connection whose first request was accepted, decisions on later requests.
// Out:   to the http.Server: accepted requests, one at a time; to the owner: the first request that is not for the server.
// Never: lets a request pass that the policy has not ruled on, or a second one before the first has been answered.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Arrival } from "../../arrival/arrival.js";
import { BodyReader } from "../../message/body.js";
import { HeldOctets } from "../../outcome/held-octets.js";
import type { Acceptance } from "../../policy/decision.js";
import { forwardedHead, forwardedRead } from "./rewrite.js";
import { type Chunk, ServerSocket, type ServerSocketOwner } from "./server-socket.js";

/** The connection that a filter belongs to. */
export interface FilterOwner {
  readonly arrival: Arrival;
  /** Octets of chunk extensions and trailers that one body may have. */
  readonly overhead: number;
  /** Milliseconds that a client which has ended may wait for its response before it counts as gone. */
  readonly patience: number;
  /** The next request is the connection's last. */
  readonly isEnding: boolean;
  /** Octets of a body have come. `isDone`: the body is complete. */
  bodyCame(octets: number, isDone: boolean): void;
  /** Takes octets while a head is awaited; calls `forward` if they complete one that goes to the server. */
  nextHead(octets: Uint8Array): void;
  /** The application gets the server's stream, whose newest request was ruled on by `connection.decision`. */
  serverSocketMade(socket: ServerSocket, connection: RequestFilter): void;
  /** The application gets this request, by this decision. */
  requestBegins(request: IncomingMessage, decision: Acceptance): void;
  /** Writes to the client, all at once; `done` is called once it is taken. */
  write(chunks: readonly Chunk[], done: (error?: Error | null) => void): void;
  pause(): void;
  resume(): void;
  setIdleTimeout(milliseconds: number): void;
  /** The body of a `method` request is malformed, so that it is unknown where the next request begins, or late. `answered`: a response has begun. */
  bodyEnded(code: "BODY_MALFORMED" | "BODY_TIMEOUT", answered: boolean, method: string): void;
  /** The client ended within a body. */
  bodyBrokenOff(): void;
  /** The server, or a listener of it, threw within a `method` request; `answered`: a response has begun. */
  serverFailed(answered: boolean, method: string | undefined): void;
  /** The server ended the connection after a response. */
  serverEnded(): void;
  /** The server destroyed the connection; `error`: because of a fault, which it may have answered before. */
  serverDestroyed(error: Error | null): void;
}

/** Octets that may wait for the end of a response before reading from the client pauses. */
const HELD_OCTETS = 65_536;

const DIGIT_1 = 0x31;

/** The request that is on its way through. */
interface Passing {
  readonly body: BodyReader;
  readonly method: string;
  /** No request follows: the client has announced it, or the gate is draining. */
  last: boolean;
  /** The server's response, from its making on. */
  answer: ServerResponse | null;
  /** The progress of the response; interim responses (RFC 9110 §15.2) do not count. */
  response: "none" | "begun" | "whole";
}

/** One connection's path to an http.Server: heads go through the policy, bodies by their framing. */
export class RequestFilter implements ServerSocketOwner {
  readonly #owner: FilterOwner;
  /** What the server takes for the client's socket. */
  readonly #socket: ServerSocket;
  /** Null while a head is awaited. */
  #passing: Passing | null = null;
  /** Octets after the request that is passing. */
  #held = new HeldOctets();
  #socketIsFull = false;
  /** The server's connection is new: as with a socket of its own, requests come in a later tick, when the caller of `adopt` goes on. */
  #isBeginning = false;
  #clientEnded = false;
  /** Runs while a client that has ended waits for a response. */
  #patience: ReturnType<typeof setTimeout> | undefined;
  #detached = false;
  #decision: Acceptance | null = null;

  constructor(owner: FilterOwner) {
    this.#owner = owner;
    this.#socket = new ServerSocket(this, owner.arrival);
    owner.serverSocketMade(this.#socket, this);
  }

  /** The decision on the newest request. */
  get decision(): Acceptance | null {
    return this.#decision;
  }

  /** Gives the server its connection; it may destroy it at once. */
  connect(server: Server): void {
    try {
      server.emit("connection", this.#socket);
    } catch (error) {
      this.serverFails();
      throw error;
    }
    this.#isBeginning = true;
    process.nextTick(() => this.#begin());
  }

  #begin(): void {
    this.#isBeginning = false;
    if (this.#detached) return;
    if (this.#passing !== null) this.#pass(this.#decision!);
    if (this.#held.length > 0) {
      this.#owner.resume();
      this.receive(this.#held.take());
    }
    if (this.#clientEnded) this.#passEnd();
  }

  /** Lets an accepted request through, then the octets after its head. */
  forward(decision: Acceptance, rest: Uint8Array): void {
    const { head } = decision;
    this.#decision = decision;
    const body = new BodyReader(head.framing, this.#owner.overhead);
    this.#passing = { body, method: head.method, last: !head.keepAlive, answer: null, response: "none" };
    if (this.#owner.isEnding) this.endAfterResponse();
    if (!this.#isBeginning) this.#pass(decision);
    if (!this.#detached && !body.done && rest.length === 0) this.#owner.bodyCame(0, false);
    this.receive(rest);
  }

  #pass(decision: Acceptance): void {
    const isTaken = this.#socket.takeHead(() => forwardedRead(decision));
    if (!isTaken) this.#push(Buffer.from(forwardedHead(decision), "latin1"));
  }

  /** Nothing is under way: neither a request nor octets of the next one. */
  get isIdle(): boolean {
    return this.#passing === null && this.#held.length === 0;
  }

  /** The request that is under way is the last. Its client reads that in the response, if its head is not written yet. */
  endAfterResponse(): void {
    const passing = this.#passing;
    if (passing === null) return;
    passing.last = true;
    if (passing.answer !== null && !passing.answer.headersSent) passing.answer.shouldKeepAlive = false;
  }

  /** Takes the client's next octets. */
  receive(octets: Uint8Array): void {
    // The server may have destroyed the connection while it took the previous octets.
    if (this.#detached || octets.length === 0) return;
    if (this.#isBeginning) {
      this.#hold(octets);
      return;
    }
    if (this.#passing === null) {
      this.#owner.nextHead(octets);
      return;
    }
    const { body, method, response } = this.#passing;
    const end = body.done ? 0 : body.read(octets, 0);
    if (end < 0) {
      this.#owner.bodyEnded("BODY_MALFORMED", response !== "none", method);
      return;
    }
    if (end > 0) {
      this.#owner.bodyCame(end, body.done);
      this.#push(octets.subarray(0, end));
    }
    if (end < octets.length) this.#hold(octets.subarray(end));
    this.#settle();
  }

  /** Keeps the octets after the request until it is answered. */
  #hold(octets: Uint8Array): void {
    if (this.#detached) return;
    this.#held.add(octets);
    if (this.#held.length >= HELD_OCTETS) this.#owner.pause();
  }

  /** Continues with the held octets once the request is complete and answered. */
  #settle(): void {
    if (this.#detached) return;
    if (this.#passing !== null) {
      const { body, last, response } = this.#passing;
      if (!body.done || response !== "whole") return;
      if (last) {
        // Octets after a request with `Connection: close` are not a request (RFC 9112 §9.6), even if the server keeps
        // the connection open.
        this.#socket.push(null);
        return;
      }
      this.#passing = null;
    }
    if (this.#held.length > 0) {
      const octets = this.#held.take();
      if (!this.#socketIsFull) this.#owner.resume();
      this.#owner.nextHead(octets);
    }
    if (this.#clientEnded) this.#passEnd();
  }

  #push(octets: Uint8Array): void {
    if (this.#detached) return;
    this.#socketIsFull = !this.#socket.push(octets);
    if (this.#socketIsFull) this.#owner.pause();
  }

  /** Too little of the body has come in its time. */
  bodyLate(): void {
    const { method, response } = this.#passing!;
    this.#owner.bodyEnded("BODY_TIMEOUT", response !== "none", method);
  }

  /** The client sends no more; the server sees that after the held octets. */
  clientEnded(): void {
    this.#clientEnded = true;
    this.#passEnd();
  }

  /**
   * An http.Server drops the responses that it owes to a client that has ended, unless they are ready. A client may
   * end and still read, so it gets some time for its response; it may also be gone, and then the application
   * should not serve it for long.
   */
  #passEnd(): void {
    if (this.#detached || this.#isBeginning) return;
    if (this.#passing === null) {
      this.#socket.push(null);
    } else if (!this.#passing.body.done) {
      this.#owner.bodyBrokenOff();
    } else {
      clearTimeout(this.#patience);
      this.#patience = setTimeout(() => this.#socket.push(null), this.#owner.patience);
    }
  }

  /** The client's socket has been idle for as long as the server asked. */
  idle(): void {
    if (!this.#detached) this.#socket.emit("timeout");
  }

  /** Takes the filter out of the connection: the server sees its client vanish. */
  detach(): void {
    if (this.#detached) return;
    this.#letGo();
    this.#socket.on("error", () => {});
    this.#socket.destroy();
  }

  #letGo(): void {
    this.#detached = true;
    this.#held = new HeldOctets();
    clearTimeout(this.#patience);
  }

  serverReads(): void {
    if (this.#detached || !this.#socketIsFull) return;
    this.#socketIsFull = false;
    if (this.#held.length < HELD_OCTETS) this.#owner.resume();
  }

  serverWrites(chunks: readonly Chunk[], done: (error?: Error | null) => void): void {
    if (this.#detached) {
      done();
      return;
    }
    const passing = this.#passing;
    if (passing?.response === "none" && holdsFinalResponse(chunks)) passing.response = "begun";
    // If writing fails, the client's socket reports that too, and its owner detaches this filter. The server must not
    // learn of it earlier, or it would look as if the server had destroyed the connection.
    this.#owner.write(chunks, (error) => {
      if (!error) done();
    });
  }

  serverEnds(): void {
    if (!this.#detached) this.#owner.serverEnded();
  }

  serverDestroys(error: Error | null): void {
    if (this.#detached) return;
    this.#letGo();
    this.#owner.serverDestroyed(error);
  }

  serverFails(): void {
    if (this.#detached) return;
    const { method, response } = this.#passing ?? { method: undefined, response: "none" };
    this.#owner.serverFailed(response !== "none", method);
  }

  serverTimesOut(milliseconds: number): void {
    if (!this.#detached) this.#owner.setIdleTimeout(milliseconds);
  }

  requestBegins(request: IncomingMessage, response: ServerResponse): void {
    if (this.#passing !== null) this.#passing.answer = response;
    if (this.#owner.isEnding) this.endAfterResponse();
    if (this.#decision !== null) this.#owner.requestBegins(request, this.#decision);
  }

  responseEnds(): void {
    if (this.#passing !== null) this.#passing.response = "whole";
    // The server is still inside its own bookkeeping of the response.
    queueMicrotask(() => this.#settle());
  }
}

/** False if there are only interim responses, each of which an http.Server writes in one piece. */
function holdsFinalResponse(chunks: readonly Chunk[]): boolean {
  const chunk = chunks.find((each) => each.chunk.length > 0)?.chunk ?? "";
  // The first digit of the status code of "HTTP/1.1 200 OK".
  if ((typeof chunk === "string" ? chunk.charCodeAt(9) : chunk[9]) !== DIGIT_1) return true;
  const text = chunks.map((each) => String(each.chunk)).join("");
  for (let at = 0; at < text.length; ) {
    if (!/^HTTP\/1\.1 1(?!01)/.test(text.slice(at, at + 12))) return true;
    const end = text.indexOf("\r\n\r\n", at);
    if (end < 0) return false;
    at = end + 4;
  }
  return false;
}
