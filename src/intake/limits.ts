// In:    limits of sockets for a child process as a caller wrote them.
// Out:   all limits, checked, with defaults filled in.
// Never: enforces one; the files that do import them from here.

import { type Bounds, resolveLimits } from "../head/limits.js";

/** What bounds the way of a socket to a child process. */
export interface ProcessLimits {
  /**
   * Milliseconds that a child has to acknowledge a socket, the time included that the socket waits for its turn. Default 10000; at most 600000.
   * Precedents: HAProxy's timeout queue, by default its timeout connect; nginx's proxy_connect_timeout 60 s.
   */
  acknowledgeTimeout: number;
  /**
   * Children that a function may choose for one socket, one after the other. Default 3; at most 100.
   * Precedents: HAProxy's retries 3; nginx's proxy_next_upstream_tries, off unless it is set.
   */
  tries: number;
}

const timeBounds: Record<"acknowledgeTimeout", Bounds> = {
  acknowledgeTimeout: { default: 10_000, min: 1, max: 600_000, unit: "milliseconds" },
};

/** @internal */
export const processBounds: Record<keyof ProcessLimits, Bounds> = {
  ...timeBounds,
  tries: { default: 3, min: 1, max: 100, unit: "children" },
};

/** Throws `TypeError` for an unknown name and for what is not a number, `RangeError` for a number out of range. */
export function processLimits(given: Partial<ProcessLimits> = {}): ProcessLimits {
  return resolveLimits(processBounds, given);
}

type TimeLimits = Pick<ProcessLimits, "acknowledgeTimeout">;

/** Those of a socket that goes to one child. Throws as `processLimits`. */
export function timeLimits(given: Partial<TimeLimits> = {}): TimeLimits {
  return resolveLimits(timeBounds, given);
}
