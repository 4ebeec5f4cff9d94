// In:    what a runtime states about the connection of a request.
// Out:   its Arrival.
// Never: takes a scheme or an address from the request itself.

import type { Scheme } from "../head/authority.js";
import { type Arrival, type ArrivalHints, type ArrivalRules, arrivalAt, type SocketFacts } from "./arrival.js";
import { checkArrivalHints } from "./check.js";

/** What is known about a connection: a socket of Node, or the members that the runtime knows. */
export type ConnectionFacts = SocketFacts | ArrivalHints;

/**
 * Where a request came in, for `decide`. `connection`: the request's `socket` in Node; elsewhere what the runtime states, such as
 * `{ remoteAddress: server.requestIP(request)?.address }`, and `scheme: "https"` if the runtime itself terminates TLS. The scheme that is
 * not stated is the policy's, else http. Never take it from the URL of the request: in some runtimes a client chooses it by an
 * absolute-form. Throws `TypeError` for a name or a value that an arrival cannot have.
 */
export function arrivalOf(policy: { readonly scheme: Scheme | undefined }, connection: ConnectionFacts = {}): Arrival {
  const rules = policy as ArrivalRules;
  if (!isPlain(connection)) return arrivalAt(rules, connection as SocketFacts, {});
  checkArrivalHints(connection as ArrivalHints, "the connection");
  return arrivalAt(rules, {}, connection as ArrivalHints);
}

/** True for an object literal; a socket has a class. */
function isPlain(connection: ConnectionFacts): boolean {
  const prototype: unknown = Object.getPrototypeOf(connection);
  return prototype === Object.prototype || prototype === null;
}
