// In:    a socket, the caller's hints about it, a policy.
// Out:   where it came in.
// Never: takes facts from another gate's stream that the other gate knows better.

import type { Duplex } from "node:stream";
import {
  type Arrival,
  type ArrivalHints,
  arrivalFrom,
  arrivalOf,
  readArrival,
  type SocketFacts,
} from "../arrival/arrival.js";
import type { Context } from "../outcome/context.js";
import { SocketFacade } from "./socket-facade.js";

/**
 * Where a socket came in. It is read now if a decision depends on it: when a client resets its connection, the socket loses its
 * addresses.
 */
export function arrivalAt({ policy }: Context, socket: Duplex, given: ArrivalHints): Arrival {
  const arrival =
    socket instanceof SocketFacade
      ? arrivalFrom(socket.arrival, given, policy.scheme)
      : arrivalOf(socket as SocketFacts, given, policy.scheme);
  return policy.readsAddresses ? readArrival(arrival) : arrival;
}
