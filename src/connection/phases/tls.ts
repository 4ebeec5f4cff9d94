// In:    a connection whose TLS the gate terminates.
// Out:   the same connection on the TLSSocket that is made from its socket, or why there is none.
// Never: reads a head; the next phase does.

import type { TLSSocket } from "node:tls";
import { securedArrival } from "../../arrival/arrival.js";
import { alert } from "../../arrival/tls/alert.js";
import type { HandshakeOwner, Secures } from "../../outcome/context.js";
import { forget, guardErrors, unlisten } from "../socket.js";
import type { Phase, Phased } from "./phase.js";

export class Tls implements Phase, HandshakeOwner {
  readonly stage = "tls";
  readonly tellsItsEnd = true;
  readonly #connection: Phased;

  constructor(connection: Phased) {
    this.#connection = connection;
  }

  /** `octets` are all that came on the socket. */
  begin(secures: Secures, octets: Uint8Array): void {
    const { context, input, socket } = this.#connection;
    const { heads } = context;
    input.become("securing");
    // Nothing was waited for where the ClientHello came with the socket.
    const isWaiting = heads.has(this.#connection);
    if (!isWaiting && !this.#connection.mayWait(heads.admit(this.#connection), alert("internal_error"))) return;
    unlisten(socket);
    socket.pause();
    socket.unshift(octets);
    // A client that ends within its handshake has nothing more to wait for.
    socket.allowHalfOpen = false;
    secures.secure(socket, this);
  }

  secured(socket: TLSSocket): void {
    const connection = this.#connection;
    forget(connection.socket);
    connection.socket = socket;
    guardErrors(socket);
    if (connection.input.isOver) {
      socket.destroy();
      return;
    }
    connection.learn(securedArrival(connection.arrival, socket));
    // False where the client offered no protocol by ALPN.
    connection.awaitHead(socket.alpnProtocol === "h2");
  }

  notSecured(cause?: Error): void {
    if (this.#connection.input.isOver) return;
    this.#connection.abandon(cause === undefined ? "PEER_ENDED" : "TLS_FAILED", cause);
    forget(this.#connection.socket);
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
