// Fastify 5 with @fastify/websocket, guarded. The lines that end with "// +", or are between two "// ++", are the gate's; they
// replace the one after "// -".

import { createServer } from "node:http"; // +
import webSockets from "@fastify/websocket";
import Fastify from "fastify";
import { createGate, localhost } from "headgate"; // +

// ++
const gate = createGate({ vhosts: localhost() });
const serverFactory = (handler) => {
  const server = createServer(handler);
  gate.guard(server);
  return server;
};
const app = Fastify({ serverFactory });
// ++
// - const app = Fastify();
app.addHook("onRequest", async (request) => console.log("handled", request.headers["user-agent"]));
await app.register(webSockets);
app.get("/", async () => "a page\n");
app.post("/api", async () => ({ done: true }));
app.get("/live", { websocket: true }, (webSocket) => {
  webSocket.on("message", (data) => webSocket.send(`echo: ${data}`));
});
await app.listen({ port: Number(process.env.PORT ?? 3000) });
