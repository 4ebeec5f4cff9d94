// In:    whether octets go over TLS.
// Out:   connections over TCP or TLS, with both of their ends: the client's, and the accepted one.
// Never: looks into a gate.

import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { certificate } from "./certificate.js";

/** The two ends of one connection. */
export interface Pair {
  /** The client's. */
  readonly near: Duplex;
  /** The socket under it, whose reset the server sees. */
  readonly wire: net.Socket;
  /** The one that is given. */
  readonly far: Duplex;
}

/** A server that accepts for another program, and clients for it. */
export interface Transport {
  pair(options?: { readonly half?: boolean }): Promise<Pair>;
  /** Ends also what tests that have failed left open. */
  close(): void;
}

const { key, cert } = certificate();

export async function openTransport(isTls: boolean): Promise<Transport> {
  const open = async (allowHalfOpen: boolean): Promise<net.Server> => {
    const server = isTls ? tls.createServer({ key, cert, allowHalfOpen }) : net.createServer({ allowHalfOpen });
    await once(server.listen(0, "127.0.0.1"), "listening");
    return server;
  };
  const servers = { usual: await open(false), half: await open(true) };
  const sockets = new Set<Duplex>();
  return {
    async pair({ half = false } = {}) {
      const server = half ? servers.half : servers.usual;
      const accepted = once(server, isTls ? "secureConnection" : "connection");
      const wire = net.connect({
        port: (server.address() as AddressInfo).port,
        host: "127.0.0.1",
        noDelay: true,
        allowHalfOpen: true,
      });
      const near = isTls ? tls.connect({ socket: wire, rejectUnauthorized: false }) : wire;
      // TLS takes a client's end for the end of both ways, unless an option allows half-open connections.
      near.allowHalfOpen = true;
      for (const socket of new Set([wire, near])) socket.on("error", () => {});
      const [far] = (await accepted) as [Duplex];
      for (const socket of [wire, far]) sockets.add(socket);
      return { near, wire, far };
    },
    close() {
      servers.usual.close();
      servers.half.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
