// In:    the adapter of npm crossws for Node, and the WebSocketServer that it was made with: crossws({ hooks, wss }).
// Out:   a framer, whose WebSockets are peers of crossws; test/testing.test.ts runs the contract of framers on it.
// Never: uses a private member of either.

import type { Duplex } from "node:stream";
import type { NodeAdapter } from "crossws/adapters/node";
import type { WebSocket, WebSocketServer } from "ws";
import type { Framer } from "#src/handover/framer.js";
import { UpgradeRequest } from "#src/handover/ws.js";

export function crosswsFramer(adapter: NodeAdapter, wss: WebSocketServer): Framer {
  const open = new Map<Duplex, WebSocket>();
  wss.on("connection", (webSocket, { socket }) => {
    open.set(socket, webSocket);
    webSocket.on("close", () => open.delete(socket));
  });
  return {
    async take(handover) {
      const { decision, rest, socket } = handover;
      const request = new UpgradeRequest(decision, socket);
      await adapter.handleUpgrade(request as never, socket, Buffer.from(rest));
      socket.resume();
      const webSocket = open.get(socket);
      if (webSocket !== undefined) handover.associate(webSocket);
    },
    drain: (socket, code) => void open.get(socket)?.close(code),
    async close(code, signal) {
      const closed = [...open.values()].map((each) => new Promise((resolve) => each.once("close", resolve)));
      const cut = (): void => adapter.closeAll(code, undefined, true);
      signal?.addEventListener("abort", cut, { once: true });
      adapter.closeAll(code);
      if (signal?.aborted) cut();
      await Promise.all(closed);
    },
  };
}
