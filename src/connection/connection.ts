// In:    one socket that somebody else accepted, octets already read from it, what its giver says of it.
// Out:   a handover to a framer, requests to an http.Server, or a refusal.
// Never: rules on anything; the policy does, through the connection.

import type { IncomingMessage, Server } from "node:http";
import type { TLSSocket } from "node:tls";
import { proxiedArrival, readArrival, securedArrival } from "../arrival/arrival.js";
import type { ProxyError } from "../arrival/proxy/fault.js";
import type { ProxyHeader } from "../arrival/proxy/header.js";
import { alert } from "../arrival/tls/alert.js";
import type { ClientHello } from "../arrival/tls/client-hello.js";
import type { HelloError } from "../arrival/tls/fault.js";
import { type FramerLike, LEAVE, take } from "../handover/framer.js";
import { type TakerLike, takeRaw } from "../handover/passthrough.js";
import { RawSocketHandover, SocketHandover } from "../handover/socket-handover.js";
import { type Authorize, Authorizing, type Verdict } from "../outcome/authorization.js";
import type { Abandoned, Passed } from "../outcome/end.js";
import { reply } from "../outcome/reply.js";
import { type Acceptance, type Decision, refuseUnanswered, requireListener, requireUpgrade } from "../policy/decide.js";
import { type FilterOwner, RequestFilter } from "./http1/filter.js";
import type { Front } from "./http1/server-socket.js";
import { Session, type SessionOwner } from "./http2/session.js";
import type { Recognized, Ruled } from "./input.js";
import { CUSTODY, Custody, GOAWAY, onClose, onError, onTimeout } from "./socket.js";
import { type HandshakeOwner, Terminator } from "./tls/terminator.js";

const NOTHING = new Uint8Array(0);

/** One adopted connection, from its first octet to whoever gets it. */
export class Adoption extends Custody implements FilterOwner, HandshakeOwner, SessionOwner {
  get overhead(): number {
    return this.house.limits.headBytes;
  }

  get patience(): number {
    return this.house.limits.lingerTimeout;
  }

  /** Takes the socket. `rest`: octets that its giver has read from it. */
  begin(rest: Uint8Array): void {
    const socket = this.socket;
    socket.on("error", onError);
    // A client that has ended may have asked before, and still read.
    if (socket.destroyed || socket.writableEnded || (socket.readableEnded && rest.length === 0)) {
      this.abandon(socket.destroyed ? "SOCKET_DESTROYED" : "PEER_ENDED");
      socket.destroy();
      return;
    }
    const { trust } = this.house.policy;
    if (trust !== null) this.said = this.arrival;
    if (trust?.proxyProtocol && trust.trustedPeer(this.arrival) === null) {
      const { remoteAddress, localAddress } = this.arrival;
      // Reset before anybody could ask who it is, as health checks of HAProxy are: that is no stranger.
      if (remoteAddress === undefined && localAddress !== undefined) this.abandon("PEER_ENDED");
      else this.abandon("PROXY_UNTRUSTED", undefined, "proxy");
      socket.destroy();
      return;
    }
    this.listen();
    if (this.#speaksHttp2 && this.connection.state === "reading") {
      this.#speakHttp2(rest);
      return;
    }
    // What the giver has read may be a whole head, and nothing is waited for then.
    if (rest.length === 0 && !this.mayWait(this.house.heads.admit(this))) return;
    if (this.house.requestsAccepts) this.#connect(this.house.requests!);
    if (rest.length > 0) this.receive(rest);
    if (!this.isOurs) return;
    if (socket.readableEnded) this.peerEnded();
    else this.readOn();
  }

  /** Takes a socket whose head somebody else has read. */
  beginRuled(step: Ruled<FramerLike>): void {
    this.socket.on("error", onError);
    this.listen();
    this.#follow(step);
  }

  /** The client and the giver of a TLS socket have agreed on it (ALPN). */
  get #speaksHttp2(): boolean {
    return this.house.http2 !== undefined && (this.socket as { alpnProtocol?: unknown }).alpnProtocol === "h2";
  }

  /** From now on node:http2 reads the socket; `octets` are the first of the client's connection preface (RFC 9113 §3.4). */
  #speakHttp2(octets: Uint8Array): void {
    const { heads, http2 } = this.house;
    if (!heads.has(this) && !this.mayWait(heads.admit(this), GOAWAY)) return;
    const socket = this.unlisten();
    if (octets.length > 0) {
      socket.pause();
      socket.unshift(octets);
    }
    // A client of HTTP/2 that ends its half is gone: what it has to say it says in frames.
    socket.allowHalfOpen = false;
    this.connection.become("serving");
    this.taker = new Session(this.house, http2!, this, socket);
  }

  sessionBegins(): void {
    if (this.connection.isOver) return;
    this.house.heads.remove(this);
    this.house.sessions.add(this);
  }

  sessionIdle(): void {
    if (!this.connection.isOver) this.house.sessions.add(this);
  }

  sessionClosed(error: Error | null): void {
    if (this.connection.isOver) return;
    const session = this.session!;
    if (error !== null) this.abandon("HTTP2_FAULT", error);
    else if (session.hasServed && session.open === 0) this.served();
    else this.abandon("PEER_ENDED");
  }

  /** The head, or the application's word, did not come in time, or the client read its last response for too long. */
  expire(): void {
    if (this.connection.isOver) {
      this.socket.destroy();
      return;
    }
    const authorizing = this.authorizing;
    if (authorizing !== null) {
      this.refuse(refuseUnanswered(authorizing.decision, this.house.limits.authorizeTimeout));
      return;
    }
    const session = this.session;
    if (session !== null) {
      this.#expireSession(session);
      return;
    }
    // RFC 9110 §15.5.9; a client that never spoke is not spoken to, nor one whose protocol is not known yet.
    const isAnswered = this.connection.speaksHttp && this.stage() !== "silent";
    this.abandon("HEAD_TIMEOUT");
    if (isAnswered) this.close(reply(408));
    else this.socket.destroy();
  }

  /** No stream has come in time, none has been open for a while, or one is open and nobody may be there any more. */
  #expireSession(session: Session): void {
    if (session.hasServed && session.open > 0) {
      if (session.probe()) this.house.sessions.add(this);
      else {
        this.abandon("PEER_ENDED");
        session.destroy();
      }
      return;
    }
    if (session.hasServed) this.served();
    else this.abandon("HEAD_TIMEOUT");
    this.house.lingering.add(this);
    session.close();
  }

  receive(octets: Uint8Array): void {
    const taker = this.taker;
    if (taker === null) this.nextHead(octets);
    else if (taker instanceof RequestFilter) taker.receive(octets);
    else if (taker instanceof Authorizing) this.#early(taker, octets);
  }

  peerEnded(): void {
    const filter = this.filter;
    if (filter !== null) {
      filter.clientEnded();
      return;
    }
    this.abandon("PEER_ENDED");
    this.socket.destroy();
  }

  idle(): void {
    // The server knows nothing of a head that is not whole; that one has a deadline of its own.
    if (this.connection.begun === null) this.filter?.idle();
  }

  nextHead(octets: Uint8Array): void {
    const step = this.connection.receive(octets, this);
    const { heads } = this.house;
    if (step.kind === "wait") {
      if (!heads.has(this)) this.mayWait(heads.admit(this));
      return;
    }
    if (step.kind === "announced") {
      this.#announced(step.header, step.size);
      // The time for the head has begun at adoption.
      if (this.#speaksHttp2) this.#speakHttp2(step.rest);
      else this.nextHead(step.rest);
      if (this.#awaitsHead) this.mayWait(heads.recount(this));
    } else if (step.kind === "recognized") this.#recognized(step.first);
    else if (step.kind === "not announced") this.#notAnnounced(step.error);
    else if (step.kind === "no hello") this.#noHello(step.error);
    else {
      heads.remove(this);
      this.#follow(step);
    }
  }

  /** It is one of `heads`. A deadline alone does not say so: who is authorized, or reads its last response, has another. */
  get #awaitsHead(): boolean {
    return this.house.heads.has(this) && !this.connection.isOver && this.authorizing === null;
  }

  #announced(header: ProxyHeader, size: number): void {
    const { arrival } = this;
    this.said = proxiedArrival(arrival, header, this.house.policy.trust!.trustedPeer(arrival)!, size);
  }

  /** What begins neither as one version does nor as the other is no PROXY header that went wrong. */
  #notAnnounced(error: ProxyError): void {
    const isMissing = error.code === "PROXY_SIGNATURE";
    this.abandon(isMissing ? "PROXY_MISSING" : "PROXY_MALFORMED", error, "proxy");
    this.socket.destroy();
  }

  /** Goes on by the protocol. */
  #recognized({ protocol, hello, octets }: Recognized): void {
    const { fallback, http2 } = this.house;
    if (hello !== null) this.#helloCame(hello, octets);
    else if (protocol === "h2" && http2?.cleartext) {
      this.connection.become("reading");
      this.#speakHttp2(octets);
    }
    // Of what is not spoken here HTTP/1.1 says why.
    else if ((protocol === "h2" || protocol === "other") && fallback !== undefined) this.#pass(fallback, null, octets);
    else {
      this.connection.become("reading");
      this.nextHead(octets);
    }
  }

  #helloCame(hello: ClientHello, octets: Uint8Array): void {
    const { serverName } = hello;
    this.said = { ...readArrival(this.arrival), serverName };
    const found = this.house.tls!.find(serverName);
    if (found instanceof Terminator) this.#secure(found, octets);
    else if (found !== undefined) this.#pass(found, hello, octets);
    else {
      this.abandon("SERVER_NAME_UNKNOWN", undefined, "tls");
      // RFC 6066 §3, RFC 8446 §9.2
      this.close(alert(serverName === null ? "missing_extension" : "unrecognized_name"));
    }
  }

  #noHello(error: HelloError): void {
    this.abandon("TLS_MALFORMED", error, "tls");
    this.close(alert("decode_error"));
  }

  /** Gives the socket back its octets, and to TLS; the gate goes on with the TLSSocket that is made of it. */
  #secure(terminator: Terminator, octets: Uint8Array): void {
    if (this.#hasEnded("tls")) return;
    const { heads } = this.house;
    this.connection.become("securing");
    // Nothing was waited for where the giver had read the ClientHello.
    if (!heads.has(this) && !this.mayWait(heads.admit(this), alert("internal_error"))) return;
    const socket = this.unlisten().removeListener("close", onClose);
    socket.pause();
    socket.unshift(octets);
    // A client that ends within its handshake has nothing to wait for.
    socket.allowHalfOpen = false;
    terminator.secure(socket, this);
  }

  secured(socket: TLSSocket): void {
    this.socket[CUSTODY] = undefined;
    this.socket = socket.on("error", onError);
    if (this.connection.isOver) {
      socket.destroy();
      return;
    }
    this.said = securedArrival(this.arrival, socket);
    this.#goOn(socket.alpnProtocol);
  }

  notSecured(cause?: Error): void {
    if (this.connection.isOver) return;
    this.abandon(cause === undefined ? "PEER_ENDED" : "TLS_FAILED", cause);
    this.forget();
  }

  /** Goes on by the protocol that ALPN has chosen; false where the client offered none. */
  #goOn(alpnProtocol: string | false | null): void {
    this.connection.become("reading");
    this.listen();
    if (alpnProtocol === "h2") this.#speakHttp2(NOTHING);
    else this.readOn();
  }

  #follow(step: Ruled<FramerLike>): void {
    if (step.kind === "malformed") this.malformed(step.error);
    else this.#act(step.decision, step.rest);
  }

  #act(decision: Decision<FramerLike>, rest: Uint8Array): void {
    if (decision.kind === "refused") {
      this.refuse(decision);
    } else if (decision.claim === LEAVE && !this.house.others!.listening("upgrade")) {
      this.refuse(decision.reported ?? requireListener(decision));
    } else if (decision.upgrade && this.house.authorize !== undefined) {
      this.#authorize(decision, rest, this.house.authorize);
    } else if (decision.upgrade) {
      this.#handOver(decision, rest);
    } else if (this.house.requests === undefined) {
      this.refuse(decision.reported ?? requireUpgrade(decision));
    } else {
      this.house.accepted(decision);
      this.#serve(decision, rest, this.house.requests);
    }
  }

  #serve(decision: Acceptance<FramerLike>, rest: Uint8Array, server: Server): void {
    if (this.filter === null) this.#connect(server);
    // Null where the server has destroyed its connection already.
    this.filter?.forward(decision, rest);
  }

  /** Asks the application; meanwhile the socket is ours, and the server has seen its client vanish. */
  #authorize(decision: Acceptance<FramerLike>, rest: Uint8Array, authorize: Authorize): void {
    this.leaveServer();
    const authorizing = new Authorizing(decision, this.house.limits.earlyBytes);
    this.connection.become("authorizing");
    this.taker = authorizing;
    if (!this.mayWait(this.house.authorizing.admit(this))) return;
    this.#early(authorizing, rest);
    if (this.connection.isOver) return;
    this.readOn();
    authorizing.ask(authorize, (verdict) => {
      if (this.authorizing === authorizing) this.#answered(authorizing, verdict);
    });
  }

  #answered(authorizing: Authorizing, verdict: Verdict): void {
    if (verdict.kind === "failed") {
      this.abandon("AUTHORIZE_FAILED", verdict.cause);
      this.close(reply(500));
      return;
    }
    this.taker = null;
    this.house.authorizing.remove(this);
    if (verdict.kind === "refused") this.refuse(verdict.decision);
    else this.#handOver(authorizing.decision, authorizing.takeRest());
  }

  /** Octets that no client sends, as it has not heard that the upgrade is accepted; still, they may not be lost. */
  #early(authorizing: Authorizing, octets: Uint8Array): void {
    if (authorizing.receive(octets)) return;
    this.abandon("EARLY_OCTETS");
    this.close(reply(400));
  }

  #connect(server: Server): void {
    this.connection.become("serving");
    this.letFlow();
    this.socket.on("timeout", onTimeout);
    const filter = new RequestFilter(this);
    this.taker = filter;
    filter.connect(server);
  }

  #handOver(decision: Acceptance<FramerLike>, rest: Uint8Array): void {
    const socket = this.socket;
    // It may have ended while an earlier response was on its way.
    if (this.#hasEnded(this.filter?.decision ? "requests" : "head")) return;
    this.letGo();
    this.house.accepted(decision);
    this.house.known.set(socket, decision);
    const { claim } = decision;
    const { others, known } = this.house;
    const handover = new SocketHandover(socket, decision, rest, known);
    this.give(() => (claim === LEAVE ? others!.take(handover) : take(claim!, handover)), {
      kind: "handed over",
      decision,
    });
  }

  /** Whoever got a socket whose client has ended would wait for an 'end' that has been: it is closed. */
  #hasEnded(stage: Abandoned["stage"]): boolean {
    const socket = this.socket;
    if (!socket.readableEnded) return false;
    this.abandon("PEER_ENDED", undefined, stage);
    socket.destroy();
    return true;
  }

  /** To whom takes the connection as it is, with every octet. */
  #pass(taker: TakerLike, hello: ClientHello | null, octets: Uint8Array): void {
    if (this.#hasEnded(hello === null ? "head" : "tls")) return;
    const { arrival } = this;
    const end: Passed = { kind: "passed", hello, arrival };
    this.letGo();
    this.house.passed(end);
    const handover = new RawSocketHandover(this.socket, octets, hello, arrival);
    this.give(() => takeRaw(taker, handover), end);
  }

  frontMade(front: Front, filter: RequestFilter): void {
    this.house.known.set(front, filter as { decision: Acceptance<FramerLike> | null });
  }

  requestBegins(request: IncomingMessage, decision: Acceptance): void {
    this.house.known.set(request, decision as Acceptance<FramerLike>);
  }

  write(octets: Buffer, done: (error?: Error | null) => void): void {
    this.socket.write(octets, done);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  bodyMalformed(answered: boolean, method: string): void {
    this.abandon("BODY_MALFORMED");
    this.close(answered ? "" : reply(400, method));
  }

  bodyBrokenOff(): void {
    this.abandon("PEER_ENDED");
    this.socket.destroy();
  }

  serverFailed(answered: boolean, method: string | undefined): void {
    this.served();
    this.close(answered ? "" : reply(500, method));
  }

  serverEnded(): void {
    this.served();
    this.close("");
  }

  serverDestroyed(error: Error | null): void {
    this.served();
    // A server that found a fault has answered it just before.
    if (error === null) this.socket.destroy();
    else this.close("");
  }
}
