// Express 5 with ws, guarded. The lines that end with "// +" are the gate's.

import express from "express";
import { createGate, explain, localhost } from "headgate"; // +
import { WebSocketServer } from "ws";

const app = express();
app.use((request, _response, next) => {
  console.log("handled", request.headers["user-agent"]);
  next();
});
app.get("/", (_request, response) => response.send("a page\n"));
app.post("/api", (_request, response) => response.json({ done: true }));

const server = app.listen(Number(process.env.PORT ?? 3000));
const wss = new WebSocketServer({ server, path: "/live" });
wss.on("connection", (webSocket, request) => {
  console.log("handled", request.headers["user-agent"]);
  webSocket.on("message", (data) => webSocket.send(`echo: ${data}`));
});

const gate = createGate({ vhosts: localhost() }); // +
gate.guard(server); // +
gate.on("refused", (decision) => console.warn(explain(decision))); // +
