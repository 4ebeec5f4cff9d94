// In:    the `mode` of a guard, its server.
// Out:   what is to read the server's HTTP/1.1 requests.
// Never: leaves them to Node's parser where the mode is strict.

import type { Server } from "node:http";
import { Server as NetServer } from "node:net";
import { type Seat, speaksHttp2, takeSeat } from "../engine/seat.js";
import { describe } from "../head/options.js";
import { isLenient } from "./same-ruling.js";

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
  const seat = asks && !isReporting && !isLenient(server) ? takeSeat(server, "all") : null;
  if (seat !== null) return seat;
  if (mode === "auto" || mode === "events") return "events";
  if (!(server instanceof NetServer)) {
    throw new TypeError(
      `mode ${mode} reads HTTP/1.1 before the server does, but a server of this runtime's node:http reads its connections ` +
        'itself; write mode "auto", or accept with net.createServer, adopt each socket, and give the gate the application as requests',
    );
  }
  if (!speaksHttp2(server)) return "filter";
  throw new TypeError(
    `mode ${mode} reads HTTP/1.1 before Node's parser does, but a server of node:http2 takes its connections itself; write ` +
      'mode "auto", or accept with tls.createServer, adopt each socket, and give the gate the application as requests',
  );
}
