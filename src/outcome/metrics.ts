// In:    what a gate knows of its connections at this moment.
// Out:   a snapshot in numbers.
// Never: keeps anything.

import type { Context } from "./context.js";
import type { GateState } from "./open-connections.js";
import type { GateCounts, GateTimes } from "./reports.js";

/** Numbers of connections at one moment. One that serves requests and waits for its next head is in both. */
export interface GateGauges {
  /** Adopted connections that have not ended, and those in `handedOver`. */
  readonly connections: number;
  /** Connections whose head is incomplete. */
  readonly pendingHeads: number;
  /** Upgrades that wait for `authorize`. */
  readonly authorizing: number;
  /** Adopted connections whose requests go to `requests` over HTTP/1.1. */
  readonly serving: number;
  /** Adopted HTTP/2 connections, from their first stream on. */
  readonly sessions: number;
  /** Open connections of framers, passthroughs, and listeners that an upgrade was left to; over HTTP/2 each WebSocket by itself. */
  readonly handedOver: number;
  /** Connections and HTTP/2 sessions of guarded servers: from their beginning, or, of those older than the guard, from their next request. */
  readonly guarded: number;
  /** Connections that are still read after their last response. */
  readonly lingering: number;
}

/** Of `gate.metrics`. */
export interface GateSnapshot {
  readonly state: GateState;
  /** Connections that the gate has adopted so far. */
  readonly adopted: number;
  readonly gauges: GateGauges;
  readonly durations: GateTimes;
  readonly counts: GateCounts;
}

/** @internal */
export function snapshotOf({ authorizing, heads, lingering, open, reports, sessions }: Context): GateSnapshot {
  return {
    state: open.state,
    adopted: open.adopted,
    gauges: {
      connections: open.size,
      pendingHeads: heads.size,
      authorizing: authorizing.size,
      serving: open.served.size,
      sessions: sessions.size,
      handedOver: open.handed,
      guarded: open.guarded,
      lingering: lingering.size,
    },
    durations: reports.durations,
    counts: reports.counts,
  };
}
