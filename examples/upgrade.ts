// In:    nothing; it plays the client itself: node dist/examples/upgrade.js
// Out:   one echoed message, one refusal with its explanation, a page that the server served by itself.
// Never: rules on requests that are not upgrades; guard.ts does.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createGate, explain, NO_LISTEN_SERVER } from "headgate";
import { wsFramer } from "headgate/ws";
import { WebSocket, WebSocketServer } from "ws";

const wss = new WebSocketServer({ noServer: true });
wss.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`echo: ${data}`)));

const gate = createGate({
  vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER, upgrades: { "/live": wsFramer(wss) } }],
});
gate.on("refused", (decision) => console.log(decision.statusCode, explain(decision)));

const server = createServer((_request, response) => response.end("not ruled on"));
server.on("upgrade", ({ method, url, httpVersion, rawHeaders }, socket, rest) => {
  // Node has read the head. Written out again, followed by the bytes after it, it is the `rest` of the socket.
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  gate.adopt(socket, { rest: Buffer.concat([Buffer.from(`${head}\r\n`, "latin1"), rest]) });
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;

const webSocket = new WebSocket(`ws://127.0.0.1:${port}/live`, { headers: { Host: "localhost" } });
await once(webSocket, "open");
webSocket.send("hello");
const [message] = await once(webSocket, "message");
console.log("the client:", String(message));
webSocket.close();

const foreign = new WebSocket(`ws://127.0.0.1:${port}/live`, { headers: { Host: "rebound.example" } });
const [error] = await once(foreign, "error");
console.log("the client:", error.message);
console.log("the client:", await (await fetch(`http://127.0.0.1:${port}/`)).text());

server.close();
server.closeAllConnections();
