// In:    what a parent process knows of a socket that it hands to a child.
// Out:   the message that travels beside the socket, and what it says.
// Never: touches a socket.

import type { ArrivalHints } from "../arrival/arrival.js";
import { checkArrivalHints } from "../arrival/check.js";
import { countOctets, viewOf } from "../head/kernel/latin1.js";
import { checkSettings } from "../head/options.js";

/** What whoever gives a socket away knows of it; `AdoptOptions` has the same names. */
export interface SocketDetails {
  /** Octets that were already read from the socket. */
  rest?: Uint8Array;
  /** What is known of the connection and cannot be read from the socket. */
  arrival?: ArrivalHints;
}

/** Text, so that each serialization of a channel carries it. */
interface Envelope {
  readonly headgate: { readonly rest: string; readonly arrival: ArrivalHints };
}

/** Throws `TypeError` for another name, or what is no value of it. */
export function checkDetails(given: SocketDetails, what: string): void {
  checkSettings(given, ["rest", "arrival"], what);
  if (given.arrival !== undefined) checkArrivalHints(given.arrival, "arrival");
}

/** The octets that were read already, whatever their array says of itself. Throws `TypeError` for what are none. */
export function readRest(rest: unknown): Uint8Array {
  if (!(rest instanceof Uint8Array)) throw new TypeError("rest must be the octets already read, a Uint8Array");
  const octets = viewOf(rest, 0, countOctets(rest));
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length);
}

export function seal(rest: Uint8Array, arrival: ArrivalHints): Envelope {
  return { headgate: { rest: Buffer.from(rest).toString("base64"), arrival } };
}

/** Null for a message that is somebody else's. */
export function unseal(message: unknown): { rest: Uint8Array; arrival: ArrivalHints } | null {
  const { headgate } = (message ?? {}) as Partial<Envelope>;
  if (typeof headgate?.rest !== "string") return null;
  return { rest: Buffer.from(headgate.rest, "base64"), arrival: headgate.arrival };
}
