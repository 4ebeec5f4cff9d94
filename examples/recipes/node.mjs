// node:http and ws, guarded. The lines that end with "// +" are the gate's.

import { createServer } from "node:http";
import { createGate, explain, localhost } from "headgate"; // +
import { WebSocketServer } from "ws";

const server = createServer((request, response) => {
  console.log("handled", request.headers["user-agent"]);
  response.end("a page\n");
});
const wss = new WebSocketServer({ server, path: "/live" });
wss.on("connection", (webSocket, request) => {
  console.log("handled", request.headers["user-agent"]);
  webSocket.on("message", (data) => webSocket.send(`echo: ${data}`));
});

const gate = createGate({ vhosts: localhost() }); // +
gate.guard(server); // +
gate.on("refused", (decision) => console.warn(explain(decision))); // +
server.listen(Number(process.env.PORT ?? 3000));
