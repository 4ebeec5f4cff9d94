// In:    the port to listen on, and a gate.
// Out:   connections from the outside, each given to the gate as it came.
// Never: reads an octet, or knows what the gate does with a socket.

import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { Gate } from "headgate";

/** The outside world: the part that listens. In production it is systemd, a load balancer or another process. */
export interface World {
  readonly port: number;
  /** Gives every connection to the gate. Called at once: until then nothing takes them. */
  giveTo(gate: Gate): void;
  /** Stops listening; resolves when every connection has ended, which is up to the gate. */
  close(): Promise<void>;
}

/** Listens on the loopback interface; 0 is any free port. Rejects with the error of listen(2). */
export async function openWorld(port: number): Promise<World> {
  // Paused, so that not one octet is read before the gate owns the socket.
  const server = createServer({ pauseOnConnect: true, noDelay: true });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    giveTo(gate: Gate): void {
      server.on("connection", (socket) => gate.adopt(socket));
    },
    async close(): Promise<void> {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}
