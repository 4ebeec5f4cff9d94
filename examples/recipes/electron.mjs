// The server in an Electron application, whose window has a page of the application's own scheme: protocol.handle("app", ...) and
// loadURL("app://main/"); guarded. The lines that end with "// +" are the gate's.

import { createServer } from "node:http";
import { createGate, explain, localhost } from "headgate"; // +
import { WebSocketServer } from "ws";

const page = "app://main";
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

const gate = createGate({ vhosts: localhost({ origins: [page] }) }); // +
gate.guard(server); // +
gate.on("refused", (decision) => console.warn(explain(decision))); // +
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
