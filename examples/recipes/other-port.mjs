// A page on another port, such as a development server's, that calls this API and opens its WebSockets; guarded. The lines that end
// with "// +" are the gate's.

import { createServer } from "node:http";
import { createGate, explain, localhost } from "headgate"; // +
import { WebSocketServer } from "ws";

const page = `http://localhost:${process.env.PAGE_PORT ?? 5173}`;
const server = createServer((request, response) => {
  console.log("handled", request.headers["user-agent"]);
  response.setHeader("Access-Control-Allow-Origin", page);
  if (request.method === "OPTIONS") response.setHeader("Access-Control-Allow-Headers", "content-type");
  response.end("a page\n");
});
const wss = new WebSocketServer({ server, path: "/live" });
wss.on("connection", (webSocket, request) => {
  console.log("handled", request.headers["user-agent"]);
  webSocket.on("message", (data) => webSocket.send(`echo: ${data}`));
});

const gate = createGate({ vhosts: localhost({ origins: ["same-authority", page] }) }); // +
gate.guard(server); // +
gate.on("refused", (decision) => console.warn(explain(decision))); // +
server.listen(Number(process.env.PORT ?? 3000));
