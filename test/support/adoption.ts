// In:    upgrades of a gate, a manner of accepting.
// Out:   that gate; both ends of a connection for it, an opening handshake and frames, an echo.
// Never: looks into the gate.

import { once } from "node:events";
import net from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { handshakeFields } from "./world.js";

export const handshake = `GET /chat HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`;
/** A masked text frame with the text "hi", and one that closes with 1000 (RFC 6455 §5.7, §5.5.1). */
export const HI = Uint8Array.of(0x81, 0x82, 1, 2, 3, 4, 0x68 ^ 1, 0x69 ^ 2);
export const BYE = Uint8Array.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8);

export const echo = (options: { clientTracking?: boolean } = {}): WebSocketServer =>
  new WebSocketServer({ noServer: true, ...options }).on("connection", (webSocket) => {
    webSocket.on("message", (data, isBinary) => webSocket.send(data, { binary: isBinary }));
  });

export function gateWith(framer: GateOptions["vhosts"][0]["upgrades"], more: Partial<GateOptions> = {}): Gate {
  return createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: framer! }], ...more });
}

/** Two ends of one connection, the far end accepted by a plain server in the given manner. */
export async function pair(options: net.ServerOpts = {}): Promise<{ near: net.Socket; far: net.Socket }> {
  const server = net.createServer(options).listen(0, "127.0.0.1");
  await once(server, "listening");
  const near = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  near.on("error", () => {});
  const [far] = (await once(server, "connection")) as [net.Socket];
  server.close();
  return { near, far };
}

export async function collect(socket: Duplex): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  await once(socket, "close");
  return text;
}

export const listeners = (socket: Duplex): Record<string, number> =>
  Object.fromEntries(socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]));
