// In:    sockets of parent.ts, and the name that this process serves.
// Out:   an echo for each WebSocket; a line for each request.
// Never: listens.

import { createGate, explain, NO_LISTEN_SERVER } from "headgate";
import { receiveSockets } from "headgate/intake";
import { wsFramer } from "headgate/ws";
import { WebSocketServer } from "ws";

const name = process.argv[2]!;
const wss = new WebSocketServer({ noServer: true });
wss.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`${name}: ${data}`)));

// The head comes along, and this gate rules on it again, and on every later one of the connection.
const gate = createGate({
  vhosts: [{ name, port: NO_LISTEN_SERVER, upgrades: { "*": wsFramer(wss) } }],
  requests: (request, response) => response.end(`${name}: ${request.method} ${request.url}\n`),
});
gate.on("refused", (decision) => console.log(decision.statusCode, explain(decision)));
for await (const { socket, rest, arrival } of receiveSockets(process)) gate.adopt(socket, { rest, arrival });
