// In:    what a gate knows of its connections at this moment; durations.
// Out:   a snapshot in numbers; how many durations fell between which bounds, and their sum.
// Never: reads a clock, or keeps a duration.

import type { Context } from "./context.js";
import type { Timing } from "./end.js";
import type { GateState } from "./open-connections.js";

/** Numbers of connections at one moment. One that serves requests and waits for its next head is in both. */
export interface GateGauges {
  /** Adopted connections that have not ended, and those of framers that can close them. */
  readonly connections: number;
  /** Connections whose head is incomplete. */
  readonly pendingHeads: number;
  /** Upgrades that wait for `authorize`. */
  readonly authorizing: number;
  /** Adopted connections whose requests go to `requests` over HTTP/1.1. */
  readonly serving: number;
  /** Adopted HTTP/2 connections, from their first stream on. */
  readonly sessions: number;
  /** Of framers that can close them; over HTTP/2 each by itself. */
  readonly handedOver: number;
  /** Connections and HTTP/2 sessions of guarded servers that have brought a request. */
  readonly guarded: number;
  /** Connections that are still read after their last response. */
  readonly lingering: number;
}

/** Milliseconds; Prometheus's default buckets, with one for what takes no time. */
const BOUNDS: readonly number[] = Object.freeze([1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]);

/** Durations so far. */
export interface GateDurations {
  /** Upper bounds in milliseconds, inclusive, in ascending order. */
  readonly bounds: readonly number[];
  /** How many are within each bound and beyond the previous one; the last number, one more than there are bounds, is of those beyond all. */
  readonly counts: readonly number[];
  readonly count: number;
  /** Milliseconds. */
  readonly sum: number;
}

/** Durations of adopted connections and their requests, and of upgrades to guarded servers; `Timing` has what each begins and ends with. */
export type GateTimes = Readonly<Record<Timing["stage"], GateDurations>>;

/** Of `gate.metrics`. */
export interface GateSnapshot {
  readonly state: GateState;
  /** Connections that the gate has adopted so far. */
  readonly adopted: number;
  readonly gauges: GateGauges;
  readonly durations: GateTimes;
}

/** @internal */
export function snapshotOf({
  authorizing,
  heads,
  lingering,
  open,
  sessions,
}: Context): Omit<GateSnapshot, "durations"> {
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
  };
}

export class Histogram {
  readonly #counts: number[] = [...BOUNDS, 0].fill(0);
  #count = 0;
  #sum = 0;

  add(milliseconds: number): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && milliseconds > BOUNDS[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#count++;
    this.#sum += milliseconds;
  }

  get snapshot(): GateDurations {
    return { bounds: BOUNDS, counts: [...this.#counts], count: this.#count, sum: this.#sum };
  }
}
