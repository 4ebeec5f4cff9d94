// In:    a socket, what its giver says of it, a policy.
// Out:   where it came in.
// Never: asks a socket of one gate for what that gate knows better.

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
 * Where a socket came in. It is read now where a ruling depends on it: a client that resets its connection takes its addresses
 * away.
 */
export function arrivalAt({ policy }: Context, socket: Duplex, given: ArrivalHints): Arrival {
  const arrival =
    socket instanceof SocketFacade
      ? arrivalFrom(socket.arrival, given, policy.scheme)
      : arrivalOf(socket as SocketFacts, given, policy.scheme);
  return policy.readsAddresses ? readArrival(arrival) : arrival;
}
