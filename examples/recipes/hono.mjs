// Hono on Node, with ws, guarded. The lines that end with "// +" are the gate's.

import { serve } from "@hono/node-server";
import { createGate, explain, localhost } from "headgate"; // +
import { Hono } from "hono";
import { WebSocketServer } from "ws";

const app = new Hono();
app.use((context, next) => {
  console.log("handled", context.req.header("user-agent"));
  return next();
});
app.get("/", (context) => context.text("a page\n"));
app.post("/api", (context) => context.json({ done: true }));

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) });
const wss = new WebSocketServer({ server, path: "/live" });
wss.on("connection", (webSocket, request) => {
  console.log("handled", request.headers["user-agent"]);
  webSocket.on("message", (data) => webSocket.send(`echo: ${data}`));
});

const gate = createGate({ vhosts: localhost() }); // +
gate.guard(server); // +
gate.on("refused", (decision) => console.warn(explain(decision))); // +
