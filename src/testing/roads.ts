// In:    a gate.
// Out:   the roads by which clients come to a framer: adopted and guarded, over HTTP/1.1 and HTTP/2.
// Never: looks into the gate.

import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Gate } from "../gate.js";
import { http2 } from "../handover/node-modules.js";

/** A road to a framer. */
export interface FramerRoad {
  readonly name: string;
  readonly version: "HTTP/1.1" | "HTTP/2";
  /** Lets the gate adopt connections, or guard a server that accepts them. */
  open(gate: Gate): Promise<FramerRoadEnd>;
}

export interface FramerRoadEnd {
  /** A client's end of a new connection, on which nothing was sent; TLS, where the road has it, is done. */
  connect(): Promise<Duplex>;
  close(): Promise<void>;
}

async function listening(server: Server): Promise<FramerRoadEnd> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    async connect() {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      await once(socket, "connect");
      return socket;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

const adopting = (gate: Gate): Server => createServer((socket) => void gate.adopt(socket));

/** A gate that adopts sockets, and one that guards a server, over HTTP/1.1 and over HTTP/2 without TLS. */
export const framerRoads: readonly FramerRoad[] = [
  { name: "HTTP/1.1, adopted", version: "HTTP/1.1", open: (gate) => listening(adopting(gate)) },
  {
    name: "HTTP/1.1, guarded",
    version: "HTTP/1.1",
    open(gate) {
      const server = createHttpServer();
      gate.guard(server);
      return listening(server);
    },
  },
  { name: "HTTP/2, adopted", version: "HTTP/2", open: (gate) => listening(adopting(gate)) },
  {
    name: "HTTP/2, guarded",
    version: "HTTP/2",
    open(gate) {
      const server = http2().createServer({ settings: { enableConnectProtocol: true } });
      gate.guard(server);
      return listening(server);
    },
  },
];
