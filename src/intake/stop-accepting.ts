// In:    a server that listens.
// Out:   the same server, which accepts nothing more.
// Never: closes a connection that it has accepted.

import { Server } from "node:net";
import { describe } from "../head/options.js";

/**
 * Closes the listening socket of a server, and nothing else: its connections stay, for `gate.drain` to end. The `close` of an
 * `http.Server` closes connections without a request as well (Node's `closeIdleConnections`), also while a request is on its way to them.
 * Connections that wait to be accepted go to another process that has the same descriptor; without one, the kernel resets them.
 *
 * The server emits 'close' when all connections have closed, those not counted that belong to another process. One that does not
 * listen is left as it is. Throws `TypeError` for what is not a `net.Server`; the servers of `http`, `https`, `http2` and `tls` are.
 */
export function stopAccepting(server: Server): void {
  if (!(server instanceof Server)) {
    // As `systemdListeners` returns them.
    const { server: member } = ((server as unknown) ?? {}) as { server?: unknown };
    const fix = Array.isArray(server)
      ? "; call it for each server"
      : member instanceof Server
        ? "; write stopAccepting(it.server)"
        : "";
    throw new TypeError(
      `stopAccepting takes a server that listens, such as http.createServer(); it is ${describe(server)}${fix}`,
    );
  }
  Server.prototype.close.call(server);
}
