// In:    an accepted request whose target has absolute-form, and the authority that was ruled on.
// Out:   every view of the request with that authority as its Host.
// Never: changes a request in another form: there Host is what was ruled on, or what the client of a trusted hop sent.

import type { IncomingMessage } from "node:http";
import type { RequestHead } from "../head/request-head.js";
import type { Acceptance } from "../policy/decision.js";

/** The parts of a decision that determine Host. */
export type RuledRequest = Pick<Acceptance, "head" | "authority">;

/**
 * The Host of a request whose target has absolute-form: the authority that was ruled on, which is its own (RFC 9112 §3.2.2) or the
 * one that a trusted hop states. Null if Host stays as it was sent.
 */
export function ruledHost({ head, authority }: RuledRequest): string | null {
  return head.targetForm === "absolute-form" ? String(authority) : null;
}

/** Raw headers, name, value, name, value, with that Host. */
export function ruledRawHeaders(ruled: RuledRequest): string[] {
  const host = ruledHost(ruled);
  const { rawHeaders } = ruled.head as RequestHead;
  if (host === null) return rawHeaders;
  const others = rawHeaders.filter((_, i) => rawHeaders[i & ~1]!.toLowerCase() !== "host");
  return ["Host", host, ...others];
}

/** Lets every view of a request that Node has read show that Host. */
export function showRuledHost(request: IncomingMessage, ruled: RuledRequest): void {
  const host = ruledHost(ruled);
  if (host === null) return;
  // The array stays the same object: Node makes the other views from it when they are first read.
  request.rawHeaders.splice(0, Number.POSITIVE_INFINITY, ...ruledRawHeaders(ruled));
  request.headers.host = host;
  request.headersDistinct.host = [host];
}
