// In:    the configuration of a gate; sockets.
// Out:   each socket adopted or each server guarded, and an event for every decision.
// Never: accepts a connection itself.

import { EventEmitter } from "node:events";
import { createServer, Server } from "node:http";
import type { Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";
import type { SecureContextOptions } from "node:tls";
import { type Arrival, NO_HINTS } from "./arrival/arrival.js";
import { checkArrivalHints } from "./arrival/check.js";
import { Connection } from "./connection/connection.js";
import { watchRequests } from "./connection/http1/server-socket.js";
import { isKept } from "./connection/socket.js";
import { ServerNames } from "./connection/tls/routes.js";
import { takeSeat } from "./engine/seat.js";
import {
  type Adopting,
  type Adoption,
  type AdoptOptions,
  adoptElsewhere,
  adoptSettings,
  checkOwnSettings,
  type GateOptions,
  type GuardOptions,
  gateElsewhere,
  gateSettings,
  guardElsewhere,
  guardSettings,
  http2Rules,
  narrow,
} from "./gate-options.js";
import { Guard } from "./guard/guard.js";
import { Guards } from "./guard/guards.js";
import { readerOf } from "./guard/mode.js";
import { checkListening, connectionEventOf, type GuardedServer } from "./guard/server.js";
import { type FramerLike, isSender } from "./handover/framer.js";
import { withFramers } from "./handover/framers-by-name.js";
import { SideTable } from "./handover/side-table.js";
import { NOTHING } from "./head/kernel/latin1.js";
import { checkSettings, describe } from "./head/options.js";
import { readRest } from "./intake/socket-message.js";
import type { Context } from "./outcome/context.js";
import { Deadlines } from "./outcome/deadlines.js";
import { Drain, type DrainCounts, type DrainOptions, readDrainOptions } from "./outcome/drain.js";
import type { ConnectionEnd } from "./outcome/end.js";
import { gateLimits } from "./outcome/limits.js";
import { type GateSnapshot, snapshotOf } from "./outcome/metrics.js";
import { type GateState, OpenConnections } from "./outcome/open-connections.js";
import { type GateCounts, type GateEvents, Reports } from "./outcome/reports.js";
import { checkGuardedTravel, checkTravel } from "./outcome/travel.js";
import { WaitingRoom } from "./outcome/waiting.js";
import type { Decision } from "./policy/decision.js";
import { definePolicy, fixOfVhosts, forServer, withSecured } from "./policy/policy-rules.js";
import { checkAdoptable, checkGuardable } from "./policy/road.js";
import { LEAVE } from "./policy/vhost.js";

/**
 * Makes a gate, which adopts sockets and guards servers. Throws `TypeError` with the path, the value and the fix, and `RangeError` for a
 * limit that is out of range.
 */
export function createGate(options: GateOptions): Gate {
  return new Gate(options);
}

/** Made by `createGate`. */
export class Gate extends EventEmitter<GateEvents> {
  readonly #context: Context;
  readonly #tls: ServerNames | null;
  #isAdoptable = false;
  /** `requests` has been given a parser that takes heads, or cannot have one. */
  #hasSeated = false;
  #drain: Drain | undefined;
  readonly #guards = new WeakMap<object, Guard>();

  /** @internal */
  constructor(options: GateOptions) {
    super();
    checkSettings(options, gateSettings, "a gate", fixOfVhosts(options, "createGate"), gateElsewhere);
    const {
      framers,
      requests,
      tls,
      fallback,
      authorize,
      limits: givenLimits,
      http2,
      expose = false,
      ...rules
    } = options;
    const limits = gateLimits(givenLimits);
    checkOwnSettings(options);
    const sender = isSender(requests) ? requests : null;
    const protocols = http2 === false ? ["http/1.1"] : ["h2", "http/1.1"];
    const names = tls === undefined ? null : new ServerNames(tls, protocols);
    const named = definePolicy({ ...rules, vhosts: definePolicy(rules).vhosts.map(withFramers(framers)) });
    const policy = withSecured(named, names?.named ?? null);
    const spoken = http2Rules(http2);
    checkTravel(policy, sender, names, spoken);
    this.#tls = names;
    const drains = (): boolean => this.state !== "open";
    this.#context = {
      policy,
      limits,
      expose,
      requests: serverOf(requests),
      sender,
      ways: {
        authorizes: authorize !== undefined,
        serves: requests !== undefined,
        sends: sender !== null,
        hears: () => false,
        drains,
      },
      tls: names,
      fallback,
      requestsAccepts: false,
      others: undefined,
      heads: new WaitingRoom(limits.headTimeout, limits.pendingHeads, limits.pendingPerAddress),
      authorize,
      authorizing: new WaitingRoom(limits.authorizeTimeout, limits.pendingHeads, limits.pendingPerAddress),
      http2: spoken,
      sessions: new Deadlines(limits.idleTimeout),
      lingering: new Deadlines(limits.lingerTimeout),
      bodies: new Deadlines(limits.bodyTimeout),
      sending: new Deadlines(limits.sendTimeout),
      open: new OpenConnections(),
      adopts: true,
      known: new SideTable(),
      reports: new Reports(this),
    };
    if (this.#context.requests !== undefined) watchRequests();
  }

  /**
   * Takes a socket that something else accepted: a net.Socket, a tls.TLSSocket, any Duplex of octets; paused or not.
   * From now on the gate owns it.
   *
   * Throws `TypeError` where the configuration cannot serve adopted sockets, the socket is not a stream of octets, a gate
   * owns it already, or an http.Server reads it.
   */
  adopt(socket: Duplex, options: AdoptOptions = NO_OPTIONS): Adoption {
    if (!this.#isAdoptable) {
      checkAdoptable(this.#context.policy);
      this.#isAdoptable = true;
      this.#seatRequests();
    }
    return adopt(this.#context, socket, options);
  }

  /**
   * Adopts as if the gate had no other vhosts than those of these names; Host cannot widen it.
   *
   * Throws `TypeError` for a name that no vhost has, and where these vhosts cannot serve adopted sockets.
   */
  narrow(vhosts: readonly string[]): Adopting {
    const policy = narrow(this.#context.policy, vhosts);
    checkAdoptable(policy);
    this.#seatRequests();
    const context = { ...this.#context, policy };
    return { adopt: (socket, options = NO_OPTIONS) => adopt(context, socket, options) };
  }

  /**
   * Guards a server that accepts connections itself: every request and every upgrade is ruled on before any
   * listener of the server sees it, including listeners added later. Accepted requests go on unchanged, except that a request with an
   * absolute-form gets its authority as Host; upgrades go to the framers that claim them, and where a vhost has no `upgrades`, to the
   * server's own listeners. `release()` of the returned guard, or leaving the scope of a `using`, removes it.
   *
   * Throws `TypeError` for anything but a server of node:http, node:https or node:http2, for a server that this gate already
   * guards, for options that are wrong, and if what the gate is configured for is impossible on that server, such as a vhost's port.
   */
  guard(server: GuardedServer, options: GuardOptions = {}): Guard {
    const connectionEvent = connectionEventOf(server);
    checkSettings(options, guardSettings, "a guard", "", guardElsewhere);
    if (this.#guards.get(server)?.isActive) throw new TypeError("this gate already guards this server");
    const { vhosts, mode = "auto" } = options;
    const narrowed = vhosts === undefined ? this.#context.policy : narrow(this.#context.policy, vhosts);
    // The server speaks its own TLS.
    const policy = withSecured(forServer<FramerLike>(narrowed, { "*": LEAVE }), null);
    checkGuardable(policy);
    checkGuardedTravel(policy);
    checkListening(policy, server as Server);
    Guards.of(server as Server).check(policy);
    const reader = readerOf(server as Server, mode, policy.mode === "report");
    const filters = reader === "filter";
    if (filters) watchRequests();
    // The server has its own TLS, and only takes connections of its own protocol.
    const own = { policy, requests: filters ? (server as Server) : undefined, tls: null, fallback: undefined };
    const guard = new Guard({ ...this.#context, ...own }, server as Server, connectionEvent, reader);
    this.#guards.set(server, guard);
    return guard;
  }

  /**
   * Replaces a certificate of `tls` for subsequent handshakes: `name` as it is written there. Options that are left out stay as they
   * were; existing connections keep their certificate, and their sessions may be resumed.
   *
   * Throws `TypeError` for another name, and for anything but a certificate and its key; the previous one then stays in use.
   */
  renew(name: string, certificate: SecureContextOptions): void {
    if (this.#tls === null) throw new TypeError("renew replaces a certificate of tls, and this gate has no tls");
    this.#tls.renew(name, certificate);
  }

  /**
   * Ends all connections of the gate, each in its own protocol: upgrades are refused with 503; requests are served, and answered with
   * `Connection: close`; heads that have begun are waited for; HTTP/2 sessions get GOAWAY; WebSockets of framers that can close them
   * are closed with `closeCode`, over `spread` milliseconds. What is left when `signal` is aborted, or after `limits.drainTimeout`, is
   * destroyed. Resolves when no connection is left. Calling it again returns the same result; the first signal that is aborted counts.
   * A listening server goes on accepting: close it before.
   *
   * Rejects with `TypeError` or `RangeError` for options that are wrong.
   */
  async drain(options: DrainOptions = {}): Promise<DrainCounts> {
    const { signal, closeCode, spread } = readDrainOptions(options);
    this.#drain ??= new Drain(this.#context, closeCode, spread);
    this.#drain.endBy(signal);
    const counts = await this.#drain.ended;
    return { ...counts, refused: this.counts.refused.DRAINING ?? 0 };
  }

  /** `open`, `draining` from the call of `drain` on, `drained` when its connections have ended: ready while it is open. */
  get state(): GateState {
    return this.#context.open.state;
  }

  /** Drains, without options. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }

  /**
   * Where the connection came in, for an object that an application got through this gate: a request, the socket of a request or of an
   * upgrade, a WebSocket of `wsFramer`. Undefined for anything else.
   */
  arrivalOf(object: object): Arrival | undefined {
    return this.decisionOf(object)?.arrival;
  }

  /** The decision that accepted it; for a socket with several requests, the one on the newest. Otherwise like `arrivalOf`. */
  decisionOf(object: object): Decision<FramerLike> | undefined {
    const found = this.#context.known.get(object);
    if (found === undefined) return undefined;
    return "decision" in found ? (found.decision ?? undefined) : found;
  }

  /** Connections whose head is incomplete. */
  get pendingHeads(): number {
    return this.#context.heads.size;
  }

  /**
   * By code, so far: what was refused, and what report mode let through; all malformed heads; what was abandoned; and what was lost in
   * another process.
   */
  get counts(): GateCounts {
    return this.#context.reports.counts;
  }

  /** From now on `requests` takes the heads that the gate has read, where Node allows it; elsewhere it gets them as octets. */
  #seatRequests(): void {
    const { requests } = this.#context;
    if (requests === undefined || this.#hasSeated) return;
    this.#hasSeated = true;
    takeSeat(requests, "read before");
  }

  /**
   * Counts and durations so far, and how many connections there are of each kind at this moment. Requests that Node reads for a guarded
   * server are not timed.
   */
  metrics(): GateSnapshot {
    return snapshotOf(this.#context);
  }
}

function adopt(context: Context, socket: Duplex, options: AdoptOptions): Adoption {
  checkSocket(socket);
  if (options !== NO_OPTIONS) {
    const fix = (options as unknown) instanceof Uint8Array ? "write { rest: octets }" : "";
    checkSettings(options, adoptSettings, "an adoption", fix, adoptElsewhere);
  }
  const { rest = NOTHING, arrival = NO_HINTS } = options;
  if (arrival !== NO_HINTS) checkArrivalHints(arrival, "arrival");
  const octets = rest === NOTHING ? NOTHING : readRest(rest);
  const connection = new Connection(context, socket, arrival);
  connection.begin(octets);
  return new AdoptedConnection(connection);
}

/** What `adopt` returns. Few callers wait for the end; a promise would weigh more than all else that is kept of a silent connection. */
class AdoptedConnection implements Adoption {
  readonly #connection: Connection;
  #ended: Promise<ConnectionEnd> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get ended(): Promise<ConnectionEnd> {
    return (this.#ended ??= this.#connection.ending());
  }
}

const NO_OPTIONS: AdoptOptions = Object.freeze({});

function checkSocket(socket: Duplex): void {
  if (typeof socket?.on !== "function" || typeof socket.write !== "function" || typeof socket.resume !== "function") {
    const isServer = typeof (socket as unknown as NetServer | undefined)?.listen === "function";
    const advice = isServer ? "; write server.on('connection', (socket) => gate.adopt(socket))" : "";
    throw new TypeError(`adopt takes a net.Socket or another Duplex; this is ${describe(socket)}${advice}`);
  }
  if (socket.readableObjectMode || socket.readableEncoding) {
    throw new TypeError("adopt takes a stream of bytes: without objectMode, and without setEncoding()");
  }
  if (isKept(socket)) throw new TypeError("adopt takes a socket once, and a gate already owns this one");
  // Node notes the parser that reads a socket, until it has read an upgrade.
  if ((socket as { parser?: { socket?: unknown } | null }).parser?.socket === socket) {
    throw new TypeError(
      "adopt takes a socket that nothing else reads, and an http.Server reads this one; accept with a net.Server, or write " +
        "gate.guard(server)",
    );
  }
}

/** A listener needs a server, and a sender none. */
function serverOf(requests: GateOptions["requests"]): Server | undefined {
  if (typeof requests === "function") return createServer(requests);
  return requests instanceof Server ? requests : undefined;
}
