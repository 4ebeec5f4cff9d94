// In:    what a parent process knows about a socket that it sends to a child.
// Out:   the message that travels with the socket, and its content.
// Never: touches a socket.

import type { ArrivalHints } from "../arrival/arrival.js";
import { checkArrivalHints } from "../arrival/check.js";
import { countOctets, viewOf } from "../head/kernel/latin1.js";
import { checkSettings } from "../head/options.js";

/** What the sender of a socket knows about it; `AdoptOptions` has the same names. */
export interface SocketDetails {
  /** Octets that were already read from the socket. */
  rest?: Uint8Array;
  /** What is known about the connection and cannot be read from the socket. */
  arrival?: ArrivalHints;
}

/** Text, so that every serialization of a channel can carry it. */
interface Envelope {
  readonly headgate: { readonly rest: string; readonly arrival: ArrivalHints };
}

/** Throws `TypeError` for an unknown name, or an invalid value. */
export function checkDetails(given: SocketDetails, what: string): void {
  checkSettings(given, ["rest", "arrival"], what);
  if (given.arrival !== undefined) checkArrivalHints(given.arrival, "arrival");
}

/** The octets that were already read, whatever length their array claims. Throws `TypeError` for anything else. */
export function readRest(rest: unknown): Uint8Array {
  if (!(rest instanceof Uint8Array)) throw new TypeError("rest must be the octets already read, a Uint8Array");
  const octets = viewOf(rest, 0, countOctets(rest));
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length);
}

export function seal(rest: Uint8Array, arrival: ArrivalHints): Envelope {
  return { headgate: { rest: Buffer.from(rest).toString("base64"), arrival } };
}

/** Null for any other message. */
export function unseal(message: unknown): { rest: Uint8Array; arrival: ArrivalHints } | null {
  const { headgate } = (message ?? {}) as Partial<Envelope>;
  if (typeof headgate?.rest !== "string") return null;
  return { rest: Buffer.from(headgate.rest, "base64"), arrival: headgate.arrival };
}
