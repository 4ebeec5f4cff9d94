// In:    a guarded server, octets of requests.
// Out:   the policy of the guard's tests, and what comes back for octets.
// Never: looks into the gate.

import type { GateOptions } from "#src/gate-options.js";
import type { Handover } from "#src/handover/framer.js";
import { LEAVE, NO_LISTEN } from "#src/policy/vhost.js";
import type { Guarded } from "./guarded.js";

/** Answers an opening handshake without speaking WebSocket, and ends. */
export const framed = ({ socket }: Handover): void => {
  socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  socket.resume();
};
export const gate: GateOptions = {
  vhosts: [
    { name: "a", upgrades: { "/live": framed, "/left": LEAVE } },
    { name: "taken", port: NO_LISTEN },
  ],
};
export const get = (target: string, host = "a", more = ""): string =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;

/** Sends octets; the status codes of all responses until the server closes, of which there is at least one. */
export async function statuses(world: Guarded, octets: string, methods: string[] = []): Promise<number[]> {
  const client = await world.connect();
  await client.send(octets);
  return (await client.all(methods)).map(({ statusCode }) => statusCode);
}
