// In:    one adopted socket, octets already read from it, the caller's hints about it.
// Out:   octets, to the current phase of the connection; always exactly one end, and a response if the gate sends the last one.
// Never: rules on anything; the policy does.

import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import { type Arrival, type ArrivalHints, arrivalAt, type SocketFacts } from "../arrival/arrival.js";
import { alert } from "../arrival/tls/alert.js";
import type { ClientHello } from "../arrival/tls/client-hello.js";
import type { FramerLike } from "../handover/framer.js";
import { type PassthroughLike, passThrough } from "../handover/passthrough.js";
import { ReceivedConnection } from "../handover/socket-handover.js";
import { NOTHING } from "../head/kernel/latin1.js";
import { type Context, countedAs, type Secures } from "../outcome/context.js";
import type { Timed } from "../outcome/deadlines.js";
import {
  type Abandoned,
  type AbandonedCode,
  type Answered,
  abandoned,
  type ConnectionEnd,
  type Passed,
} from "../outcome/end.js";
import { framerCode, give, handOver, type Taking } from "../outcome/hand-over.js";
import { http1Response, replyTo } from "../outcome/reply.js";
import { routeOf } from "../outcome/route.js";
import type { Overload } from "../outcome/waiting.js";
import type { Acceptance, Refusal } from "../policy/decision.js";
import { GOAWAY } from "./http2/session.js";
import { Input, type Ruled } from "./input.js";
import { Authorizing } from "./phases/authorizing.js";
import { begins, readHead, recognizes, type Switchboard } from "./phases/head.js";
import { Http2 } from "./phases/http2.js";
import type { Full, Phase } from "./phases/phase.js";
import { Serving } from "./phases/serving.js";
import { Tls } from "./phases/tls.js";
import {
  bytesWritten,
  forget,
  guardErrors,
  type Keeper,
  type Kept,
  keep,
  keeperOf,
  leaveErrors,
  listen,
  readNextPiece,
  readOn,
  unlisten,
} from "./socket.js";

/**
 * One adopted connection, from its first octet to its next owner. It is its own phase while its first head is awaited: thousands may
 * wait, so everything that a waiting connection does not need is made later. It has no private methods, since the engine would add
 * one more word to each object for them.
 */
export class Connection implements Keeper, Phase, Switchboard {
  due = 0;
  list: object | null = null;
  previous: Timed | null = null;
  next: Timed | null = null;
  readonly input: Input<FramerLike, Context>;
  /** The socket that the gate reads and writes; if the gate terminates TLS, no longer the adopted one. */
  socket: Kept;
  readonly #allowedHalfOpen: boolean;
  /** The caller's hints, until the arrival is needed. */
  #arrival: ArrivalHints | Arrival;
  #phase: Phase = this;
  /** How it ended, or the callback that waits for it. */
  #outcome: ConnectionEnd | ((end: ConnectionEnd) => void) | null = null;

  constructor(context: Context, socket: Duplex, given: ArrivalHints | Arrival) {
    this.socket = socket;
    this.#arrival = given;
    this.#allowedHalfOpen = socket.allowHalfOpen;
    this.input = new Input(context, recognizes(context, socket));
    if (context.adopts) context.open.entered();
  }

  get context(): Context {
    return this.input.rules;
  }

  get recognizes(): boolean {
    return recognizes(this.context, this.socket);
  }

  get arrival(): Arrival {
    if (!("schemeSource" in this.#arrival))
      this.#arrival = arrivalAt(this.context.policy, this.socket as SocketFacts, this.#arrival);
    return this.#arrival as Arrival;
  }

  learn(arrival: Arrival): void {
    this.#arrival = arrival;
  }

  /** For an upgrade that waits for the application's answer, including what trusted hops state; else for the connection. */
  private get arrivalSoFar(): Arrival {
    return this.#phase.requestArrival ?? this.arrival;
  }

  get countedAs(): string | null {
    return countedAs(this.context, this.arrivalSoFar);
  }

  get agreedOnHttp2(): boolean {
    return this.context.http2 !== undefined && (this.socket as { alpnProtocol?: unknown }).alpnProtocol === "h2";
  }

  /** A deadline does not prove it: an upgrade that waits for `authorize`, or a lingering connection, has one too. */
  get awaitsHead(): boolean {
    return this.context.heads.has(this) && !this.input.isOver;
  }

  /** False once the socket has another owner, or its last response. */
  private get isOurs(): boolean {
    return keeperOf(this.socket) === this && !this.input.isOver && this.input.state !== "securing";
  }

  /** Resolves with how it ended. Call it once. */
  ending(): Promise<ConnectionEnd> {
    return new Promise((resolve) => {
      if (this.#outcome === null) this.#outcome = resolve;
      else resolve(this.#outcome as ConnectionEnd);
    });
  }

  // Beginning

  /** Takes the socket. `rest`: octets that the caller has read from it. */
  begin(rest: Uint8Array): void {
    const { socket, context } = this;
    if (!begins(this, rest)) return;
    if (this.agreedOnHttp2 && this.input.state === "reading") {
      this.speakHttp2(rest);
      return;
    }
    // `rest` may contain a complete head; then the connection does not wait.
    if (rest.length === 0 && !this.mayWait(context.heads.admit(this))) return;
    if (context.requestsAccepts) this.serveOn(context.requests!);
    if (rest.length > 0) this.receive(rest);
    if (!this.isOurs) return;
    if (socket.readableEnded) this.#phase.peerEnded();
    else readOn(socket, true);
  }

  /** Takes a socket whose head was already read and ruled on. */
  beginRuled(ruled: Ruled<FramerLike>): void {
    guardErrors(this.socket);
    listen(this.socket, this);
    this.act(ruled);
  }

  /** False if it may not wait for its head, or for `authorize`, and has been answered: with `answer`, or in its protocol. */
  mayWait(overload: Overload | Full | null, answer?: string): boolean {
    if (overload === null) return true;
    const isTls = this.input.state === "recognizing" && this.stage === "tls";
    const octets = isTls ? alert("internal_error") : answer;
    if (octets === undefined) this.abandonWith(overload);
    else {
      this.abandon(overload);
      this.close(octets);
    }
    return false;
  }

  // What befalls the socket, for its phase

  /**
   * Takes one piece from a socket that is read on demand, and asks for the next if a head is still awaited. After a complete head
   * the socket is not read, so that its next owner can send it to another process (`sendSocket`).
   */
  readPiece(): void {
    const octets: Uint8Array | null = this.socket.read();
    if (octets !== null) this.receive(octets);
    if (this.isOurs && this.input.state !== "authorizing") readNextPiece(this.socket);
  }

  receive(octets: Uint8Array): void {
    if (this.#phase === this) this.readHead(octets);
    else this.#phase.receive(octets);
  }

  peerEnded(): void {
    if (this.#phase !== this) {
      this.#phase.peerEnded();
      return;
    }
    this.abandon("PEER_ENDED");
    this.socket.destroy();
  }

  idle(): void {
    if (this.#phase !== this) this.#phase.idle();
  }

  /** The deadline of its phase has passed, or the connection has lingered for too long. */
  expire(): void {
    if (this.input.isOver) this.socket.destroy();
    else if (this.#phase !== this) this.#phase.expire();
    else if (this.input.begun === null) {
      // A client that never sent anything gets no response.
      this.abandon("HEAD_TIMEOUT");
      this.socket.destroy();
    } else this.abandonWith("HEAD_TIMEOUT");
  }

  drain(): void {
    if (this.#phase !== this) this.#phase.drain?.();
  }

  closeIdle(): void {
    if (this.#phase !== this) this.#phase.closeIdle?.();
  }

  cut(): void {
    if (!this.input.isOver) this.abandon("DRAINED");
    this.socket.destroy();
  }

  get stage(): Abandoned["stage"] {
    return this.#phase === this ? (this.input.begun ?? "silent") : this.#phase.stage;
  }

  leave(): void {
    if (this.#phase === this) this.context.heads.remove(this);
    else this.#phase.leave();
  }

  broke(cause: unknown): void {
    // A broken session destroys its socket with the error that broke it.
    const isFault = (cause as { code?: unknown } | null)?.code === "ERR_HTTP2_ERROR";
    if (!this.input.isOver) this.abandon(isFault ? "HTTP2_FAULT" : "SOCKET_ERROR", cause);
    // A net.Socket has destroyed itself; another Duplex may not have.
    this.socket.destroy();
  }

  closed(): void {
    // A session reports its own end after this; until then it has its own deadline.
    if (!this.input.isOver && !this.#phase.tellsItsEnd) this.abandon("PEER_ENDED");
    if (this.input.isOver) this.context.lingering.remove(this);
    forget(this.socket);
  }

  // From phase to phase

  readHead(octets: Uint8Array): void {
    readHead(this, octets);
  }

  /** Does what follows from a head. */
  act(ruled: Ruled<FramerLike>): void {
    if (ruled.kind === "malformed") {
      this.endRefused({ ...ruled, arrival: this.arrival });
      return;
    }
    const { decision, kind } = routeOf(ruled.decision, this.context.ways, this.socket);
    switch (kind) {
      case "refuse":
        this.refuse(decision);
        break;
      case "authorize":
        this.authorize(decision, ruled.rest);
        break;
      case "hand over":
        this.handOver(decision, ruled.rest);
        break;
      case "serve":
        this.context.reports.accepted(decision);
        this.serve(decision, ruled.rest);
    }
  }

  private serveOn(server: Server): Serving {
    const serving = new Serving(this);
    this.#phase = serving;
    serving.begin(server);
    return serving;
  }

  private serve(decision: Acceptance<FramerLike>, rest: Uint8Array): void {
    const phase = this.#phase === this ? this.serveOn(this.context.requests!) : this.#phase;
    // A different phase, if the server has already destroyed its connection.
    if (!this.input.isOver) (phase as Serving).forward(decision, rest);
  }

  /** Asks the application; meanwhile the socket is ours, and the server has seen its client vanish. */
  private authorize(decision: Acceptance<FramerLike>, rest: Uint8Array): void {
    this.leave();
    const authorizing = new Authorizing(this, decision);
    this.#phase = authorizing;
    authorizing.begin(rest);
  }

  /** From now on node:http2 reads the socket; `octets` are the first of the client's connection preface (RFC 9113 §3.4). */
  speakHttp2(octets: Uint8Array): void {
    const { heads, http2 } = this.context;
    if (!heads.has(this) && !this.mayWait(heads.admit(this), GOAWAY)) return;
    this.#phase = new Http2(this, http2!, octets);
  }

  /** Puts the octets back into the socket, and gives it to TLS; the connection continues with the TLSSocket that is made from it. */
  secure(secures: Secures, octets: Uint8Array): void {
    if (this.hasEnded("tls")) return;
    const tls = new Tls(this);
    this.#phase = tls;
    tls.begin(secures, octets);
  }

  awaitHead(isHttp2: boolean): void {
    this.input.become("reading");
    this.#phase = this;
    listen(this.socket, this);
    if (isHttp2) this.speakHttp2(NOTHING);
    else readOn(this.socket, true);
  }

  // Ways out

  handOver(decision: Acceptance<FramerLike>, rest: Uint8Array): void {
    // It may have ended while an earlier response was being sent.
    if (this.hasEnded(this.#phase.stage === "requests" ? "requests" : "head")) return;
    this.letGo();
    handOver(this.context, this.socket, decision, rest, this.taking({ kind: "handed-over", decision }));
  }

  /** Gives the connection to a passthrough, unread, with every octet. */
  pass(passthrough: PassthroughLike, hello: ClientHello | null, octets: Uint8Array): void {
    if (this.hasEnded(hello === null ? "head" : "tls")) return;
    const { arrival, context, socket } = this;
    const end: Passed = { kind: "passed", hello, arrival };
    this.letGo();
    context.reports.passed(end);
    const received = new ReceivedConnection(socket, octets, hello, arrival, context.reports.lost);
    const leaving = { context, socket, owner: null, arrival, isAdopted: context.adopts };
    give(leaving, () => passThrough(passthrough, received), this.taking(end));
  }

  /** The next owner of a socket whose client has ended would wait for an 'end' that has already happened, so the socket is closed. */
  private hasEnded(stage: Abandoned["stage"]): boolean {
    if (!this.socket.readableEnded) return false;
    this.abandon("PEER_ENDED", undefined, stage);
    this.socket.destroy();
    return true;
  }

  /** Leaves the socket as it was adopted, but paused, and without an owner. */
  private letGo(): void {
    unlisten(this.socket);
    this.leave();
    this.#phase = this;
    forget(this.socket);
    this.socket.allowHalfOpen = this.#allowedHalfOpen;
    this.socket.pause();
  }

  private taking(end: Extract<ConnectionEnd, { kind: "handed-over" | "passed" }>): Taking {
    const { socket } = this;
    const written = bytesWritten(socket);
    return {
      taken: (isCounted) => {
        leaveErrors(socket);
        this.input.become("handed-over");
        this.settle(end, isCounted);
      },
      notTaken: (cause, isCounted) => {
        const isUntouched = written !== undefined && bytesWritten(socket) === written;
        const code = end.kind === "passed" ? "PASSTHROUGH_FAILED" : framerCode(cause);
        // A framer that refuses answers by itself, and closes the socket.
        const isAnswered = code === "FRAMER_REFUSED";
        if (isAnswered) leaveErrors(socket);
        const fault = abandoned(code, "handover", this.arrival, this.context.limits, cause);
        this.input.become("abandoned");
        this.settle(fault, isCounted);
        this.context.reports.ended(fault);
        if (isAnswered || socket.destroyed) return;
        keep(socket, this);
        if (isUntouched) this.answer(fault);
        else socket.destroy();
      },
    };
  }

  refuse(decision: Refusal<FramerLike>): void {
    this.endRefused({ kind: "refused", decision }, decision.head.method);
  }

  abandonWith(code: AbandonedCode, cause?: unknown, method?: string): void {
    const { speaksHttp } = this.input;
    const end = this.abandon(code, cause);
    if (speaksHttp) this.answer(end, method);
    else this.socket.destroy();
  }

  abandon(code: AbandonedCode, cause?: unknown, stage = this.stage): Abandoned {
    const end = abandoned(code, stage, this.arrivalSoFar, this.context.limits, cause);
    this.over("abandoned", end);
    this.context.reports.ended(end);
    return end;
  }

  served(): void {
    this.over("served", { kind: "served", arrival: this.arrival });
  }

  private endRefused(end: Exclude<Answered, Abandoned>, method?: string): void {
    this.over("refused", end);
    this.context.reports.ended(end);
    this.answer(end, method);
  }

  /** Sends the response for the end, if there is one, and closes. */
  private answer(end: Answered, method?: string): void {
    const reply = replyTo(end, this.context.expose);
    if (reply === null) this.socket.destroy();
    else this.close(http1Response(reply, method));
  }

  /** Enters the last state: the only event of the socket that still matters is its close. */
  private over(state: "refused" | "abandoned" | "served", end: ConnectionEnd): void {
    unlisten(this.socket);
    this.leave();
    this.#phase = this;
    this.input.become(state);
    this.settle(end);
  }

  /** `isCounted`: it still counts as one of the adopted connections. */
  private settle(end: ConnectionEnd, isCounted = true): void {
    if (this.context.adopts && isCounted) this.context.open.left();
    if (typeof this.#outcome === "function") this.#outcome(end);
    this.#outcome = end;
  }

  /**
   * Sends a last response and closes after it, still reading for a while so that no reset overtakes the response. Clients that never
   * close could hold any number of sockets this way, so if many connections linger, one more does not.
   */
  close(response: string): void {
    const { socket } = this;
    const { lingering, limits } = this.context;
    const isOneTooMany = lingering.size >= limits.pendingHeads;
    lingering.add(this);
    socket.end(response, "latin1", isOneTooMany ? () => socket.destroy() : undefined);
    socket.resume();
  }
}
