// In:    a server to guard, and the policy for it.
// Out:   the event that brings its connections, or a TypeError that names the alternative.
// Never: touches the server.

import { Server as HttpServer } from "node:http";
import type { Http2SecureServer, Http2Server } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import { Server as NetServer } from "node:net";
import { speaksHttp2 } from "../engine/seat.js";
import { https, tls } from "../handover/node-modules.js";
import { describe } from "../head/options.js";
import type { Policy } from "../policy/policy-rules.js";
import { NO_LISTEN_SERVER } from "../policy/vhost.js";
import { adviceOn } from "./not-a-server.js";

/** What a gate can guard: a server of node:http, node:https or node:http2. */
export type GuardedServer = HttpServer | HttpsServer | Http2Server | Http2SecureServer;

/** The event by which a server gets connections to read. Throws `TypeError` for one that does not speak HTTP. */
export function connectionEventOf(server: unknown): "connection" | "secureConnection" {
  const event = eventOf(server);
  if (event !== null) return event;
  const guarded = "guard takes an http.Server, an https.Server or a server of node:http2";
  if (server instanceof NetServer && server instanceof tls().Server) {
    throw new TypeError(
      `${guarded}; for a tls.Server write server.on('secureConnection', (socket) => gate.adopt(socket))`,
    );
  }
  if (server instanceof NetServer) {
    throw new TypeError(`${guarded}; for a net.Server write server.on('connection', (socket) => gate.adopt(socket))`);
  }
  const advice = adviceOn(server, (other) => eventOf(other) !== null);
  throw new TypeError(`${guarded}; this is ${describe(server)}${advice}`);
}

/** Null for anything that does not speak HTTP. */
function eventOf(server: unknown): "connection" | "secureConnection" | null {
  if (server instanceof HttpServer) return "connection";
  if (!(server instanceof NetServer)) return null;
  if (server instanceof https().Server) return "secureConnection";
  if (speaksHttp2(server)) return server instanceof tls().Server ? "secureConnection" : "connection";
  return null;
}

/** Throws `TypeError` if a vhost's port contradicts what the server listens on; before it listens, nothing is checked. */
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
