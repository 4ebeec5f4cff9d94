// In:    nothing; it plays the clients itself, on a free port of the loopback interface: node dist/examples/guard.js
// Out:   what is served, what is refused and why; then the end of the process.
// Never: shows a check that the application would have to make.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createGate, explain, localhost } from "headgate";
import { wsFramer } from "headgate/ws";
import { WebSocket, WebSocketServer } from "ws";

const server = createServer((_request, response) => response.end("from the application"));
const wss = new WebSocketServer({ noServer: true });
wss.on("connection", (webSocket) => webSocket.send("from the WebSocket"));

const gate = createGate({ vhosts: localhost({ upgrades: { "/mcp": wsFramer(wss) } }) });
gate.guard(server); // every request and every upgrade, before any listener of the server
gate.on("refused", (decision) => console.log(explain(decision)));
gate.on("malformed", (end) => console.log(explain(end)));

server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;

// A program on this machine, a page whose host name was pointed at this machine, and a page of another site.
const foreign = { Host: "localhost", Origin: "https://evil.example" };
for (const headers of [{ Host: "localhost" }, { Host: "rebound.example" }, foreign]) {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}/mcp`, { headers });
  webSocket.on("message", (data) => webSocket.close(1000, String(data)));
  webSocket.on("error", (error) => console.log("got:", error.message));
  webSocket.on("close", (code, reason) => code === 1000 && console.log("got:", String(reason)));
  await new Promise((resolve) => webSocket.on("close", resolve));
}
console.log("got:", await (await fetch(`http://localhost:${port}/`)).text());

server.close();
server.closeAllConnections();
