// In:    the configuration of a gate; sockets.
// Out:   each socket taken, and an event for everything that was decided.
// Never: accepts a connection itself.

import { channel } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import { createServer, type RequestListener, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { SecureContextOptions } from "node:tls";
import { type Arrival, type ArrivalHints, checkArrivalHints } from "./arrival/arrival.js";
import { Connection } from "./connection/connection.js";
import { watchRequests } from "./connection/http1/server-socket.js";
import { isKept } from "./connection/socket.js";
import { ServerNames, type TlsRules } from "./connection/tls/routes.js";
import { Guard } from "./guard/guard.js";
import { checkListening, connectionEventOf, type GuardedServer, speaksHttp2 } from "./guard/server.js";
import { type FramerLike, LEAVE } from "./handover/framer.js";
import { withFramers } from "./handover/framers-by-name.js";
import { isPassthrough, type PassthroughLike } from "./handover/passthrough.js";
import { SideTable } from "./handover/side-table.js";
import { type GateLimits, gateLimits } from "./head/limits.js";
import { checkSettings } from "./head/options.js";
import { readRest } from "./intake/socket-message.js";
import type { Authorize } from "./outcome/authorization.js";
import type { Context, Http2Rules } from "./outcome/context.js";
import { Deadlines } from "./outcome/deadlines.js";
import type { Abandoned, AbandonedCode, ConnectionEnd, Malformed, Passed } from "./outcome/end.js";
import { WaitingRoom } from "./outcome/waiting.js";
import type { Acceptance, Decision, Refusal, RefusalCode } from "./policy/decision.js";
import { definePolicy, type Policy, type PolicyRules, withFallback, withSecured } from "./policy/policy-rules.js";
import { NO_LISTEN } from "./policy/vhost.js";

export interface GateOptions extends PolicyRules<FramerLike | string> {
  /** Framers by name, for `upgrades` that name theirs: with them, the rest of the policy can be JSON. */
  framers?: Readonly<Record<string, FramerLike>>;
  /** Who serves what is not an upgrade; without it such requests are refused 426. The server need not listen. */
  requests?: Server | RequestListener;
  /**
   * Who is there for TLS on adopted sockets, by the server name that the client asks for: TLS options, by which the gate speaks
   * TLS itself, or a taker, who gets the connection with every octet. Without it a ClientHello is a malformed head. Not beside
   * `scheme: "https"`, which would make plaintext https as well.
   */
  tls?: TlsRules;
  /** Takes adopted connections that begin neither with TLS nor with an HTTP/1.1 request. Without it they are malformed heads. */
  fallback?: PassthroughLike;
  /** Has the last word on upgrades that the policy accepts: who may use them. Without it all may. */
  authorize?: Authorize;
  limits?: Partial<GateLimits>;
  /** Whether adopted connections may speak HTTP/2, and how. Default true: where a TLS socket has agreed on it (ALPN). */
  http2?: boolean | Http2Options;
  /**
   * True: the response to a refused request says why, in the line that `explain` has for the log. It tells a client what
   * the configuration holds. Default false.
   */
  expose?: boolean;
}

export interface Http2Options {
  /**
   * True: on connections without TLS as well, where the client begins with HTTP/2 (prior knowledge, RFC 9113 §3.3). Default
   * false.
   */
  cleartext?: boolean;
  /**
   * False: clients open WebSockets over HTTP/1.1, on connections of their own. Default true: on streams, by extended CONNECT (RFC
   * 8441).
   */
  enableConnectProtocol?: boolean;
}

/** A connection that the gate has taken. */
export interface Adoption {
  /** How it ends: handed over, refused, served, passed on, or abandoned. Never rejects. Made when it is first read. */
  readonly ended: Promise<ConnectionEnd>;
}

export interface AdoptOptions {
  /** Octets that were already read from the socket. */
  rest?: Uint8Array;
  /** What is known of the connection and cannot be read from the socket. */
  arrival?: ArrivalHints;
  /** Narrows this adoption to the vhosts of these names; the Host field cannot widen it. */
  vhosts?: readonly string[];
}

export interface GuardOptions {
  /** Narrows this guard to the vhosts of these names. */
  vhosts?: readonly string[];
  /** Reads every octet in front of Node's parser, which hides some from a guard; docs/policy.md says what it costs. */
  strict?: boolean;
}

export interface GateEvents {
  /** An upgrade goes to its framer, or a request (`decision.upgrade` false) to `requests` or the guarded server. */
  accepted: [decision: Acceptance<FramerLike>];
  refused: [decision: Refusal<FramerLike>];
  /** In report mode: enforce mode would have refused what the next event hands over. */
  reported: [decision: Refusal<FramerLike>];
  malformed: [end: Malformed];
  /** A connection that the gate does not read goes to its taker. */
  passed: [end: Passed];
  abandoned: [end: Abandoned];
}

/** Of a gate since it was made; a code that has not occurred is not there. */
export interface GateCounts {
  readonly refused: Partial<Record<RefusalCode, number>>;
  readonly reported: Partial<Record<RefusalCode, number>>;
  readonly abandoned: Partial<Record<AbandonedCode, number>>;
}

const settings = [
  "$schema",
  "scheme",
  "vhosts",
  "trust",
  "mode",
  "framers",
  "requests",
  "tls",
  "fallback",
  "authorize",
  "limits",
  "http2",
  "expose",
];
const adoptSettings = ["rest", "arrival", "vhosts"];
const http2Settings = ["cleartext", "enableConnectProtocol"] as const;
const guardSettings = ["vhosts", "strict"];

/** The same events for the whole process, as `diagnostics_channel` messages. */
const channels = {
  accepted: channel("headgate:accepted"),
  refused: channel("headgate:refused"),
  reported: channel("headgate:reported"),
  malformed: channel("headgate:malformed"),
  passed: channel("headgate:passed"),
  abandoned: channel("headgate:abandoned"),
};

/** Rules on connections that somebody else accepted. Throws `TypeError` with the path, the value and the fix. */
export function createGate(options: GateOptions): Gate {
  return new Gate(options);
}

/** Made by `createGate`. */
export class Gate extends EventEmitter<GateEvents> {
  readonly #context: Context;
  readonly #tls: ServerNames | null;
  /** The same with the policies of narrowed adoptions, by their names. */
  readonly #narrowed = new Map<string, Context>();
  readonly #guards = new WeakMap<object, Guard>();
  readonly #refused = new Map<RefusalCode, number>();
  readonly #reported = new Map<RefusalCode, number>();
  readonly #abandoned = new Map<AbandonedCode, number>();

  /** @internal */
  constructor(options: GateOptions) {
    super();
    checkSettings(options, settings, "a gate");
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
    if (typeof expose !== "boolean") throw new TypeError(`expose is ${String(expose)}; it must be true or false`);
    if (requests !== undefined && typeof requests !== "function" && !(requests instanceof Server)) {
      throw new TypeError("requests must be an http.Server, which speaks no TLS itself, or a request listener");
    }
    if (authorize !== undefined && typeof authorize !== "function") {
      throw new TypeError("authorize must be a function: (head, { signal, arrival, decision }) => true or false");
    }
    if (fallback !== undefined && !isPassthrough(fallback)) {
      throw new TypeError("fallback must be a function that takes the connection: ({ socket, rest, arrival }) => ...");
    }
    checkUndeclared(rules.scheme, tls);
    const protocols = http2 === false ? ["http/1.1"] : ["h2", "http/1.1"];
    const names = tls === undefined ? null : new ServerNames(tls, protocols);
    const named = definePolicy({ ...rules, vhosts: definePolicy(rules).vhosts.map(withFramers(framers)) });
    const policy = withSecured(named, names?.named ?? null);
    this.#tls = names;
    this.#context = {
      policy,
      limits,
      expose,
      requests: typeof requests === "function" ? createServer(requests) : requests,
      ways: { authorizes: authorize !== undefined, serves: requests !== undefined, hears: () => false },
      tls: names,
      fallback,
      requestsAccepts: false,
      others: undefined,
      heads: new WaitingRoom(limits.headTimeout, limits.pendingHeads, limits.pendingPerAddress),
      authorize,
      authorizing: new WaitingRoom(limits.authorizeTimeout, limits.pendingHeads, limits.pendingPerAddress),
      http2: http2Rules(http2),
      sessions: new Deadlines(limits.idleTimeout),
      lingering: new Deadlines(limits.lingerTimeout),
      known: new SideTable(),
      hearsAccepted: () => this.listenerCount("accepted") > 0 || channels.accepted.hasSubscribers,
      accepted: (decision) => {
        const { reported } = decision;
        if (reported !== undefined) {
          count(this.#reported, reported.code);
          this.#report("reported", reported);
        }
        this.#report("accepted", decision);
      },
      passed: (end) => this.#report("passed", end),
      ended: (end) => {
        if (end.kind === "refused") {
          count(this.#refused, end.decision.code);
          this.#report("refused", end.decision);
        } else if (end.kind === "malformed") this.#report("malformed", end);
        else {
          count(this.#abandoned, end.code);
          this.#report("abandoned", end);
        }
      },
    };
    if (requests !== undefined) watchRequests();
  }

  /**
   * Takes a socket that somebody else accepted: a net.Socket, a tls.TLSSocket, any Duplex of octets; paused or not.
   * From now on the gate owns it.
   *
   * Throws `TypeError` where the configuration cannot serve adopted sockets, the socket is no stream of octets, or a
   * gate owns it already.
   */
  adopt(socket: Duplex, options: AdoptOptions = NO_OPTIONS): Adoption {
    checkSocket(socket);
    if (options !== NO_OPTIONS) checkSettings(options, adoptSettings, "an adoption");
    const { rest = NOTHING, arrival = NO_ARRIVAL, vhosts } = options;
    if (arrival !== NO_ARRIVAL) checkArrivalHints(arrival, "arrival");
    const octets = rest === NOTHING ? NOTHING : readRest(rest);
    const connection = new Connection(this.#contextFor(vhosts), socket, arrival);
    connection.begin(octets);
    return new AdoptedConnection(connection);
  }

  /**
   * Puts the gate in front of a server that accepts by itself: every request and every upgrade is ruled on before a
   * listener of the server sees it, also one that is added later. What is accepted goes on unchanged; upgrades go to the
   * framers that claim them. `release()` of what it returns, or leaving the scope of a `using`, takes the gate away.
   *
   * Throws `TypeError` for what is no server of node:http, node:https or node:http2, for one that this gate guards already, and
   * where a vhost's port cannot be that of a listening server.
   */
  guard(server: GuardedServer, options: GuardOptions = {}): Guard {
    const connectionEvent = connectionEventOf(server);
    checkSettings(options, guardSettings, "a guard");
    if (this.#guards.get(server)?.isActive) throw new TypeError("this gate guards this server already");
    const { vhosts, strict = false } = options;
    if (typeof strict !== "boolean") throw new TypeError(`strict is ${String(strict)}; it must be true or false`);
    if (strict && speaksHttp2(server)) {
      throw new TypeError(
        "strict reads HTTP/1.1 in front of Node's parser, and a server of node:http2 takes its connections by itself; leave " +
          "strict out, or accept with tls.createServer, adopt each socket, and give the gate the application as requests",
      );
    }
    const narrowed = vhosts === undefined ? this.#context.policy : narrow(this.#context.policy, vhosts);
    // The server speaks its own TLS.
    const policy = withSecured(withFallback<FramerLike>(narrowed, { "*": LEAVE }), null);
    checkSomethingServed(policy);
    checkUnannounced(policy);
    checkListening(policy, server as Server);
    if (strict) watchRequests();
    // The server has its own TLS, and takes connections of its own protocol alone.
    const own = { policy, requests: strict ? (server as Server) : undefined, tls: null, fallback: undefined };
    const context = { ...this.#context, ...own };
    const guard = new Guard(context, server as Server, connectionEvent);
    this.#guards.set(server, guard);
    return guard;
  }

  /**
   * Replaces a certificate of `tls` for handshakes from now on: `name` as it is written there. What is not given stays as it was; the
   * connections that there are keep theirs, and sessions of theirs may be resumed.
   *
   * Throws `TypeError` for another name, and for what is no certificate and its key; the former one then stays.
   */
  renew(name: string, certificate: SecureContextOptions): void {
    if (this.#tls === null) throw new TypeError("renew is for a certificate of tls, and this gate has no tls");
    this.#tls.renew(name, certificate);
  }

  /**
   * Where the connection came in of what an application got by this gate: a request, the socket of a request or of an
   * upgrade, a WebSocket of `wsFramer`. Undefined for anything else.
   */
  arrivalOf(object: object): Arrival | undefined {
    return this.decisionOf(object)?.arrival;
  }

  /** The decision that let it pass; of a socket with several requests, that on the newest. Otherwise as `arrivalOf`. */
  decisionOf(object: object): Decision<FramerLike> | undefined {
    const found = this.#context.known.get(object);
    if (found === undefined) return undefined;
    return "decision" in found ? (found.decision ?? undefined) : found;
  }

  /** Connections whose head is not whole yet. */
  get pendingHeads(): number {
    return this.#context.heads.size;
  }

  /**
   * So far, by code: what was refused, and what report mode has let through, the sum of which is what enforce mode would
   * have refused; and what was abandoned.
   */
  get counts(): GateCounts {
    return {
      refused: Object.fromEntries(this.#refused),
      reported: Object.fromEntries(this.#reported),
      abandoned: Object.fromEntries(this.#abandoned),
    };
  }

  #contextFor(names: readonly string[] | undefined): Context {
    const key = names === undefined ? "" : JSON.stringify(names);
    const known = this.#narrowed.get(key);
    if (known !== undefined) return known;
    const context =
      names === undefined ? this.#context : { ...this.#context, policy: narrow(this.#context.policy, names) };
    checkAdoptable(context.policy);
    this.#narrowed.set(key, context);
    return context;
  }

  /**
   * Says what became of a connection. A listener that throws has thrown when the connection has been dealt with: no
   * socket is left without an owner for it.
   */
  #report<Name extends keyof GateEvents>(name: Name, ...values: GateEvents[Name]): void {
    try {
      this.emit<keyof GateEvents>(name, ...values);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
    if (channels[name].hasSubscribers) channels[name].publish(values[0]);
  }
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

const NOTHING = new Uint8Array(0);
const NO_OPTIONS: AdoptOptions = Object.freeze({});
const NO_ARRIVAL: ArrivalHints = Object.freeze({});

function count<Code>(counts: Map<Code, number>, code: Code): void {
  counts.set(code, (counts.get(code) ?? 0) + 1);
}

function http2Rules(given: boolean | Http2Options = true): Http2Rules | undefined {
  if (given === false) return undefined;
  const options: Http2Options = given === true ? {} : given;
  checkSettings(options, http2Settings, "http2");
  for (const name of http2Settings) {
    const value: unknown = options[name] ?? false;
    if (typeof value !== "boolean") {
      throw new TypeError(`http2.${name} is ${JSON.stringify(value)}; it must be true or false`);
    }
  }
  const { cleartext = false, enableConnectProtocol = true } = options;
  return { cleartext, enableConnectProtocol };
}

function checkSocket(socket: Duplex): void {
  if (typeof socket?.on !== "function" || typeof socket.write !== "function" || typeof socket.resume !== "function") {
    throw new TypeError("adopt takes a net.Socket or another Duplex");
  }
  if (socket.readableObjectMode || socket.readableEncoding) {
    throw new TypeError("adopt takes a stream of octets: without objectMode, and without setEncoding()");
  }
  if (isKept(socket)) throw new TypeError("adopt takes a socket once; a gate owns this one already");
}

function narrow(policy: Policy<FramerLike>, names: readonly string[]): Policy<FramerLike> {
  if (!Array.isArray(names)) throw new TypeError("vhosts of an adoption must be a list of names of vhosts");
  const vhosts = policy.vhosts.filter((vhost) => names.includes(vhost.name));
  const unknown = names.filter((name) => !policy.vhosts.some((vhost) => vhost.name === name));
  if (unknown.length > 0) throw new TypeError(`vhosts of this adoption: no vhost is named ${unknown.join(", ")}`);
  return withSecured(definePolicy({ ...policy.rules, vhosts }), policy.secured);
}

/** What is declared counts for every connection without TLS, also for those that could have had it. */
function checkUndeclared(scheme: unknown, tls: unknown): void {
  if (scheme !== "https" || tls === undefined) return;
  throw new TypeError(
    'scheme is "https" beside tls, so that plaintext on the same port would count as https; leave scheme out, as the scheme ' +
      "follows the socket; where a proxy ends TLS, let it say so (trust), or say so of the socket: " +
      'adopt(socket, { arrival: { scheme: "https" } })',
  );
}

/** A guarded server reads its sockets itself, from the first octet. */
function checkUnannounced({ trust }: Policy<FramerLike>): void {
  if (trust?.proxyProtocol) {
    throw new TypeError(
      "trust has proxyProtocol, and a guarded server reads its connections by itself; accept with net.createServer, " +
        "adopt each socket, and give the gate the server as requests",
    );
  }
}

/** Adopted sockets have no listening port of ours, so that each vhost must say what its port is. */
function checkAdoptable(policy: Policy<FramerLike>): void {
  for (const { name, port, upgrades } of policy.vhosts) {
    const [left] = Object.entries(upgrades ?? {}).find(([, claim]) => claim === LEAVE) ?? [];
    if (left !== undefined) {
      throw new TypeError(
        `vhost ${name} leaves upgrades of ${left} to other listeners, and an adopted socket has none; give it a framer, ` +
          "or guard the server that has them",
      );
    }
    if (port === undefined) {
      throw new TypeError(
        `vhost ${name} has no port, and an adopted socket has none to take its place; write the public port, ` +
          "port: NO_LISTEN_SERVER for any, or port: NO_LISTEN for none",
      );
    }
    if (port === "local") {
      throw new TypeError(
        `vhost ${name} has port "local", the local port of an arrival; a gate that adopts listens on ` +
          "none; write the public port or NO_LISTEN_SERVER",
      );
    }
  }
  checkSomethingServed(policy);
}

function checkSomethingServed(policy: Policy<FramerLike>): void {
  if (policy.vhosts.every(({ port }) => port === NO_LISTEN)) {
    throw new TypeError("every vhost has port NO_LISTEN, so that no request could be served");
  }
}
