// In:    nothing.
// Out:   what Node listens for on a TLSSocket, which the contract of ways in does not count.
// Never: listens itself.

import { once } from "node:events";
import tls from "node:tls";
import { certificate } from "../support/certificate.js";
import { streamPair } from "../support/tcp.js";

/** What Node itself listens for on a TLSSocket that a server has made. */
export async function listenersOfTls(): Promise<ReadonlyMap<string | symbol, number>> {
  const server = tls.createServer(certificate());
  const [near, far] = streamPair();
  const client = tls.connect({ socket: near, rejectUnauthorized: false });
  const secured = once(server, "secureConnection");
  server.emit("connection", far);
  const [socket] = (await secured) as [tls.TLSSocket];
  const listeners = new Map(socket.eventNames().map((name) => [name, socket.listenerCount(name)]));
  client.destroy();
  return listeners;
}
