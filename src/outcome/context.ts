// In:    what a gate, or one of its guards, has for all of its connections.
// Out:   its shape; the address that an arrival counts for, by its policy.
// Never: contains anything that belongs to one connection.

import type { Server } from "node:http";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Arrival } from "../arrival/arrival.js";
import type { FramerLike, Handover, Sender } from "../handover/framer.js";
import type { PassthroughLike } from "../handover/passthrough.js";
import type { SideTable } from "../handover/side-table.js";
import { countedNetwork } from "../head/ip-address.js";
import type { Acceptance, Decision } from "../policy/decision.js";
import type { Policy } from "../policy/policy-rules.js";
import type { Authorize } from "./authorization.js";
import type { Deadlines, Timed } from "./deadlines.js";
import type { GateLimits } from "./limits.js";
import type { Drainable, OpenConnections } from "./open-connections.js";
import type { Reports } from "./reports.js";
import type { Ways } from "./route.js";
import type { Waiting, WaitingRoom } from "./waiting.js";

/** The decision by which an object reached the application; for a socket with several requests, the one on the newest. */
type Learned = Decision<FramerLike> | { readonly decision: Decision<FramerLike> | null };

/** Of a request that report mode lets through although its head is malformed. */
export const UNDECIDED: { readonly decision: null } = Object.freeze({ decision: null });

/** The decision by which a framer takes an upgrade, and where to record the objects that it makes. */
export interface Claimed {
  readonly decision: Acceptance<FramerLike>;
  readonly known: SideTable<Learned>;
}

/** The arguments of a session's 'stream' event. */
export interface Opened {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly flags: number;
  /** Name, value, name, value; one pair per field line. */
  readonly rawHeaders: string[];
}

/** What else a guarded server has: guards of other gates, and listeners for upgrades that a policy leaves to them. */
export interface OtherListeners {
  /** Whether one of them may take an upgrade that is left: for 'upgrade', or over HTTP/2 for 'stream'. `on`: its socket or stream. */
  listening(event: "upgrade" | "stream", on: Duplex): boolean;
  /** Gets an accepted upgrade, for a framer or for these listeners: the other gates rule on it before anything takes it. */
  take(handover: Handover): void | Promise<void>;
  /** The same over HTTP/2. */
  takeStream(opened: Opened, decision: Acceptance<FramerLike>, ways: StreamWays): void;
}

/** The ways that an upgrade over HTTP/2 can take. */
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

/** The owner of a TLS handshake. */
export interface HandshakeOwner {
  secured(socket: TLSSocket): void;
  /** `cause` is what went wrong; undefined if the client has vanished. */
  notSecured(cause?: Error): void;
}

/** Makes the TLS handshake on a paused socket whose buffer has its octets, from the ClientHello on. */
export interface Secures {
  secure(socket: Duplex, owner: HandshakeOwner): void;
}

/** How TLS is handled, by the server name of a ClientHello. */
type TlsRoute =
  | { readonly kind: "secure"; readonly terminator: Secures }
  | { readonly kind: "pass"; readonly passthrough: PassthroughLike };

export interface TlsRoutes {
  /** Null: the client sends no server name. Returns undefined if there is no route for it. */
  find(serverName: string | null): TlsRoute | undefined;
}

/** What the gate provides to each of its connections. */
export interface Context {
  readonly policy: Policy<FramerLike>;
  readonly limits: GateLimits;
  readonly requests: Server | undefined;
  /** Gets adopted connections at their first request, in the place of `requests`. */
  readonly sender: Sender | null;
  /** The ways for accepted requests over HTTP/1.1. */
  readonly ways: Ways;
  /** How TLS on adopted sockets is handled; null if all of them should be HTTP. */
  readonly tls: TlsRoutes | null;
  /** Takes connections that are neither TLS nor HTTP. */
  readonly fallback: PassthroughLike | undefined;
  /** `requests` is the server that accepted the connections, and knows them from their beginning. */
  readonly requestsAccepts: boolean;
  /** True if responses explain why a request is refused. */
  readonly expose: boolean;
  /** Connections whose head is incomplete. */
  readonly heads: WaitingRoom<Waiting & Drainable>;
  /** Has the last word on upgrades; and the upgrades that wait for it. */
  readonly authorize: Authorize | undefined;
  readonly authorizing: WaitingRoom<Waiting & Drainable>;
  /** How HTTP/2 is spoken; undefined if it is not, or if a guarded server speaks it. */
  readonly http2: Http2Rules | undefined;
  /** HTTP/2 connections after their first stream: without an open stream they end, with one they get a PING. */
  readonly sessions: Deadlines<Timed & Drainable>;
  /** Refused connections that are still read. */
  readonly lingering: Deadlines;
  /** Request bodies that are still to come, and responses that are still to be read. */
  readonly bodies: Deadlines;
  readonly sending: Deadlines;
  /** All connections, for a drain. */
  readonly open: OpenConnections;
  /** False for a guard that does not filter: it has seen the socket of an upgrade before the upgrade becomes a connection here. */
  readonly adopts: boolean;
  /** The source of `decisionOf`. */
  readonly known: SideTable<Learned>;
  /** For a guarded server; undefined for adopted connections. */
  readonly others: OtherListeners | undefined;
  readonly reports: Reports;
}

/** Clients of a trusted peer that does not state their address: all of them count as one. */
const UNKNOWN = "unknown";

/**
 * The client's address, or IPv6 subnet, for which a limit per address counts an arrival; null if it is unknown, because a
 * trusted peer speaks for other clients.
 */
export function countedAs({ policy }: Context, arrival: Arrival): string | null {
  const { remoteAddress, proxy, forwarding } = arrival;
  if (remoteAddress === undefined) return proxy?.command === "PROXY" && forwarding === undefined ? UNKNOWN : null;
  const isClient = (policy.trust?.trustedPeer(arrival) ?? null) === null;
  return isClient ? countedNetwork(remoteAddress) : null;
}
