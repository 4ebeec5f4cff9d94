// In:    one socket that somebody else accepted, octets already read from it, what its giver says of it.
// Out:   a handover to a framer, requests to an http.Server, or a refusal; always exactly one end.
// Never: rules on anything; the policy does, through the connection.

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { countedNetwork } from "../address.js";
import { alert } from "../alert.js";
import { type Arrival, type GivenArrival, proxiedArrival, readArrival, securedArrival } from "../arrival.js";
import { Connection, type ConnectionOwner, type Recognized, type Ruled } from "../connection.js";
import type { Timed } from "../deadlines.js";
import {
  type Acceptance,
  type Decision,
  type Refusal,
  refuseUnanswered,
  requireListener,
  requireUpgrade,
} from "../decision.js";
import type { HeadgateError } from "../errors.js";
import { explain, explainError } from "../explain.js";
import { type FramerLike, LEAVE, take } from "../framer/framer.js";
import { type TakerLike, takeRaw } from "../framer/taker.js";
import type { ClientHello } from "../hello-body.js";
import type { HelloError } from "../hello-error.js";
import { Session, type SessionOwner } from "../http2/session.js";
import type { ProxyError } from "../proxy-error.js";
import type { ProxyHeader } from "../proxy-header.js";
import { reply } from "../reply.js";
import { type FilterOwner, RequestFilter } from "../requests/filter.js";
import type { Front } from "../requests/front.js";
import { type Authorize, Authorizing, type Verdict } from "./authorizing.js";
import { type Abandoned, type AbandonedCode, type End, limitOf, type Passed } from "./end.js";
import { arrivalAt, type Gatehouse } from "./gatehouse.js";
import { RawSocketHandover, SocketHandover } from "./handover.js";
import type { Overload, Pending } from "./pending.js";
import { type HandshakeOwner, Terminator } from "./terminator.js";

/**
 * What a server says that takes no connection over HTTP/2, of one octet a character: its SETTINGS, empty, and GOAWAY, last stream
 * 0, ENHANCE_YOUR_CALM (RFC 9113 §3.4, §6.5, §6.8).
 */
const GOAWAY = `\0\0\0\x04\0${"\0".repeat(4)}\0\0\x08\x07\0${"\0".repeat(4)}${"\0".repeat(4)}\0\0\0\x0b`;

const NOTHING = new Uint8Array(0);

/** Where a socket has its adoption: all sockets share their listeners, which get the socket as `this`. */
const ADOPTION = Symbol("headgate.adoption");

interface Adopted extends Duplex {
  [ADOPTION]?: Adoption | undefined;
}

function onData(this: Adopted, octets: Uint8Array): void {
  this[ADOPTION]?.receive(octets);
}

function onReadable(this: Adopted): void {
  this[ADOPTION]?.readPiece();
}

function onEnd(this: Adopted): void {
  this[ADOPTION]?.peerEnded();
}

/** A socket may break at any time, also while nobody is left to hear of it. */
function onError(this: Adopted, cause: unknown): void {
  this[ADOPTION]?.broke(cause);
}

function onClose(this: Adopted): void {
  this[ADOPTION]?.closed();
}

function onTimeout(this: Adopted): void {
  this[ADOPTION]?.idle();
}

/** Whether a gate owns that socket already. */
export function isAdopted(socket: Duplex): boolean {
  return (socket as Adopted)[ADOPTION] !== undefined;
}

/**
 * One adopted connection, until it has a new owner or is closed. Thousands may wait for their heads: whatever a
 * waiting connection does not need is made later.
 */
export class Adoption implements ConnectionOwner, FilterOwner, HandshakeOwner, SessionOwner, Pending {
  due = 0;
  before: Timed | null = null;
  behind: Timed | null = null;
  readonly #house: Gatehouse;
  /** What the gate reads and writes: where it speaks TLS itself, no longer what it was given. */
  #socket: Adopted;
  readonly #connection: Connection<FramerLike>;
  readonly #allowedHalfOpen: boolean;
  /** What its giver said, until somebody asks for the arrival. */
  #arrival: GivenArrival | Arrival;
  /**
   * Who gets what comes in, when it is not the first head: the filter in front of a server, the wait for `authorize`, or a
   * session of HTTP/2.
   */
  #taker: RequestFilter | Authorizing | Session | null = null;
  /** How it ended, or whom to tell. */
  #outcome: End | ((end: End) => void) | null = null;

  constructor(house: Gatehouse, socket: Duplex, given: GivenArrival | Arrival) {
    this.#house = house;
    this.#socket = socket;
    this.#arrival = given;
    this.#allowedHalfOpen = socket.allowHalfOpen;
    this.#connection = new Connection(house, this);
  }

  /** TLS is never looked for within TLS. */
  get recognizes(): boolean {
    const { tls, fallback, http2 } = this.#house;
    const isChoice = tls !== null || fallback !== undefined || http2?.cleartext === true;
    return isChoice && (this.#socket as { encrypted?: boolean }).encrypted !== true;
  }

  get arrival(): Arrival {
    if (!("schemeSource" in this.#arrival)) {
      this.#arrival = arrivalAt(this.#house, this.#socket, this.#arrival);
    }
    return this.#arrival as Arrival;
  }

  /** A trusted peer speaks for others, whom nobody knows before it has said who they are. */
  get countedAs(): string | null {
    const { arrival } = this;
    const { trust } = this.#house.policy;
    const isClient = arrival.remoteAddress !== undefined && (trust?.trustedPeer(arrival) ?? null) === null;
    return isClient ? countedNetwork(arrival.remoteAddress!) : null;
  }

  get #filter(): RequestFilter | null {
    return this.#taker instanceof RequestFilter ? this.#taker : null;
  }

  get #authorizing(): Authorizing | null {
    return this.#taker instanceof Authorizing ? this.#taker : null;
  }

  get #session(): Session | null {
    return this.#taker instanceof Session ? this.#taker : null;
  }

  get overhead(): number {
    return this.#house.limits.headBytes;
  }

  get patience(): number {
    return this.#house.limits.lingerTimeout;
  }

  /** Resolves with how it ended. To be asked once. */
  ending(): Promise<End> {
    return new Promise((resolve) => {
      if (this.#outcome === null) this.#outcome = resolve;
      else resolve(this.#outcome as End);
    });
  }

  /** Takes the socket. `rest`: octets that its giver has read from it. */
  begin(rest: Uint8Array): void {
    const socket = this.#socket;
    socket.on("error", onError);
    // A client that has ended may have asked before, and still read.
    if (socket.destroyed || socket.writableEnded || (socket.readableEnded && rest.length === 0)) {
      this.#abandon(socket.destroyed ? "SOCKET_DESTROYED" : "PEER_ENDED");
      socket.destroy();
      return;
    }
    const { trust } = this.#house.policy;
    if (trust !== null) this.#arrival = this.arrival;
    if (trust?.proxyProtocol && trust.trustedPeer(this.arrival) === null) {
      const { remoteAddress, localAddress } = this.arrival;
      // Reset before anybody could ask who it is, as health checks of HAProxy are: that is no stranger.
      if (remoteAddress === undefined && localAddress !== undefined) this.#abandon("PEER_ENDED");
      else this.#abandon("PROXY_UNTRUSTED", undefined, "proxy");
      socket.destroy();
      return;
    }
    this.#listen();
    if (this.#speaksHttp2 && this.#connection.state === "reading") {
      this.#speakHttp2(rest);
      return;
    }
    // What the giver has read may be a whole head, and nothing is waited for then.
    if (rest.length === 0 && !this.#mayWait(this.#house.heads.admit(this))) return;
    if (this.#house.requestsAccepts) this.#connect(this.#house.requests!);
    if (rest.length > 0) this.receive(rest);
    if (!this.#isOurs) return;
    if (socket.readableEnded) this.peerEnded();
    else this.#readOn();
  }

  /** False where it may not wait for its head, and has been answered. */
  #mayWait(overload: Overload | null, isHttp2 = false): boolean {
    if (overload === null) return true;
    const isTls = this.#stage() === "tls";
    this.#abandon(overload);
    if (isTls) this.#socket.destroy();
    else this.#close(isHttp2 ? GOAWAY : reply(503));
    return false;
  }

  /** Takes a socket whose head somebody else has read. */
  beginRuled(step: Ruled<FramerLike>): void {
    this.#socket.on("error", onError);
    this.#listen();
    this.#follow(step);
  }

  #listen(): void {
    const socket = this.#socket;
    // A client that ends may still read; net would end the socket at once. Every way out of here ends or destroys it.
    socket.allowHalfOpen = true;
    socket[ADOPTION] = this;
    socket.on("end", onEnd).on("close", onClose);
    if (!isReadOnDemand(socket)) socket.on("data", onData);
  }

  /** The giver may have paused the socket, or the filter; a data listener alone leaves it so. */
  #readOn(): void {
    const socket = this.#socket;
    if (!isReadOnDemand(socket) || socket.listeners("data").includes(onData)) socket.resume();
    else if (this.#authorizing === null) {
      socket.on("readable", onReadable);
      // Where the giver has listened in the same way, a listener more starts nothing.
      this.readPiece();
    }
  }

  /**
   * Takes one piece of a socket that is read on demand, and asks for the next where a head is still awaited. Behind a whole head
   * the socket reads nothing, so that whoever gets it can hand it to another process (`handOn`).
   */
  readPiece(): void {
    const socket = this.#socket;
    const octets: Uint8Array | null = socket.read();
    if (octets !== null) this.receive(octets);
    if (this.#isOurs && socket.listeners("readable").includes(onReadable) && this.#authorizing === null) socket.read(0);
  }

  /** A server reads all the time: a socket that was read on demand so far reads by itself from now on. */
  #letFlow(): void {
    const socket = this.#socket;
    if (isReadOnDemand(socket)) socket.removeListener("readable", onReadable).on("data", onData).resume();
  }

  /** The client and the giver of a TLS socket have agreed on it (ALPN). */
  get #speaksHttp2(): boolean {
    return this.#house.http2 !== undefined && (this.#socket as { alpnProtocol?: unknown }).alpnProtocol === "h2";
  }

  /** From now on node:http2 reads the socket; `octets` are the first of the client's connection preface (RFC 9113 §3.4). */
  #speakHttp2(octets: Uint8Array): void {
    const { heads, http2 } = this.#house;
    if (!heads.has(this) && !this.#mayWait(heads.admit(this), true)) return;
    const socket = this.#unlisten();
    if (octets.length > 0) {
      socket.pause();
      socket.unshift(octets);
    }
    // A client of HTTP/2 that ends its half is gone: what it has to say it says in frames.
    socket.allowHalfOpen = false;
    this.#connection.become("serving");
    this.#taker = new Session(this.#house, http2!, this, socket);
  }

  sessionBegins(): void {
    if (this.#connection.isOver) return;
    this.#house.heads.remove(this);
    this.#house.sessions.add(this);
  }

  sessionIdle(): void {
    if (!this.#connection.isOver) this.#house.sessions.add(this);
  }

  sessionClosed(error: Error | null): void {
    if (this.#connection.isOver) return;
    const session = this.#session!;
    if (error !== null) this.#abandon("HTTP2_FAULT", error);
    else if (session.hasServed && session.open === 0) this.#served();
    else this.#abandon("PEER_ENDED");
  }

  /** False from the moment on when the socket has another owner, or its last response. */
  get #isOurs(): boolean {
    return this.#socket[ADOPTION] === this && !this.#connection.isOver && this.#connection.state !== "securing";
  }

  /** The head, or the application's word, did not come in time, or the client read its last response for too long. */
  expire(): void {
    if (this.#connection.isOver) {
      this.#socket.destroy();
      return;
    }
    const authorizing = this.#authorizing;
    if (authorizing !== null) {
      this.#refuse(refuseUnanswered(authorizing.decision, this.#house.limits.authorizeTimeout));
      return;
    }
    const session = this.#session;
    if (session !== null) {
      this.#expireSession(session);
      return;
    }
    const stage = this.#stage();
    this.#abandon("HEAD_TIMEOUT");
    // RFC 9110 §15.5.9; a client that never spoke is not spoken to, and nobody speaks HTTP within a PROXY header or TLS.
    if (stage === "silent" || stage === "proxy" || stage === "tls") this.#socket.destroy();
    else this.#close(reply(408));
  }

  /** No stream has come in time, none has been open for a while, or one is open and nobody may be there any more. */
  #expireSession(session: Session): void {
    if (session.hasServed && session.open > 0) {
      if (session.probe()) this.#house.sessions.add(this);
      else {
        this.#abandon("PEER_ENDED");
        session.destroy();
      }
      return;
    }
    if (session.hasServed) this.#served();
    else this.#abandon("HEAD_TIMEOUT");
    this.#house.lingering.add(this);
    session.close();
  }

  receive(octets: Uint8Array): void {
    const taker = this.#taker;
    if (taker === null) this.nextHead(octets);
    else if (taker instanceof RequestFilter) taker.receive(octets);
    else if (taker instanceof Authorizing) this.#early(taker, octets);
  }

  peerEnded(): void {
    const filter = this.#filter;
    if (filter !== null) {
      filter.clientEnded();
      return;
    }
    this.#abandon("PEER_ENDED");
    this.#socket.destroy();
  }

  broke(cause: unknown): void {
    // A session that is broken destroys its socket by what broke it.
    const isFault = (cause as { code?: unknown } | null)?.code === "ERR_HTTP2_ERROR";
    if (!this.#connection.isOver) this.#abandon(isFault ? "HTTP2_FAULT" : "SOCKET_ERROR", cause);
    // A net.Socket has destroyed itself; another Duplex may have not.
    this.#socket.destroy();
  }

  closed(): void {
    // A session tells by itself, behind this, how it has ended; until then it has its own deadline.
    if (!this.#connection.isOver && this.#session === null) this.#abandon("PEER_ENDED");
    if (this.#connection.isOver) this.#house.lingering.remove(this);
    this.#forget();
  }

  idle(): void {
    // The server knows nothing of a head that is not whole; that one has a deadline of its own.
    if (this.#connection.begun === null) this.#filter?.idle();
  }

  nextHead(octets: Uint8Array): void {
    const step = this.#connection.receive(octets, this);
    const { heads } = this.#house;
    if (step.kind === "wait") {
      if (!heads.has(this)) this.#mayWait(heads.admit(this));
      return;
    }
    if (step.kind === "announced") {
      this.#announced(step.header, step.size);
      // The time for the head has begun at adoption.
      if (this.#speaksHttp2) this.#speakHttp2(step.rest);
      else this.nextHead(step.rest);
      if (heads.has(this)) this.#mayWait(heads.recount(this));
    } else if (step.kind === "recognized") this.#recognized(step.first);
    else if (step.kind === "not announced") this.#notAnnounced(step.error);
    else if (step.kind === "no hello") this.#noHello(step.error);
    else {
      heads.remove(this);
      this.#follow(step);
    }
  }

  #announced(header: ProxyHeader, size: number): void {
    const { arrival } = this;
    this.#arrival = proxiedArrival(arrival, header, this.#house.policy.trust!.trustedPeer(arrival)!, size);
  }

  /** What begins neither as one version does nor as the other is no PROXY header that went wrong. */
  #notAnnounced(error: ProxyError): void {
    const isMissing = error.code === "PROXY_SIGNATURE";
    this.#abandon(isMissing ? "PROXY_MISSING" : "PROXY_MALFORMED", error, "proxy");
    this.#socket.destroy();
  }

  /** Goes on by the protocol. */
  #recognized({ protocol, hello, octets }: Recognized): void {
    const { fallback, http2 } = this.#house;
    if (hello !== null) this.#helloCame(hello, octets);
    else if (protocol === "h2" && http2?.cleartext) {
      this.#connection.become("reading");
      this.#speakHttp2(octets);
    }
    // Of what is not spoken here HTTP/1.1 says why.
    else if ((protocol === "h2" || protocol === "other") && fallback !== undefined) this.#pass(fallback, null, octets);
    else {
      this.#connection.become("reading");
      this.nextHead(octets);
    }
  }

  #helloCame(hello: ClientHello, octets: Uint8Array): void {
    const { serverName } = hello;
    this.#arrival = { ...readArrival(this.arrival), serverName };
    const found = this.#house.tls!.find(serverName);
    if (found instanceof Terminator) this.#secure(found, octets);
    else if (found !== undefined) this.#pass(found, hello, octets);
    else {
      this.#abandon("SERVER_NAME_UNKNOWN", undefined, "tls");
      // RFC 6066 §3, RFC 8446 §9.2
      this.#close(alert(serverName === null ? "missing_extension" : "unrecognized_name"));
    }
  }

  #noHello(error: HelloError): void {
    this.#abandon("TLS_MALFORMED", error, "tls");
    this.#close(alert("decode_error"));
  }

  /** Gives the socket back its octets, and to TLS; the gate goes on with the TLSSocket that is made of it. */
  #secure(terminator: Terminator, octets: Uint8Array): void {
    const { heads } = this.#house;
    this.#connection.become("securing");
    // Nothing was waited for where the giver had read the ClientHello.
    if (!heads.has(this) && !this.#mayWait(heads.admit(this))) return;
    const socket = this.#unlisten().removeListener("close", onClose);
    socket.pause();
    socket.unshift(octets);
    // A client that ends within its handshake has nothing to wait for.
    socket.allowHalfOpen = false;
    terminator.secure(socket, this);
  }

  secured(socket: TLSSocket): void {
    this.#socket[ADOPTION] = undefined;
    this.#socket = socket.on("error", onError);
    if (this.#connection.isOver) {
      socket.destroy();
      return;
    }
    this.#arrival = securedArrival(this.arrival, socket);
    this.#goOn(socket.alpnProtocol);
  }

  notSecured(cause?: Error): void {
    if (this.#connection.isOver) return;
    this.#abandon(cause === undefined ? "PEER_ENDED" : "TLS_FAILED", cause);
    this.#forget();
  }

  /** Goes on by the protocol that ALPN has chosen; false where the client offered none. */
  #goOn(alpnProtocol: string | false | null): void {
    this.#connection.become("reading");
    this.#listen();
    if (alpnProtocol === "h2") this.#speakHttp2(NOTHING);
    else this.#readOn();
  }

  #follow(step: Ruled<FramerLike>): void {
    if (step.kind === "malformed") this.#malformed(step.error);
    else this.#act(step.decision, step.rest);
  }

  #act(decision: Decision<FramerLike>, rest: Uint8Array): void {
    if (decision.kind === "refused") {
      this.#refuse(decision);
    } else if (decision.claim === LEAVE && !this.#house.others!.listening("upgrade")) {
      this.#refuse(decision.reported ?? requireListener(decision));
    } else if (decision.upgrade && this.#house.authorize !== undefined) {
      this.#authorize(decision, rest, this.#house.authorize);
    } else if (decision.upgrade) {
      this.#handOver(decision, rest);
    } else if (this.#house.requests === undefined) {
      this.#refuse(decision.reported ?? requireUpgrade(decision));
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
    this.#taker = authorizing;
    this.#house.authorizing.add(this);
    this.#early(authorizing, rest);
    if (this.#connection.isOver) return;
    this.#readOn();
    authorizing.ask(authorize, (verdict) => {
      if (this.#authorizing === authorizing) this.#answered(authorizing, verdict);
    });
  }

  #answered(authorizing: Authorizing, verdict: Verdict): void {
    if (verdict.kind === "failed") {
      this.#abandon("AUTHORIZE_FAILED", verdict.cause);
      this.#close(reply(500));
      return;
    }
    this.#taker = null;
    this.#house.authorizing.remove(this);
    if (verdict.kind === "refused") this.#refuse(verdict.decision);
    else this.#handOver(authorizing.decision, authorizing.takeRest());
  }

  /** Octets that no client sends, as it has not heard that the upgrade is accepted; still, they may not be lost. */
  #early(authorizing: Authorizing, octets: Uint8Array): void {
    if (authorizing.receive(octets)) return;
    this.#abandon("EARLY_OCTETS");
    this.#close(reply(400));
  }

  #connect(server: Server): void {
    this.#connection.become("serving");
    this.#letFlow();
    this.#socket.on("timeout", onTimeout);
    const filter = new RequestFilter(this);
    this.#taker = filter;
    filter.connect(server);
  }

  #handOver(decision: Acceptance<FramerLike>, rest: Uint8Array): void {
    const socket = this.#socket;
    if (socket.readableEnded) {
      // It ended while an earlier response was on its way; a framer would wait for an 'end' that has been.
      this.#abandon("PEER_ENDED", undefined, this.#filter?.decision ? "requests" : "head");
      socket.destroy();
      return;
    }
    this.#letGo();
    this.#house.accepted(decision);
    this.#house.known.set(socket, decision);
    const { claim } = decision;
    const { others, known } = this.#house;
    const handover = new SocketHandover(socket, decision, rest, known);
    this.#give(() => (claim === LEAVE ? others!.take(handover) : take(claim!, handover)), {
      kind: "handed over",
      decision,
    });
  }

  /** To whom takes the connection as it is, with every octet. */
  #pass(taker: TakerLike, hello: ClientHello | null, octets: Uint8Array): void {
    const { arrival } = this;
    const end: Passed = { kind: "passed", hello, arrival };
    this.#letGo();
    this.#house.passed(end);
    const handover = new RawSocketHandover(this.#socket, octets, hello, arrival);
    this.#give(() => takeRaw(taker, handover), end);
  }

  /** The socket as it was given, but paused, and nobody's. */
  #letGo(): void {
    this.#leave();
    this.#forget();
    this.#socket.allowHalfOpen = this.#allowedHalfOpen;
    this.#socket.pause();
  }

  #give(take: () => unknown, end: End): void {
    const written = bytesWritten(this.#socket);
    try {
      const promise = take() as PromiseLike<void> | null | undefined;
      if (typeof promise?.then !== "function") this.#taken(end);
      else {
        Promise.resolve(promise).then(
          () => this.#taken(end),
          (cause) => this.#notTaken(cause, written, end),
        );
      }
    } catch (cause) {
      this.#notTaken(cause, written, end);
    }
  }

  #taken(end: End): void {
    const socket = this.#socket;
    // Whoever listens for errors now owns them; a framer that does not is protected from them.
    if (socket.listenerCount("error") > 1) socket.removeListener("error", onError);
    this.#connection.become("handed over");
    this.#settle(end);
  }

  /** `written`: octets that the socket had written before somebody got it. `wanted`: how it would have ended. */
  #notTaken(cause: unknown, written: number | undefined, wanted: End): void {
    const socket = this.#socket;
    const { arrival } = this;
    const isRaw = wanted.kind === "passed";
    const code = isRaw ? "TAKER_FAILED" : "FRAMER_FAILED";
    const end: Abandoned = { kind: "abandoned", code, stage: "handover", arrival, cause };
    this.#connection.become("abandoned");
    this.#settle(end);
    this.#house.ended(end);
    if (socket.destroyed) return;
    if (isRaw || written === undefined || bytesWritten(socket) !== written) {
      socket.destroy();
      return;
    }
    socket[ADOPTION] = this;
    socket.on("close", onClose);
    this.#close(reply(500));
  }

  #refuse(decision: Refusal<FramerLike>): void {
    const end: End = { kind: "refused", decision };
    this.#over("refused", end);
    this.#house.ended(end);
    const { statusCode, fields } = decision;
    const explanation = this.#house.expose ? explain(decision) : undefined;
    this.#close(reply(statusCode, decision.head.method, { explanation, fields }));
  }

  #malformed(error: HeadgateError): void {
    const end: End = { kind: "malformed", error, arrival: this.arrival };
    this.#over("refused", end);
    this.#house.ended(end);
    const explanation = this.#house.expose ? explainError(error) : undefined;
    this.#close(reply(error.statusCode, undefined, { explanation }));
  }

  #abandon(code: AbandonedCode, cause?: unknown, stage: Abandoned["stage"] = this.#stage()): void {
    const limit = limitOf[code];
    const end: Abandoned = {
      kind: "abandoned",
      code,
      stage,
      arrival: this.arrival,
      ...(limit !== undefined && { limit: { name: limit, value: this.#house.limits[limit] } }),
      ...(cause !== undefined && { cause }),
    };
    this.#over("abandoned", end);
    this.#house.ended(end);
  }

  #stage(): Abandoned["stage"] {
    if (this.#authorizing !== null) return "authorize";
    const session = this.#session;
    if (session !== null) return session.hasServed ? "requests" : session.hasSpoken ? "head" : "silent";
    if (this.#filter?.decision) return "requests";
    return this.#connection.begun ?? "silent";
  }

  /** Enters the last state: nothing that the socket does concerns us any more, but that it closes. */
  #over(state: "refused" | "abandoned" | "served", end: End): void {
    this.#leave();
    this.#connection.become(state);
    this.#settle(end);
  }

  #settle(end: End): void {
    if (typeof this.#outcome === "function") this.#outcome(end);
    this.#outcome = end;
  }

  /** Takes back every deadline and stream of ours, and every listener but those for errors and for the end of it all. */
  #leave(): void {
    this.#unlisten();
    const authorizing = this.#authorizing;
    if (authorizing === null) {
      if (this.#session?.hasServed) this.#house.sessions.remove(this);
      else this.#house.heads.remove(this);
      this.#leaveServer();
      return;
    }
    this.#house.authorizing.remove(this);
    authorizing.abort();
    this.#taker = null;
  }

  #unlisten(): Adopted {
    const socket = this.#socket.removeListener("data", onData).removeListener("end", onEnd);
    return isReadOnDemand(socket) ? socket.removeListener("readable", onReadable) : socket;
  }

  #leaveServer(): void {
    const filter = this.#filter;
    if (filter === null) return;
    this.#socket.removeListener("timeout", onTimeout);
    this.setIdleTimeout(0);
    filter.detach();
    this.#taker = null;
  }

  /** The socket is no longer ours. A listener that ignores errors stays: without one they would end the process. */
  #forget(): void {
    this.#socket.removeListener("close", onClose);
    this.#socket[ADOPTION] = undefined;
  }

  /**
   * Sends a last response and closes behind it, reading on for a while so that no reset overtakes it. Clients that never
   * close would hold any number of sockets so: where many are read on, one more is not.
   */
  #close(response: string): void {
    const socket = this.#socket;
    const { lingering, limits } = this.#house;
    const isOneTooMany = lingering.size >= limits.pendingHeads;
    lingering.add(this);
    socket.end(response, "latin1", isOneTooMany ? () => socket.destroy() : undefined);
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
    this.#over("served", { kind: "served", arrival: this.arrival });
  }
}

/** Whether a socket has a buffer of no octets: it reads a piece when it is asked for one (`UNREAD`). */
function isReadOnDemand(socket: Duplex): boolean {
  return socket.readableHighWaterMark === 0;
}

/** Octets written so far, where the stream counts them. */
function bytesWritten(socket: Duplex): number | undefined {
  return (socket as { bytesWritten?: number }).bytesWritten;
}
