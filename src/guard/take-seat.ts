// In:    a server that is to be guarded.
// Out:   headgate's parser in the place of Node's, or null where that is not possible.
// Never: fails: Node's parser can be guarded as well.

import type { Server } from "node:http";
import { Seat, SeatUnavailable, startEngine } from "../engine/seat.js";
import { isLenient } from "./same-ruling.js";

/** With a warning, `HEADGATE_SEAT`, on a Node that has no place for another parser. */
export function takeSeat(server: Server): Seat | null {
  if (isLenient(server)) return null;
  try {
    return new Seat(startEngine(), server);
  } catch (error) {
    // A server of node:http2 without TLS has no parser, and neither has one whose own listener was removed.
    if (error instanceof TypeError) return null;
    if (!(error instanceof SeatUnavailable)) throw error;
    const isNode = process.versions.bun === undefined && process.versions.deno === undefined;
    if (isNode) process.emitWarning(error.message, { code: "HEADGATE_SEAT" });
    return null;
  }
}
