// In:    a gate.
// Out:   a net.Server that accepts for it, and a client that sends octets and collects what comes back.
// Never: looks into the gate.

import { once } from "node:events";
import net from "node:net";
import type { Gate } from "#src/gate.js";
import type { End } from "#src/intake/adoption.js";

export interface World {
  readonly port: number;
  /** How each adopted connection ended, in the order of adoption. */
  readonly ends: Promise<End>[];
  /** Sends octets; resolves with all that came back when the connection is closed. */
  send(octets: string | Uint8Array): Promise<string>;
  close(): Promise<void>;
}

/** Accepts on a loopback port, as some other program would, and lets `gate()` adopt. */
export async function openWorld(gate: () => Gate): Promise<World> {
  const ends: Promise<End>[] = [];
  const server = net.createServer({ pauseOnConnect: true }, (socket) => {
    ends.push(gate().adopt(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  return {
    port,
    ends,
    send: (octets) => exchange(port, octets),
    async close() {
      server.close();
      await once(server, "close");
    },
  };
}

async function exchange(port: number, octets: string | Uint8Array): Promise<string> {
  const socket = net.connect(port, "127.0.0.1");
  const received: Buffer[] = [];
  socket.on("data", (chunk) => received.push(chunk));
  socket.on("error", () => {});
  socket.write(typeof octets === "string" ? Buffer.from(octets, "latin1") : octets);
  // A 101 leaves the connection open; the client closes it when the server has spoken.
  socket.on("data", () => {
    if (Buffer.concat(received).toString("latin1").startsWith("HTTP/1.1 101 ")) socket.destroySoon();
  });
  await once(socket, "close");
  return Buffer.concat(received).toString("latin1");
}

/** The status code of a response; 0 where there is none. */
export function statusOf(response: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(response)?.[1] ?? 0);
}

/** The field lines of a correct opening handshake, Host left out. */
export const handshakeFields =
  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
