// In:    what a gate, or a guard of it, has for all of its connections.
// Out:   its shape; by its policy, whom an arrival counts to.
// Never: has anything of one connection.

import type { Server } from "node:http";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Arrival } from "../arrival/arrival.js";
import type { FramerLike, Handover } from "../handover/framer.js";
import type { PassthroughLike } from "../handover/passthrough.js";
import type { SideTable } from "../handover/side-table.js";
import { countedNetwork } from "../head/ip-address.js";
import type { GateLimits } from "../head/limits.js";
import type { Acceptance, Decision } from "../policy/decision.js";
import type { Policy } from "../policy/policy-rules.js";
import type { Authorize } from "./authorization.js";
import type { Deadlines } from "./deadlines.js";
import type { ConnectionEnd, Passed } from "./end.js";
import type { Ways } from "./route.js";
import type { WaitingRoom } from "./waiting.js";

/** By what an object came to the application: a decision; of a socket with several requests, that on the newest. */
export type Learned = Decision<FramerLike> | { readonly decision: Decision<FramerLike> | null };

/** By which decision a framer takes an upgrade, and where to note what it makes of it. */
export interface Claimed {
  readonly decision: Acceptance<FramerLike>;
  readonly known: SideTable<Learned>;
}

/** What 'stream' of a session tells. */
export interface Opened {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly flags: number;
  /** Name, value, name, value; each field line by itself. */
  readonly rawHeaders: string[];
}

/** What else a guarded server has: guards of other gates, and listeners for what a policy leaves to them. */
export interface OtherListeners {
  /** One of them may take an upgrade that is left: of 'upgrade', or over HTTP/2 of 'stream'. `on`: its socket or stream. */
  listening(event: "upgrade" | "stream", on: Duplex): boolean;
  /** Gets an upgrade that was accepted, for a framer or for them: the other gates rule on it before anything takes it. */
  take(handover: Handover): void | Promise<void>;
  /** The same over HTTP/2. */
  takeStream(opened: Opened, decision: Acceptance<FramerLike>, ways: StreamWays): void;
}

/** Where an upgrade over HTTP/2 may go. */
export interface StreamWays {
  open(claimed: Claimed): void;
  leave(): void;
}

/** How a gate speaks HTTP/2. */
export interface Http2Rules {
  /** On connections without TLS as well, by prior knowledge (RFC 9113 §3.3). */
  readonly cleartext: boolean;
  /** WebSockets may be opened on streams (RFC 8441 §3). */
  readonly enableConnectProtocol: boolean;
}

/** Whom a TLS handshake is made for. */
export interface HandshakeOwner {
  secured(socket: TLSSocket): void;
  /** `cause` is what went wrong; undefined where the client has vanished. */
  notSecured(cause?: Error): void;
}

/** Makes the TLS handshake on a socket that is paused and has its octets, from the ClientHello on, in its buffer. */
export interface Secures {
  secure(socket: Duplex, owner: HandshakeOwner): void;
}

/** What is done about TLS, by the server name of a ClientHello. */
export type TlsRoute =
  | { readonly kind: "secure"; readonly terminator: Secures }
  | { readonly kind: "pass"; readonly taker: PassthroughLike };

export interface TlsRoutes {
  /** Null: the client names none. Undefined where there is none for it. */
  find(serverName: string | null): TlsRoute | undefined;
}

/** What the gate lends to each of its connections. */
export interface Context {
  readonly policy: Policy<FramerLike>;
  readonly limits: GateLimits;
  readonly requests: Server | undefined;
  /** What there is for accepted requests over HTTP/1.1. */
  readonly ways: Ways;
  /** What is done about TLS on adopted sockets; null where all of them are to be HTTP. */
  readonly tls: TlsRoutes | null;
  /** Who takes what is neither TLS nor HTTP. */
  readonly fallback: PassthroughLike | undefined;
  /** `requests` is the server that has accepted the connections, and knows them from their beginning. */
  readonly requestsAccepts: boolean;
  /** True where clients are told why they are refused. */
  readonly expose: boolean;
  /** Connections whose head is not whole. */
  readonly heads: WaitingRoom;
  /** Who has the last word on upgrades, and those that wait for it. */
  readonly authorize: Authorize | undefined;
  readonly authorizing: WaitingRoom;
  /** How HTTP/2 is spoken; undefined where it is not, or a server that is guarded speaks it. */
  readonly http2: Http2Rules | undefined;
  /** HTTP/2 connections behind their first stream: without an open one they end, with one they are asked for a sign of life. */
  readonly sessions: Deadlines;
  /** Refused connections that are read on. */
  readonly lingering: Deadlines;
  /** What `decisionOf` answers from. */
  readonly known: SideTable<Learned>;
  /** Of a guarded server; undefined for adopted connections. */
  readonly others: OtherListeners | undefined;
  /** False where nobody would hear of an accepted request. */
  hearsAccepted(): boolean;
  /** Called once for each decision and malformed head, before anything is done about it. */
  accepted(decision: Acceptance<FramerLike>): void;
  ended(end: Exclude<ConnectionEnd, Passed | { kind: "handed-over" | "served" }>): void;
  /** A connection goes to a taker. */
  passed(end: Passed): void;
}

/** Clients that a trusted peer speaks for without an address of theirs: all of them count as one. */
const UNKNOWN = "unknown";

/**
 * The client's address, or IPv6 subnet, that a limit per address counts an arrival to; null where nobody knows the client's: a
 * trusted peer speaks for others.
 */
export function countedAs({ policy }: Context, arrival: Arrival): string | null {
  const { remoteAddress, proxy, forwarding } = arrival;
  if (remoteAddress === undefined) return proxy?.command === "PROXY" && forwarding === undefined ? UNKNOWN : null;
  const isClient = (policy.trust?.trustedPeer(arrival) ?? null) === null;
  return isClient ? countedNetwork(remoteAddress) : null;
}
