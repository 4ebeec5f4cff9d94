// In:    a server that a caller wants guarded, the policy for it.
// Out:   the event that its connections come by, or a TypeError that says what to do instead.
// Never: touches the server.

import { Server as HttpServer } from "node:http";
import { Server as HttpsServer } from "node:https";
import { Server as NetServer } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { Policy } from "../decision.js";
import { NO_LISTEN_SERVER } from "../vhost.js";

/** The event by which an http.Server gets connections to read from. Throws `TypeError` for any other server. */
export function connectionEventOf(server: unknown): "connection" | "secureConnection" {
  if (server instanceof HttpServer) return "connection";
  if (server instanceof HttpsServer) return "secureConnection";
  if (typeof (server as { updateSettings?: unknown } | null)?.updateSettings === "function") {
    throw new TypeError("guard takes an http.Server or an https.Server; HTTP/2 servers are not guarded yet");
  }
  if (server instanceof TlsServer) {
    throw new TypeError(
      "guard takes an http.Server or an https.Server; for a tls.Server write " +
        "server.on('secureConnection', (socket) => gate.adopt(socket))",
    );
  }
  if (server instanceof NetServer) {
    throw new TypeError(
      "guard takes an http.Server or an https.Server; for a net.Server write " +
        "server.on('connection', (socket) => gate.adopt(socket))",
    );
  }
  throw new TypeError("guard takes an http.Server or an https.Server");
}

/** Throws `TypeError` where a vhost's port contradicts what the server listens on; nothing is wrong before it listens. */
export function checkListening(policy: Policy, server: NetServer): void {
  const address = server.address();
  if (address === null) return;
  for (const { name, port } of policy.vhosts) {
    if (port === NO_LISTEN_SERVER) {
      throw new TypeError(
        `vhost ${name} has port NO_LISTEN_SERVER, and the guarded server listens; write the public port that clients ` +
          'use, "local" for the port it listens on, or "any"',
      );
    }
    if (port === "local" && typeof address === "string") {
      throw new TypeError(
        `vhost ${name} has port "local", and the guarded server listens on ${address}, which has no port; write the ` +
          'public port that clients use, or "any"',
      );
    }
  }
}
