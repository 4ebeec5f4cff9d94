// socket.io 4, guarded. The lines that end with "// +" are the gate's.

import { createServer } from "node:http";
import { createGate, explain, localhost } from "headgate"; // +
import { Server } from "socket.io";

const server = createServer((request, response) => {
  console.log("handled", request.headers["user-agent"]);
  response.end("a page\n");
});
const io = new Server(server);
io.engine.on("connection", ({ request }) => console.log("handled", request.headers["user-agent"]));
io.on("connection", (socket) => socket.on("ask", (text) => socket.emit("answer", `echo: ${text}`)));

const gate = createGate({ vhosts: localhost() }); // +
gate.guard(server); // +
gate.on("refused", (decision) => console.warn(explain(decision))); // +
server.listen(Number(process.env.PORT ?? 3000));
