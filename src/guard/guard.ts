// In:    a server of node:http, node:https or node:http2, a policy.
// Out:   to the server's own listeners: requests and upgrades that the policy accepts; to framers: upgrades that they claim.
// Never: lets a listener see anything that was not ruled on, whenever the listener was added.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { ServerHttp2Session } from "node:http2";
import type { Duplex } from "node:stream";
import { type Arrival, NO_HINTS } from "../arrival/arrival.js";
import { Connection } from "../connection/connection.js";
import { forwardedHead, leftHead } from "../connection/http1/rewrite.js";
import { ServerSocket } from "../connection/http1/server-socket.js";
import type { Seat } from "../engine/seat.js";
import type { FramerLike, Handover } from "../handover/framer.js";
import { showRuledHost } from "../handover/ruled-host.js";
import { SideTable } from "../handover/side-table.js";
import type { HeadFault } from "../head/fault.js";
import { headOf, limitsBehind, type Message, messageOf } from "../head/from-message.js";
import { NOTHING } from "../head/kernel/latin1.js";
import type { HeadLimits } from "../head/limits.js";
import { type Context, type Opened, type OtherListeners, type StreamWays, UNDECIDED } from "../outcome/context.js";
import type { Answered } from "../outcome/end.js";
import { takeClaimed } from "../outcome/hand-over.js";
import { http1Response, replyTo } from "../outcome/reply.js";
import { decide, sharingOf } from "../policy/decide.js";
import type { Acceptance } from "../policy/decision.js";
import {
  asNodeLeavesIt,
  asRequest,
  DeferredRuling,
  GuardedConnection,
  isOverHttp2,
  isUpgrade,
  type Ruling,
} from "./guarded-connection.js";
import { claimsOf, Guards } from "./guards.js";
import { noteHandshake } from "./handshakes.js";
import { GuardedSessions, type StreamValues } from "./http2-session.js";
import { Interception } from "./interception.js";
import type { RequestsReadBy } from "./mode.js";
import { endWith, respond, whenAnswered } from "./respond.js";
import { isLenient, RuledFields, SameRuling } from "./same-ruling.js";
import { faultOf, Seated } from "./seated.js";
import { checkListening } from "./server.js";

/** A raw socket that waits its turn may fail, and may have no other error listener. */
const ignoreError = (): void => {};

/** What `gate.guard(server)` returns. */
export class Guard implements Disposable {
  /** What reads the requests that this guard rules on. */
  readonly mode: RequestsReadBy;
  readonly #context: Context;
  readonly #server: Server;
  /** 'connection', or 'secureConnection' for https. */
  readonly #connectionEvent: string;
  readonly #interception: Interception;
  /** Null if Node's parser accepts more than may share a ruling. */
  readonly #ruledFields: RuledFields | null;
  readonly #connections = new SideTable<GuardedConnection>();
  readonly #rulings = new SideTable<Ruling>();
  readonly #sessions: GuardedSessions;
  /** The guards of this server, including this one. */
  readonly #guards: Guards<Guard>;
  /** Some upgrades go to its own framers. @internal */
  readonly hasFramers: boolean;
  /** Malformed heads that Node's parser has accepted go on, and are reported. */
  readonly #reportsMalformed: boolean;
  readonly #seated: Seated | null;
  /** The requests of upgrades that Node has read, by socket. */
  readonly #read = new WeakMap<object, IncomingMessage>();

  /** "filter" comes with `requests` in the context, the server itself. @internal */
  constructor(context: Context, server: Server, connectionEvent: string, reader: Seat | "filter" | "events") {
    this.mode = typeof reader === "string" ? reader : "parser";
    this.#seated = typeof reader === "string" ? null : new Seated(reader);
    const guards = Guards.of<Guard>(server);
    this.#guards = guards;
    this.hasFramers = claimsOf(context.policy).length > 0;
    const others: OtherListeners = {
      listening: (event, on) => this.#interception.hasOthers(event) || guards.mayTake(on, this),
      take: (handover) => this.#accepted(handover),
      takeStream: (...values) => this.#acceptedStream(...values),
    };
    const filters = this.mode === "filter";
    const hears = (on: Duplex): boolean => others.listening("upgrade", on);
    const ways = { ...context.ways, serves: filters, sends: false, hears };
    this.#context = { ...context, http2: undefined, requestsAccepts: filters, adopts: filters, others, ways };
    this.#sessions = new GuardedSessions(
      this.#context,
      this,
      (...values) => void this.#interception.pass("stream", ...values),
    );
    this.#server = server;
    this.#connectionEvent = connectionEvent;
    this.#reportsMalformed = context.policy.mode === "report" && !filters;
    this.#ruledFields = isLenient(server) ? null : new RuledFields();
    this.#interception = new Interception(server, {
      received: (event, values) => this.#receive(event, values),
      // Anything but an upgrade that all guards accept stays a request, so that its refusal keeps its place among the responses.
      isUpgrade: (request) => guards.members.every((guard) => guard.#acceptsUpgrade(request)),
    });
    guards.add(this);
  }

  /** False once it has been released. */
  get isActive(): boolean {
    return !this.#interception.isReleased;
  }

  /** From now on nothing is ruled on, and the server's connections are not the gate's; those that it has adopted stay adopted. */
  release(): void {
    if (this.#interception.isReleased) return;
    this.#interception.release();
    this.#seated?.release();
    this.#guards.remove(this, (guard) => guard.#interception.takeOff());
    this.#context.open.released();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #receive(event: string | symbol, values: unknown[]): boolean {
    switch (event) {
      case "request":
      case "checkContinue":
      case "checkExpectation":
        return this.#request(event, values[0] as IncomingMessage, values[1] as ServerResponse);
      case "session":
        this.#sessions.guard(values[0] as ServerHttp2Session);
        break;
      case "stream":
        return this.#stream(values as StreamValues);
      case "upgrade":
      case "connect":
        // An extended CONNECT that was ruled on, and left to other listeners.
        if (isOverHttp2(values[0])) break;
        this.#detached(values[0] as IncomingMessage, values[1] as Duplex, values[2] as Buffer);
        return true;
      case "clientError":
        // Anything after a refused request is ignored, and Node would destroy the socket before the refusal is written.
        if (this.#connections.get(values[1])?.refused) return true;
        if (this.#endMalformed(values[0], values[1] as Duplex)) return true;
        break;
      case "connection":
      case "secureConnection":
        return this.#connection(event, values);
      case "listening":
        checkListening(this.#context.policy, this.#server);
        this.#guards.watch.start();
        break;
      case "close":
        this.#guards.watch.stop();
        break;
    }
    return this.#interception.pass(event, ...values);
  }

  /** A server with TLS emits both events: one before the handshake, one after it. */
  #connection(event: "connection" | "secureConnection", values: unknown[]): boolean {
    const socket = values[0] as Duplex;
    const isItsOwn = event === this.#connectionEvent;
    if (this.#connectionEvent === "secureConnection") noteHandshake(event, socket, this.#context.open, this);
    if (this.mode !== "filter") {
      if (isItsOwn) this.#connectionOf(socket).seen();
    } else if (socket instanceof ServerSocket) {
      // Of this guard, or of another guard that filters and has read the octets.
      return this.#interception.pass(this.#connectionEvent, ...values);
    } else if (isItsOwn && !this.#guards.lets(socket, this)) {
      // The request filter gives the server a server socket instead.
      new Connection(this.#context, socket, NO_HINTS).begin(NOTHING);
      return true;
    }
    return this.#interception.pass(event, ...values);
  }

  /** A head that headgate's parser has refused; false for any other error, and if listeners of 'clientError' are to answer. */
  #endMalformed(error: unknown, socket: Duplex): boolean {
    const fault = faultOf(error);
    if (this.#seated === null || fault === undefined) return false;
    const connection = this.#connectionOf(socket);
    const end: Answered = { kind: "malformed", fault, arrival: connection.arrival };
    this.#context.reports.ended(end);
    if (this.#interception.hasOthers("clientError")) return false;
    connection.refused = true;
    const reply = http1Response(replyTo(end, this.#context.expose)!);
    if (connection.response !== null) connection.stopReading(socket);
    whenAnswered(connection.response, socket, () => endWith(socket, reply, this.#context.lingering));
    return true;
  }

  /** A stream of a session: one that was ruled on, or one of a session that existed before this guard. */
  #stream(values: StreamValues): boolean {
    if (this.#context.known.get(values[0]) !== undefined) return this.#interception.pass("stream", ...values);
    this.#sessions.of(values[0].session as ServerHttp2Session).rule(...values);
    return true;
  }

  #connectionOf(socket: Duplex): GuardedConnection {
    const known = this.#connections.get(socket);
    if (known !== undefined) return known;
    const connection = new GuardedConnection(this.#context, socket, this);
    this.#connections.set(socket, connection);
    return connection;
  }

  /** The last field lines are those of trusted hops. */
  get #limits(): HeadLimits {
    const { policy, limits } = this.#context;
    return policy.trust === null ? limits : limitsBehind(this.#server.maxHeadersCount, limits);
  }

  /** @internal */
  rule(message: Message, arrival: Arrival): Ruling {
    const read = this.#seated?.headOf(message, this.#limits);
    const result = read === undefined ? headOf(message, this.#limits) : { kind: "complete" as const, head: read };
    if (result.kind === "malformed") return { kind: "malformed", fault: result.fault };
    return decide(this.#context.policy, result.head, arrival);
  }

  /** If Node asks which requests are upgrades, they have been ruled on before they are emitted. */
  #ruleOnce(request: IncomingMessage): Ruling {
    const known = this.#rulings.get(request);
    if (known !== undefined) return known;
    const ruling = this.#connectionOf(request.socket).rule(request);
    if (this.#interception.isAsked) this.#rulings.set(request, ruling);
    return ruling;
  }

  #acceptsUpgrade(request: IncomingMessage): boolean {
    if (this.#guards.lets(request.socket, this)) return true;
    const ruling = this.#ruleOnce(request);
    if (ruling.kind === "malformed") return this.#mayPassMalformed(request);
    return isUpgrade(ruling);
  }

  /** Node has asked whether it is an upgrade, and another guard of the server does not accept it as one. */
  #isRefusedElsewhere(request: IncomingMessage): boolean {
    if (!this.#interception.isAsked) return false;
    return this.#guards.members.some((guard) => guard !== this && !guard.#acceptsUpgrade(request));
  }

  #request(event: string, request: IncomingMessage, response: ServerResponse): boolean {
    if (isOverHttp2(request)) {
      // Its stream was ruled on.
      const ruled = this.#context.known.get(request.stream);
      if (ruled !== undefined) this.#context.known.set(request, ruled);
    }
    // A listener of 'checkContinue' may emit a request again that was ruled on.
    if (this.#context.known.get(request) === undefined && !this.#isAccepted(request, response)) return true;
    if (event === "request" || this.#interception.hasOthers(event))
      return this.#interception.pass(event, request, response);
    // Another guard has yet to rule on it.
    const isRuled = this.#guards.under(this).every((guard) => guard.#context.known.get(request) !== undefined);
    if (!isRuled) return this.#interception.pass(event, request, response);
    // As Node does without a listener.
    if (event === "checkExpectation") {
      response.writeHead(417).end();
      return true;
    }
    response.writeContinue();
    return this.#interception.pass("request", request, response);
  }

  /** Rules on a request, and answers it if it is refused. */
  #isAccepted(request: IncomingMessage, response: ServerResponse): boolean {
    const connection = this.#connectionOf(request.socket);
    if (connection.refused) {
      connection.stopReading(request.socket);
      return false;
    }
    const { shared, response: earlier } = connection;
    connection.owe(response);
    if (shared !== null && !this.#context.reports.hearsAccepted) {
      if (shared.covers(request, this.#limits)) {
        connection.newest = new DeferredRuling(request, connection);
        this.#context.known.set(request, connection.newest);
        return true;
      }
    }
    const ruled = this.#ruleOnce(request);
    // Its refusal is that of another guard, which gets it next.
    if (isUpgrade(ruled) && this.#isRefusedElsewhere(request)) return true;
    const ruling = asRequest(ruled);
    if (ruling.kind === "accepted") {
      this.#accept(request, ruling, connection);
      // llhttp follows keep-alive beside close in HTTP/1.0, which RFC 9112 §9.3 does not.
      if (response.shouldKeepAlive && !ruling.head.keepAlive) response.setHeader("Connection", "close");
      return true;
    }
    const { arrival } = connection;
    if (ruling.kind === "malformed" && this.#reportsMalformed) {
      this.#passMalformed(request, ruling.fault, connection);
      return true;
    }
    connection.refused = true;
    const end: Answered = ruling.kind === "refused" ? { kind: "refused", decision: ruling } : { ...ruling, arrival };
    this.#context.reports.ended(end);
    const reply = replyTo(end, this.#context.expose)!;
    // What follows an upgrade that Node was told not to make is swallowed, without limit.
    const isSwallowing = this.#interception.isAsked && request.headers.upgrade !== undefined;
    if (isSwallowing && earlier !== null) connection.stopReading(request.socket);
    whenAnswered(earlier, request.socket, () => respond(request, response, reply, this.#context.lingering));
    return false;
  }

  #passMalformed(request: IncomingMessage, fault: HeadFault, connection: GuardedConnection): void {
    connection.newest = UNDECIDED;
    this.#context.known.set(request, UNDECIDED);
    this.#context.reports.passedMalformed({ kind: "malformed", fault, arrival: connection.arrival, reported: true });
  }

  #accept(request: IncomingMessage, decision: Acceptance<FramerLike>, connection: GuardedConnection): void {
    showRuledHost(request, decision);
    // A reported refusal is reported each time.
    if (this.#ruledFields !== null && !decision.upgrade && decision.reported === undefined) {
      connection.shared = SameRuling.of(request, this.#ruledFields, sharingOf(this.#context.policy, decision));
    }
    connection.newest = { decision };
    this.#context.known.set(request, decision);
    this.#context.reports.accepted(decision);
  }

  /** 'upgrade' and 'connect': Node has taken its parser off the socket. */
  #detached(request: IncomingMessage, socket: Duplex, rest: Uint8Array): void {
    const accepted = this.#guards.letPass(socket, this);
    if (accepted !== undefined) {
      showRuledHost(request, accepted);
      this.#context.known.set(request, accepted);
    }
    // Or another server that this gate guards has left it to a listener that passes it on to this one, as secondary servers of Fastify do.
    if (
      accepted !== undefined ||
      (this.#context.known.get(request) !== undefined && this.#interception.hasOthers("upgrade"))
    ) {
      this.#interception.pass("upgrade", request, socket, rest);
      return;
    }
    const connection = this.#connectionOf(request.socket).seen();
    socket.on("error", ignoreError);
    if (connection.refused) return;
    whenAnswered(connection.response, socket, () => {
      socket.removeListener("error", ignoreError);
      const ruling = this.#ruleOnce(request);
      if (ruling.kind === "accepted" && !ruling.upgrade) {
        this.#giveBack(socket, forwardedHead(ruling), rest);
        return;
      }
      if (ruling.kind === "accepted") this.#read.set(socket, request);
      else if (ruling.kind === "malformed" && this.#mayPassMalformed(request)) {
        this.#passMalformed(request, ruling.fault, connection);
        this.#interception.pass("upgrade", request, socket, rest);
        return;
      }
      this.#act(ruling, connection, socket, rest);
    });
  }

  /** In report mode an upgrade with a malformed head goes to the listeners that would get it without a guard; CONNECT goes nowhere. */
  #mayPassMalformed({ method }: IncomingMessage): boolean {
    return this.#reportsMalformed && method !== "CONNECT" && this.#interception.hasOthers("upgrade");
  }

  /** Acts on the ruling on an upgrade whose head has been read. */
  #act(ruling: Ruling, connection: GuardedConnection, socket: Duplex, rest: Uint8Array): void {
    if (ruling.kind === "accepted") connection.newest = { decision: ruling };
    const step = ruling.kind === "malformed" ? ruling : ({ kind: "decided", decision: ruling, rest } as const);
    new Connection(this.#context, socket, connection.arrival).beginRuled(step);
  }

  /** An upgrade that this guard has accepted: the next guard rules on it, and after the last one it goes to the framer that claims it. */
  #accepted({ socket, head, rest, decision }: Handover): void | Promise<void> {
    const { known } = this.#context;
    const leave = (after: Uint8Array): void => this.#leave(socket, decision, after);
    const passage = this.#guards.accept(socket, this, { decision, known }, leave);
    const next = this.#guards.next(passage);
    if (next !== undefined) {
      const connection = next.#connectionOf(socket);
      next.#act(connection.rule(messageOf(head)), connection, socket, rest);
      return;
    }
    const { claimed } = passage;
    if (claimed === null) {
      // While `authorize` decided, the listeners, or a guard with framers, may have been removed.
      if (!this.#interception.hasOthers("upgrade"))
        throw new Error("there is no listener any more for the upgrade that was left");
      this.#guards.leave(socket, passage, rest);
      return;
    }
    this.#guards.end(socket);
    return takeClaimed(claimed, socket, rest);
  }

  #acceptedStream(opened: Opened, decision: Acceptance<FramerLike>, { open, leave }: StreamWays): void {
    const { stream, headers, flags, rawHeaders } = opened;
    const passage = this.#guards.accept(stream, this, { decision, known: this.#context.known }, leave);
    const next = this.#guards.next(passage);
    if (next !== undefined) {
      next.#sessions.of(stream.session as ServerHttp2Session).rule(stream, headers, flags, rawHeaders);
    } else if (passage.claimed !== null) open(passage.claimed);
    else passage.leave(NOTHING);
  }

  /** Leaves an upgrade that all guards have accepted to the other listeners, with the socket in the state in which Node emits it. */
  #leave(socket: Duplex, decision: Acceptance<FramerLike>, rest: Uint8Array): void {
    const request = this.#read.get(socket);
    this.#read.delete(socket);
    asNodeLeavesIt(socket);
    // Under a guard that filters, Node has not read it.
    if (request === undefined) this.#giveBack(socket, leftHead(decision), rest);
    else (this.#guards.members.at(-1) ?? this).#detached(request, socket, rest);
  }

  /** Lets Node read the head from the socket once more. */
  #giveBack(socket: Duplex, head: string, rest: Uint8Array): void {
    if (rest.length > 0) socket.unshift(rest);
    socket.unshift(head, "latin1");
    this.#interception.pass(this.#connectionEvent, socket);
  }
}
