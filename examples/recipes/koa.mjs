// Koa 3 with ws, guarded. The lines that end with "// +" are the gate's.

import { createGate, explain, localhost } from "headgate"; // +
import Koa from "koa";
import { WebSocketServer } from "ws";

const app = new Koa();
app.use((context) => {
  console.log("handled", context.headers["user-agent"]);
  context.body = "a page\n";
});

const server = app.listen(Number(process.env.PORT ?? 3000));
const wss = new WebSocketServer({ server, path: "/live" });
wss.on("connection", (webSocket, request) => {
  console.log("handled", request.headers["user-agent"]);
  webSocket.on("message", (data) => webSocket.send(`echo: ${data}`));
});

const gate = createGate({ vhosts: localhost() }); // +
gate.guard(server); // +
gate.on("refused", (decision) => console.warn(explain(decision))); // +
