// In:    a connection of a guarded server, the rulings on its requests.
// Out:   what the next request needs of them.
// Never: rules on anything itself, or answers.

import type { ServerResponse } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Arrival, arrivalAt, NO_HINTS, type SocketFacts } from "../arrival/arrival.js";
import type { FramerLike } from "../handover/framer.js";
import { http2 } from "../handover/node-modules.js";
import type { HeadFault } from "../head/fault.js";
import { type Message, unseenOption } from "../head/from-message.js";
import type { Context } from "../outcome/context.js";
import type { Drainable, OpenConnections } from "../outcome/open-connections.js";
import type { Acceptance, Decision } from "../policy/decision.js";
import type { SameRuling } from "./same-ruling.js";

/** A ruling on a request as Node has read it. */
export type Ruling = Decision<FramerLike> | { readonly kind: "malformed"; readonly fault: HeadFault };

/** A guard from the point of view of its connections. */
export interface Activity {
  /** False once it has been released: then they are not the gate's any more. */
  readonly isActive: boolean;
}

/** A guard that rules on what its connections bring. */
interface Ruler extends Activity {
  rule(message: Message, arrival: Arrival): Ruling;
}

/** One connection of a guarded server, from its beginning on, or from its first request where it is older than the guard. */
export class GuardedConnection implements Drainable {
  readonly arrival: Arrival;
  readonly #socket: Duplex;
  readonly #open: OpenConnections;
  readonly #guard: Ruler;
  /** Of the newest request that was accepted. */
  newest: { readonly decision: Decision<FramerLike> | null } | null = null;
  /** An accepted request, for those that are ruled on alike. */
  shared: SameRuling | null = null;
  /** To the newest request, until it is written; those to earlier ones are written before it. */
  response: ServerResponse | null = null;
  /** A request was refused, and the connection closes after the response: nothing that follows is examined. */
  refused = false;
  #isStopping = false;
  /** The socket's `bytesRead` when the newest response was written; -1 before the first one. */
  #readThen: number | undefined = -1;

  constructor({ known, open, policy }: Context, socket: Duplex, guard: Ruler) {
    this.arrival = arrivalAt(policy, socket as SocketFacts, NO_HINTS);
    this.#socket = socket;
    this.#open = open;
    this.#guard = guard;
    known.set(socket, this);
  }

  get decision(): Decision<FramerLike> | null {
    return this.newest === null ? null : this.newest.decision;
  }

  get isAway(): boolean {
    return !this.#guard.isActive;
  }

  rule(message: Message): Ruling {
    return this.#guard.rule(message, this.arrival);
  }

  /** An idle connection does not hold its last response, which holds its request. */
  owe(response: ServerResponse): void {
    this.response = response;
    response.on("close", this.#written);
    this.seen();
    if (this.#open.state !== "open") response.shouldKeepAlive = false;
  }

  /** A drain ends it. */
  seen(): this {
    this.#open.watch(this.#socket, this);
    return this;
  }

  /** Node ends the connection after a response that has `close`; one whose head was written before is the last all the same. */
  drain(): void {
    if (this.response !== null && !this.response.headersSent) this.response.shouldKeepAlive = false;
  }

  /** By its octets: `server.closeIdleConnections` of Node 26 closes connections with half a head as well. */
  closeIdle(): void {
    const socket = this.#socket as Duplex & Partial<Pick<Socket, "bytesRead" | "destroySoon">>;
    if (this.response !== null || this.#readThen !== socket.bytesRead) return;
    if (socket.destroySoon === undefined) socket.destroy();
    else socket.destroySoon();
  }

  cut(): void {
    this.#socket.destroy();
  }

  /**
   * Requests that get no response are not counted by Node's own limit on what is pipelined. In a microtask, as Node resumes the socket
   * after each request that it reads, and does so in a tick.
   */
  stopReading(socket: Duplex): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    queueMicrotask(() => {
      this.#isStopping = false;
      socket.pause();
    });
  }

  readonly #written = (): void => {
    if (!this.response?.writableFinished) return;
    this.response = null;
    this.#readThen = (this.#socket as Partial<Socket>).bytesRead;
    if (this.#open.state !== "open" && !this.isAway) this.#socket.end();
  };
}

/** A request to which the same ruling applies; it is read when the decision is asked for. */
export class DeferredRuling {
  readonly #connection: GuardedConnection;
  readonly #method: string | undefined;
  readonly #url: string | undefined;
  readonly #rawHeaders: readonly string[];
  #decision: Decision<FramerLike> | null = null;

  /** The application may write to its request afterwards. */
  constructor({ method, url, rawHeaders }: Message, connection: GuardedConnection) {
    this.#connection = connection;
    this.#method = method;
    this.#url = url;
    this.#rawHeaders = rawHeaders;
  }

  get decision(): Decision<FramerLike> | null {
    if (this.#decision === null) {
      const message = { method: this.#method, url: this.#url, httpVersion: "1.1", rawHeaders: this.#rawHeaders };
      const ruling = this.#connection.rule(message);
      if (ruling.kind !== "malformed") this.#decision = ruling;
    }
    return this.#decision;
  }
}

export function isUpgrade(ruling: Ruling): ruling is Acceptance<FramerLike> {
  return ruling.kind === "accepted" && ruling.upgrade;
}

/** The ruling on a request from Node: if the policy accepts it as an upgrade, Node failed to recognize it as one. */
export function asRequest(ruling: Ruling): Ruling {
  return isUpgrade(ruling) ? { kind: "malformed", fault: unseenOption(ruling.head) } : ruling;
}

/** True for a request of node:http2's compatibility API. */
export function isOverHttp2(request: unknown): request is Http2ServerRequest {
  // A request of node:http has no such member, and its process may never need node:http2.
  return "stream" in (request as object) && request instanceof http2().Http2ServerRequest;
}

/** Neither flowing nor paused, so that the first 'data' listener makes it flow, as Node does with upgrades. */
export function asNodeLeavesIt(socket: Duplex): void {
  (socket as { readableFlowing: boolean | null }).readableFlowing = null;
}
