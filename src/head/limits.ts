// In:    limits as a caller wrote them.
// Out:   all limits, checked, with defaults filled in.
// Never: enforces one; the files that do import them from here.

import { Capacity, Memory } from "../../assembly/abi.js";
import { describe, didYouMean, isRecord } from "./options.js";

/** Empty lines that are skipped before a request line (RFC 9112 §2.2). */
export const EMPTY_LINES: number = Capacity.EMPTY_LINES;

/** What bounds one request head. */
export interface HeadLimits {
  /**
   * Octets of a request head, including skipped empty lines. Default 16384; at most 131072.
   * Precedents: Node's --max-http-header-size 16384; Apache's LimitRequestLine 8190 and 8190 a field.
   */
  headBytes: number;
  /**
   * Field lines of a request head. Default 100; at most 4096.
   * Precedents: Apache's LimitRequestFields 100; HAProxy's tune.http.maxhdr 101.
   */
  fieldLines: number;
}

/** Of one limit. */
export interface Bounds {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
}

export const headBounds: Record<keyof HeadLimits, Bounds> = {
  headBytes: { default: 16_384, min: 16, max: Memory.INPUT_SIZE, unit: "octets" },
  fieldLines: { default: 100, min: 1, max: Capacity.FIELD_LINES, unit: "field lines" },
};

/** Throws `TypeError` for an unknown name and for what is not a number, `RangeError` for a number out of range. */
export function headLimits(given: Partial<HeadLimits> | undefined): HeadLimits {
  return given === undefined ? defaultHeadLimits : resolveLimits(headBounds, given);
}

const defaultHeadLimits: HeadLimits = Object.freeze(resolveLimits(headBounds, {}));

/** The limits that are given, and defaults for the others. Throws `TypeError` and `RangeError`. */
export function resolveLimits<Name extends string>(
  bounds: Record<Name, Bounds>,
  given: Partial<Record<Name, number>>,
): Record<Name, number> {
  if (!isRecord(given)) {
    const names = Object.keys(bounds).join(", ");
    throw new TypeError(`limits is ${describe(given)}; it must be an object with any of: ${names}`);
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(bounds, name)) {
      const known = Object.keys(bounds);
      throw new TypeError(
        `limits.${name} is not a limit; the limits are ${known.join(", ")}${didYouMean(name, known)}`,
      );
    }
  }
  const limits = {} as Record<Name, number>;
  for (const name of Object.keys(bounds) as Name[]) {
    const { default: byDefault, min, max, unit } = bounds[name];
    const value: unknown = given[name] === undefined ? byDefault : given[name];
    if (typeof value !== "number") {
      throw new TypeError(
        `limits.${name} is ${describe(value)}; it must be a number of ${unit}, from ${min} to ${max}`,
      );
    }
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new RangeError(`limits.${name} is ${String(value)}; it must be an integer from ${min} to ${max} ${unit}`);
    }
    limits[name] = value;
  }
  return limits;
}
