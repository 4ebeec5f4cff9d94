// In:    one socket that somebody else accepted, octets already read from it, what its giver says of it.
// Out:   a handover to a framer, requests to an http.Server, or a refusal; always exactly one end.
// Never: rules on anything; the policy does, through the connection.

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Arrival } from "../arrival.js";
import { Connection, type Step } from "../connection.js";
import type { Deadlines } from "../deadlines.js";
import {
  type Acceptance,
  type Decision,
  type Policy,
  type Refusal,
  refuseUnanswered,
  requireListener,
  requireUpgrade,
} from "../decision.js";
import type { HeadgateError } from "../errors.js";
import { type FramerLike, type Handover, LEAVE, take } from "../framer/framer.js";
import type { Known } from "../known.js";
import type { GateLimits } from "../limits.js";
import { reply } from "../reply.js";
import { type FilterOwner, RequestFilter } from "../requests/filter.js";
import type { Front } from "../requests/front.js";
import { type Authorize, Authorizing, type Verdict } from "./authorizing.js";

/** Why a connection ended that was neither handed over nor refused. */
export type AbandonedCode =
  | "HEAD_TIMEOUT"
  | "OVERLOADED"
  | "PEER_ENDED"
  | "SOCKET_ERROR"
  | "SOCKET_DESTROYED"
  | "BODY_MALFORMED"
  | "AUTHORIZE_FAILED"
  | "EARLY_OCTETS"
  | "FRAMER_FAILED";

export interface Abandoned {
  readonly kind: "abandoned";
  readonly code: AbandonedCode;
  /** `silent`: no octet came; `head`: within a head; `requests`: between or within served requests. */
  readonly stage: "silent" | "head" | "requests" | "authorize" | "handover";
  readonly arrival: Arrival;
  /** What the socket, `authorize` or the framer threw. */
  readonly cause?: unknown;
}

/** How an adopted connection ended. */
export type End =
  | { readonly kind: "handed over"; readonly decision: Acceptance<FramerLike> }
  | { readonly kind: "refused"; readonly decision: Refusal<FramerLike> }
  | { readonly kind: "malformed"; readonly error: HeadgateError; readonly arrival: Arrival }
  /** The http.Server, or the client behind its last response, ended the connection. */
  | { readonly kind: "served"; readonly arrival: Arrival }
  | Abandoned;

/** By what an object came to the application: a decision; of a socket with several requests, that on the newest. */
export type Learned = Decision<FramerLike> | { readonly decision: Decision<FramerLike> | null };

/** The listeners of 'upgrade' of a guarded server. */
export interface OtherListeners {
  /** There is one. */
  listening(): boolean;
  take(handover: Handover): void;
}

/** What the gate lends to each of its connections. */
export interface Gatehouse {
  readonly policy: Policy<FramerLike>;
  readonly limits: GateLimits;
  readonly requests: Server | undefined;
  /** `requests` is the server that has accepted the connections, and knows them from their beginning. */
  readonly requestsAccepts?: boolean;
  /** Connections whose head is not whole. */
  readonly heads: Deadlines<Adoption>;
  /** Who has the last word on upgrades, and the connections that wait for it. */
  readonly authorize: Authorize | undefined;
  readonly authorizing: Deadlines<Adoption>;
  /** Refused connections that are read on. */
  readonly lingering: Deadlines<Duplex>;
  /** What `decisionOf` answers from. */
  readonly known: Known<Learned>;
  /** Whom a guard leaves upgrades to whose claim is `LEAVE`. */
  readonly others?: OtherListeners;
  /** False where nobody would hear of an accepted request. */
  hearsAccepted(): boolean;
  /** Called once for each decision and malformed head, before anything is done about it. */
  accepted(decision: Acceptance<FramerLike>): void;
  ended(end: Exclude<End, { kind: "handed over" | "served" }>): void;
}

/** A socket may break at any time, and nobody may be left to hear of it. */
const ignoreError = (): void => {};

/** One adopted connection, until it has a new owner or is closed. */
export class Adoption implements FilterOwner {
  readonly arrival: Arrival;
  readonly overhead: number;
  readonly patience: number;
  readonly #house: Gatehouse;
  readonly #socket: Duplex;
  readonly #connection: Connection<FramerLike>;
  readonly #settle: (end: End) => void;
  readonly #allowedHalfOpen: boolean;
  #filter: RequestFilter | null = null;
  #authorizing: Authorizing | null = null;
  /** False from the moment on when the socket has another owner, or none. */
  #isOurs = true;
  #octets = 0;

  /** `settle` is called exactly once. */
  constructor(
    house: Gatehouse,
    socket: Duplex,
    arrival: Arrival,
    policy: Policy<FramerLike>,
    settle: (end: End) => void,
  ) {
    this.#house = house;
    this.#socket = socket;
    this.#settle = settle;
    this.arrival = arrival;
    this.overhead = house.limits.headBytes;
    this.patience = house.limits.lingerTimeout;
    this.#allowedHalfOpen = socket.allowHalfOpen;
    this.#connection = new Connection(policy, this.arrival, house.limits);
  }

  /** Takes the socket. `rest`: octets that its giver has read from it. */
  begin(rest: Uint8Array): void {
    const socket = this.#socket;
    if (socket.destroyed || socket.readableEnded || socket.writableEnded) {
      this.#abandon(socket.destroyed ? "SOCKET_DESTROYED" : "PEER_ENDED");
      socket.destroy();
      return;
    }
    this.#listen();
    if (this.#house.heads.size >= this.#house.limits.pendingHeads) {
      this.#abandon("OVERLOADED");
      this.#close(reply(503));
      return;
    }
    this.#house.heads.add(this);
    if (this.#house.requestsAccepts) this.#connect(this.#house.requests!);
    if (rest.length > 0) this.#onData(rest);
    // The giver may have paused it; a data listener alone leaves it so.
    if (this.#isOurs) socket.resume();
  }

  /** Takes a socket whose head somebody else has read. */
  beginRuled(step: Exclude<Step<FramerLike>, { kind: "wait" }>): void {
    this.#octets = 1;
    this.#listen();
    this.#follow(step);
  }

  #listen(): void {
    const socket = this.#socket;
    // A client that ends may still read; net would end the socket at once. Every way out of here ends or destroys it.
    socket.allowHalfOpen = true;
    socket.on("data", this.#onData).on("end", this.#onEnd).on("error", this.#onError).on("close", this.#onClose);
  }

  /** The head did not become whole in time. */
  expire(): void {
    const silent = this.#octets === 0;
    this.#abandon("HEAD_TIMEOUT");
    // RFC 9110 §15.5.9; a client that never spoke is not spoken to.
    if (silent) this.#socket.destroy();
    else this.#close(reply(408));
  }

  readonly #onData = (octets: Uint8Array): void => {
    this.#octets += octets.length;
    if (this.#filter !== null) this.#filter.receive(octets);
    else if (this.#authorizing !== null) this.#early(this.#authorizing, octets);
    else this.nextHead(octets);
  };

  readonly #onEnd = (): void => {
    if (this.#filter !== null) {
      this.#filter.clientEnded();
      return;
    }
    this.#abandon("PEER_ENDED");
    this.#socket.destroy();
  };

  readonly #onError = (cause: unknown): void => {
    this.#abandon("SOCKET_ERROR", cause);
    // A net.Socket has destroyed itself; another Duplex may have not.
    this.#socket.destroy();
  };

  readonly #onClose = (): void => {
    if (!this.#connection.isOver) this.#abandon("PEER_ENDED");
  };

  readonly #onTimeout = (): void => {
    // The server knows nothing of a head that is not whole; that one has a deadline of its own.
    if (!this.#connection.hasPartialHead) this.#filter?.idle();
  };

  nextHead(octets: Uint8Array): void {
    const step = this.#connection.receive(octets);
    if (step.kind === "wait") {
      if (!this.#house.heads.has(this)) this.#house.heads.add(this);
      return;
    }
    this.#house.heads.remove(this);
    this.#follow(step);
  }

  #follow(step: Exclude<Step<FramerLike>, { kind: "wait" }>): void {
    if (step.kind === "malformed") this.#malformed(step.error);
    else this.#act(step.decision, step.rest);
  }

  #act(decision: Decision<FramerLike>, rest: Uint8Array): void {
    if (decision.kind === "refused") {
      this.#refuse(decision);
    } else if (decision.claim === LEAVE && !this.#house.others!.listening()) {
      this.#refuse(requireListener(decision));
    } else if (decision.upgrade && this.#house.authorize !== undefined) {
      this.#authorize(decision, rest, this.#house.authorize);
    } else if (decision.upgrade) {
      this.#handOver(decision, rest);
    } else if (this.#house.requests === undefined) {
      this.#refuse(requireUpgrade(decision));
    } else {
      this.#house.accepted(decision);
      this.#serve(decision, rest, this.#house.requests);
    }
  }

  #serve(decision: Acceptance<FramerLike>, rest: Uint8Array, server: Server): void {
    if (this.#filter === null) this.#connect(server);
    // Null where the server has destroyed its connection already.
    this.#filter?.forward(decision, rest);
  }

  /** Asks the application; meanwhile the socket is ours, and the server has seen its client vanish. */
  #authorize(decision: Acceptance<FramerLike>, rest: Uint8Array, authorize: Authorize): void {
    this.#leaveServer();
    const authorizing = new Authorizing(decision, this.#house.limits.earlyBytes);
    this.#connection.become("authorizing");
    this.#authorizing = authorizing;
    this.#house.authorizing.add(this);
    this.#early(authorizing, rest);
    if (!this.#isOurs) return;
    // The filter may have paused it, or the giver.
    this.#socket.resume();
    authorizing.ask(authorize, (verdict) => {
      if (this.#authorizing === authorizing) this.#answered(authorizing, verdict);
    });
  }

  #answered({ decision, rest }: Authorizing, verdict: Verdict): void {
    if (verdict.kind === "failed") {
      this.#abandon("AUTHORIZE_FAILED", verdict.cause);
      this.#close(reply(500));
      return;
    }
    this.#authorizing = null;
    this.#house.authorizing.remove(this);
    if (verdict.kind === "refused") this.#refuse(verdict.decision);
    else this.#handOver(decision, rest);
  }

  /** Octets that no client sends, as it has not heard that the upgrade is accepted; still, they may not be lost. */
  #early(authorizing: Authorizing, octets: Uint8Array): void {
    if (authorizing.receive(octets)) return;
    this.#abandon("EARLY_OCTETS");
    this.#close(reply(400));
  }

  /** The application did not answer in time. */
  expireAuthorization(): void {
    const { decision } = this.#authorizing!;
    this.#refuse(refuseUnanswered(decision, this.#house.limits.authorizeTimeout));
  }

  #connect(server: Server): void {
    this.#connection.become("serving");
    this.#socket.on("timeout", this.#onTimeout);
    this.#filter = new RequestFilter(this);
    this.#filter.connect(server);
  }

  #handOver(decision: Acceptance<FramerLike>, rest: Uint8Array): void {
    const socket = this.#socket;
    if (socket.readableEnded) {
      // It ended while an earlier response was on its way; a framer would wait for an 'end' that has been.
      this.#abandon("PEER_ENDED");
      socket.destroy();
      return;
    }
    const written = bytesWritten(socket);
    this.#leave();
    socket.allowHalfOpen = this.#allowedHalfOpen;
    socket.pause();
    this.#house.accepted(decision);
    this.#house.known.set(socket, decision);
    const taken = (): void => {
      // Whoever listens for errors now owns them; a framer that does not is protected from them.
      if (socket.listenerCount("error") > 1) socket.removeListener("error", ignoreError);
      this.#connection.become("handed over");
      this.#settle({ kind: "handed over", decision });
    };
    const failed = (cause: unknown): void => {
      const end: Abandoned = {
        kind: "abandoned",
        code: "FRAMER_FAILED",
        stage: "handover",
        arrival: this.arrival,
        cause,
      };
      this.#connection.become("abandoned");
      this.#settle(end);
      this.#house.ended(end);
      if (socket.destroyed) return;
      if (written !== undefined && bytesWritten(socket) === written) this.#close(reply(500));
      else socket.destroy();
    };
    try {
      const handover = new SocketHandover(socket, decision, rest, this.#house.known);
      const { claim } = decision;
      const promise: unknown = claim === LEAVE ? this.#house.others!.take(handover) : take(claim!, handover);
      if (typeof (promise as PromiseLike<void> | null | undefined)?.then !== "function") taken();
      else Promise.resolve(promise).then(taken, failed);
    } catch (cause) {
      failed(cause);
    }
  }

  #refuse(decision: Refusal<FramerLike>): void {
    const end: End = { kind: "refused", decision };
    this.#over("refused", end);
    this.#house.ended(end);
    this.#close(reply(decision.statusCode, decision.head.method, decision.fields));
  }

  #malformed(error: HeadgateError): void {
    const end: End = { kind: "malformed", error, arrival: this.arrival };
    this.#over("refused", end);
    this.#house.ended(end);
    this.#close(reply(error.statusCode));
  }

  #abandon(code: AbandonedCode, cause?: unknown): void {
    const begun = this.#filter?.decision ? "requests" : this.#authorizing !== null ? "authorize" : "head";
    const stage = this.#octets === 0 ? "silent" : begun;
    const end: Abandoned = {
      kind: "abandoned",
      code,
      stage,
      arrival: this.arrival,
      ...(cause !== undefined && { cause }),
    };
    this.#over("abandoned", end);
    this.#house.ended(end);
  }

  /** Enters the last state: nothing that the socket does concerns us any more. */
  #over(state: "refused" | "abandoned", end: End): void {
    this.#leave();
    this.#connection.become(state);
    this.#settle(end);
  }

  /** Takes back every listener, deadline and stream of ours. A socket without error listener would end the process. */
  #leave(): void {
    const socket = this.#socket;
    this.#house.heads.remove(this);
    socket.on("error", ignoreError);
    socket.removeListener("data", this.#onData).removeListener("end", this.#onEnd);
    socket.removeListener("error", this.#onError).removeListener("close", this.#onClose);
    this.#isOurs = false;
    if (this.#authorizing !== null) {
      this.#house.authorizing.remove(this);
      this.#authorizing.abort();
      this.#authorizing = null;
    }
    this.#leaveServer();
  }

  #leaveServer(): void {
    if (this.#filter === null) return;
    this.#socket.removeListener("timeout", this.#onTimeout);
    this.setIdleTimeout(0);
    this.#filter.detach();
    this.#filter = null;
  }

  /** Sends a last response and closes behind it, reading on for a while so that no reset overtakes it. */
  #close(response: string): void {
    const socket = this.#socket;
    const { lingering } = this.#house;
    lingering.add(socket);
    socket.once("close", () => lingering.remove(socket));
    socket.end(response, "latin1");
    socket.resume();
  }

  frontMade(front: Front, filter: RequestFilter): void {
    this.#house.known.set(front, filter as { decision: Acceptance<FramerLike> | null });
  }

  requestBegins(request: IncomingMessage, decision: Acceptance): void {
    this.#house.known.set(request, decision as Acceptance<FramerLike>);
  }

  write(octets: Buffer, done: (error?: Error | null) => void): void {
    this.#socket.write(octets, done);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  setIdleTimeout(milliseconds: number): void {
    (this.#socket as { setTimeout?: (milliseconds: number) => void }).setTimeout?.(milliseconds);
  }

  bodyMalformed(answered: boolean, method: string): void {
    this.#abandon("BODY_MALFORMED");
    this.#close(answered ? "" : reply(400, method));
  }

  bodyBrokenOff(): void {
    this.#abandon("PEER_ENDED");
    this.#socket.destroy();
  }

  serverEnded(): void {
    this.#served();
    this.#close("");
  }

  serverDestroyed(error: Error | null): void {
    this.#served();
    // A server that found a fault has answered it just before.
    if (error === null) this.#socket.destroy();
    else this.#close("");
  }

  #served(): void {
    this.#leave();
    this.#connection.become("served");
    this.#settle({ kind: "served", arrival: this.arrival });
  }
}

/** Octets written so far, where the stream counts them. */
function bytesWritten(socket: Duplex): number | undefined {
  return (socket as { bytesWritten?: number }).bytesWritten;
}

/** A `Handover` whose signal is only made, and only listens, where a framer asks for it. */
class SocketHandover implements Handover {
  readonly socket: Duplex;
  readonly head: Acceptance["head"];
  readonly rest: Uint8Array;
  readonly arrival: Arrival;
  readonly decision: Acceptance<FramerLike>;
  readonly #known: Known<Learned>;
  #signal: AbortSignal | undefined;

  constructor(socket: Duplex, decision: Acceptance<FramerLike>, rest: Uint8Array, known: Known<Learned>) {
    this.socket = socket;
    this.head = decision.head;
    this.rest = rest;
    this.arrival = decision.arrival;
    this.decision = decision;
    this.#known = known;
  }

  introduce(made: object): void {
    this.#known.set(made, this.decision);
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const controller = new AbortController();
      this.#signal = controller.signal;
      if (this.socket.destroyed) controller.abort();
      else this.socket.once("close", () => controller.abort());
    }
    return this.#signal;
  }
}
