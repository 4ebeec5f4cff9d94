// In:    a gate.
// Out:   a net.Server that accepts for it, and a client that sends octets and collects what comes back.
// Never: looks into the gate.

import type { Gate } from "#src/gate.js";
import type { ConnectionEnd } from "#src/outcome/end.js";
import { type Door, openDoor } from "./tcp.js";

export interface World {
  /** How each adopted connection ended, in the order of adoption. */
  readonly ends: Promise<ConnectionEnd>[];
  /** Sends octets; resolves with all that came back when the connection is closed. */
  send(octets: string | Buffer): Promise<string>;
  close(): Promise<void>;
}

/** Accepts on a loopback port, as some other program would, and lets `gate()` adopt. */
export async function openWorld(gate: () => Gate): Promise<World> {
  const ends: Promise<ConnectionEnd>[] = [];
  const door = await openDoor((socket) => ends.push(gate().adopt(socket).ended));
  return { ends, send: (octets) => exchange(door, octets), close: () => door.close() };
}

/** The same over any door. */
export async function exchange(door: Pick<Door, "connect">, octets: string | Buffer): Promise<string> {
  const client = await door.connect();
  // A 101 leaves the connection open; the client closes it when the server has spoken.
  client.stream.on("data", () => {
    if (client.received.toString("latin1").startsWith("HTTP/1.1 101 ")) client.stream.end();
  });
  await client.send(octets);
  await client.closed();
  return client.received.toString("latin1");
}

/** The status code of a response; 0 where there is none. */
export function statusOf(response: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(response)?.[1] ?? 0);
}

/** The field lines of a correct opening handshake, Host left out. */
export const handshakeFields =
  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
