// In:    a connection whose TLS the gate terminates.
// Out:   the same connection on the TLSSocket that is made from its socket, or why there is none.
// Never: reads a head; the next phase does.

import type { TLSSocket } from "node:tls";
import type { HandshakeOwner, Secures } from "../../outcome/context.js";
import type { Kept } from "../socket.js";
import type { Phase, Phased } from "./phase.js";

export class Tls implements Phase, HandshakeOwner {
  readonly stage = "tls";
  readonly tellsItsEnd = true;
  readonly #connection: Phased & HandshakeOwner;

  constructor(connection: Phased & HandshakeOwner) {
    this.#connection = connection;
  }

  /** `socket` has no 'data' listener, and `octets` are all that arrived on it. */
  begin(secures: Secures, socket: Kept, octets: Uint8Array): void {
    socket.pause();
    socket.unshift(octets);
    // A client that ends within its handshake has nothing more to wait for.
    socket.allowHalfOpen = false;
    secures.secure(socket, this);
  }

  secured(socket: TLSSocket): void {
    this.#connection.secured(socket);
  }

  notSecured(cause?: Error): void {
    this.#connection.notSecured(cause);
  }

  /** Node's TLS reads. */
  receive(): void {}

  peerEnded(): void {
    this.#connection.abandon("PEER_ENDED");
    this.#connection.socket.destroy();
  }

  idle(): void {}

  expire(): void {
    this.#connection.abandonWith("HEAD_TIMEOUT");
  }

  leave(): void {
    this.#connection.context.heads.remove(this.#connection);
  }
}
