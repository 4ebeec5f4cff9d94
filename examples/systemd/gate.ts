// In:    nothing.
// Out:   the gate of the other examples in this folder: an echo at /echo, for any Host port.
// Never: listens.

import { createGate, explain, type Gate, NO_LISTEN_SERVER } from "headgate";
import { wsFramer } from "headgate/ws";
import { WebSocketServer } from "ws";

export function echoGate(): Gate {
  const wss = new WebSocketServer({ noServer: true });
  wss.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`echo: ${data}`)));
  const gate = createGate({
    vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER, upgrades: { "/echo": wsFramer(wss) } }],
  });
  gate.on("refused", (decision) => console.error(decision.statusCode, explain(decision)));
  return gate;
}
