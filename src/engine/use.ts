// In:    a server, or the wish for all of them.
// Out:   our parser in its seat, and how to undo that.
// Never: keeps an engine: the seat or the installation that it returns has it.

import { engineFor, Installation, Seat, type SeatableServer, SeatUnavailable, startEngine } from "./seat.js";

/**
 * Puts headgate's parser in the seat of node:http's parser for one server: its HTTP/1.1 connections are read strictly
 * (docs/conformance.md), without a policy. Returns the seat: `release()` undoes it.
 *
 * `server`: an `http.Server`, an `https.Server`, or an `Http2SecureServer`, for its `allowHTTP1` side. Nothing else of the process
 * changes; clients keep Node's parser, and so does a server with `insecureHTTPParser` or an `httpValidation` other than `"strict"`.
 * Malformed requests are a 'clientError' with a `ParseError`.
 *
 * Throws `TypeError` for any other server, and `SeatUnavailable` (`code: "SEAT_UNAVAILABLE"`) on Bun, on Deno, and on a Node
 * whose node:http has changed; `whyUnavailable` asks first. docs/drop-in.md has the differences.
 */
export function useIn(server: SeatableServer): Seat {
  return new Seat(engineFor(server), server);
}

/**
 * The same for every server that this process makes from now on. Servers that exist already keep their parser. Returns the
 * installation: `release()` undoes it for servers made after that, unless another installation is left. Throws `SeatUnavailable`.
 */
export function install(): Installation {
  return new Installation(startEngine());
}

/** Null if `useIn` and `install` work in this process; else the reason why not. */
export function whyUnavailable(): string | null {
  try {
    startEngine();
    return null;
  } catch (error) {
    if (error instanceof SeatUnavailable) return error.message;
    throw error;
  }
}
