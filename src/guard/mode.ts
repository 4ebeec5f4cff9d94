// In:    the `mode` of a guard, its server.
// Out:   what is to read the server's HTTP/1.1 requests.
// Never: leaves them to Node's parser where the mode is strict.

import type { Server } from "node:http";
import { engineFor, Seat, SeatUnavailable } from "../engine/seat.js";
import { describe } from "../head/options.js";
import { isLenient } from "./same-ruling.js";
import { speaksHttp2 } from "./server.js";

/** What is to read the requests; `GuardOptions` has the meanings. */
export type GuardMode = "auto" | "strict" | "filter" | "events";

/** What reads them: headgate's parser in the place of Node's; the gate, before Node's parser; or Node's parser alone. */
export type RequestsReadBy = "parser" | "filter" | "events";

const MODES: readonly unknown[] = ["auto", "strict", "filter", "events"] satisfies GuardMode[];

/** A place for headgate's parser, "filter", or "events". Throws `TypeError` for a mode that there is not, and where it is impossible. */
export function readerOf(server: Server, mode: unknown, isReporting: boolean): Seat | "filter" | "events" {
  if (!MODES.includes(mode)) {
    throw new TypeError(`mode is ${describe(mode)}; it must be "auto", "strict", "filter" or "events"`);
  }
  const asks = mode === "auto" || mode === "strict";
  // Report mode reports the malformed heads that Node's parser accepts.
  const seat = asks && !isReporting ? takeSeat(server) : null;
  if (seat !== null) return seat;
  if (mode === "auto" || mode === "events") return "events";
  if (!speaksHttp2(server)) return "filter";
  throw new TypeError(
    `mode ${mode} reads HTTP/1.1 before Node's parser does, but a server of node:http2 takes its connections itself; write ` +
      'mode "auto", or accept with tls.createServer, adopt each socket, and give the gate the application as requests',
  );
}

/** Null where that is impossible; with a warning, `HEADGATE_SEAT`, on a Node whose node:http has changed. */
function takeSeat(server: Server): Seat | null {
  if (isLenient(server)) return null;
  try {
    return new Seat(engineFor(server), server);
  } catch (error) {
    // Without TLS a server of node:http2 has no such parser, and neither has one whose own listener was removed.
    if (error instanceof TypeError) return null;
    if (!(error instanceof SeatUnavailable)) throw error;
    const isNode = process.versions.bun === undefined && process.versions.deno === undefined;
    if (isNode) process.emitWarning(error.message, { code: "HEADGATE_SEAT" });
    return null;
  }
}
