// In:    a connection whose socket the gate has just got.
// Out:   whether it may begin.
// Never: reads an octet.

import type { AbandonedCode } from "../outcome/end.js";
import { GOAWAY } from "./http2/session.js";
import { type Switchboard, whyUnannounced } from "./phases/head.js";
import type { Full } from "./phases/phase.js";

/** Null where the gate has room for the newest one. */
function whyFull({ context }: Switchboard): Full | null {
  const { limits, lingering, open } = context;
  if (open.state === "drained") return "DRAINED";
  return open.size + lingering.size > limits.maxConnections ? "CONNECTIONS_TOO_MANY" : null;
}

/** False where it may not begin, and has ended. `rest`: octets that were read from the socket. */
export function mayBegin(connection: Switchboard, rest: Uint8Array): boolean {
  const { socket, context } = connection;
  const end = (code: AbandonedCode, stage = connection.stage): false => {
    connection.abandon(code, undefined, stage);
    socket.destroy();
    return false;
  };
  // A client that has ended may have sent a request before, and may still read.
  if (socket.destroyed || socket.writableEnded || (socket.readableEnded && rest.length === 0)) {
    return end(socket.destroyed ? "SOCKET_DESTROYED" : "PEER_ENDED");
  }
  const { trust } = context.policy;
  if (trust === null) return true;
  // Read now: trust depends on the address, and a reset connection loses it.
  connection.learn(connection.arrival);
  const unannounced = whyUnannounced(trust, connection.arrival);
  if (unannounced === null) return true;
  return end(unannounced, unannounced === "PROXY_UNTRUSTED" ? "proxy" : connection.stage);
}

/** False for one connection too many, which is answered by what it speaks. */
export function hasRoom(connection: Switchboard): boolean {
  return connection.mayWait(whyFull(connection), connection.agreedOnHttp2 ? GOAWAY : undefined);
}
