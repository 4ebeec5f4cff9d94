// In:    limits of a message as a caller wrote them.
// Out:   all limits, checked, with defaults filled in.
// Never: enforces one; the files that do import them from here.

import { type Bounds, type HeadLimits, headBounds, resolveLimits } from "../head/limits.js";

/** What bounds one message. Content is not bounded: it is not kept. */
export interface MessageLimits extends HeadLimits {
  /**
   * Octets that the chunk extensions and the trailer lines of one message may have in total, delimiters included. Default 16384; at most 131070.
   * Precedents: Node's limit on chunk extensions 16384; Go's maxLineLength of a chunk line 4096.
   */
  overheadBytes: number;
}

/** @internal */
export const messageBounds: Record<keyof MessageLimits, Bounds> = {
  ...headBounds,
  // Two octets less than a head may have, for the empty line after a trailer section.
  overheadBytes: { default: 16_384, min: 0, max: headBounds.headBytes.max - 2, unit: "octets" },
};

/** Throws `TypeError` for an unknown name and for what is not a number, `RangeError` for a number out of range. */
export function messageLimits(given: Partial<MessageLimits> | undefined): MessageLimits {
  return resolveLimits(messageBounds, given === undefined ? {} : given);
}
