// In:    the connections of a guarded server that speaks TLS itself, before and after their handshakes.
// Out:   to a drain: those whose handshake is not done, which no other part of a guard knows.
// Never: ends one before the time of the drain is up.

import type { Duplex } from "node:stream";
import { ServerSocket } from "../connection/http1/server-socket.js";
import type { Drainable, OpenConnections } from "../outcome/open-connections.js";
import type { Activity } from "./guarded-connection.js";

/** A connection that waits for its handshake, for which Node allows 120 s by default. */
class Handshake implements Drainable {
  readonly #socket: Duplex;
  readonly #guard: Activity;

  constructor(socket: Duplex, guard: Activity) {
    this.#socket = socket;
    this.#guard = guard;
  }

  get isAway(): boolean {
    return !this.#guard.isActive;
  }

  drain(): void {}

  cut(): void {
    this.#socket.destroy();
  }
}

/**
 * Notes what a server with TLS emits about a connection: `event` is 'connection' before its handshake. A TLSSocket does not show which
 * socket it was made from (`_parent`); were that member gone, both would be noted.
 */
export function noteHandshake(
  event: "connection" | "secureConnection",
  socket: Duplex,
  open: OpenConnections,
  guard: Activity,
): void {
  if (event === "secureConnection") {
    const { _parent } = socket as { _parent?: Duplex | null };
    if (_parent != null) open.unwatch(_parent);
  } else if (!(socket instanceof ServerSocket)) {
    // A guard that filters has read the octets of a server socket.
    open.watch(socket, new Handshake(socket, guard));
  }
}
