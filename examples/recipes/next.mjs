// A custom server of Next.js, guarded. The lines that end with "// +" are the gate's.

import { createServer } from "node:http";
import { createGate, explain, localhost } from "headgate"; // +
import next from "next";

const port = Number(process.env.PORT ?? 3000);
const app = next({ dev: true, dir: process.env.ROOT, hostname: "localhost", port });
await app.prepare();
const handle = app.getRequestHandler();
const server = createServer((request, response) => {
  console.log("handled", request.headers["user-agent"]);
  void handle(request, response);
});
server.on("upgrade", ({ headers }) => console.log("handled", headers["user-agent"]));

const gate = createGate({ vhosts: localhost() }); // +
gate.guard(server); // +
gate.on("refused", (decision) => console.warn(explain(decision))); // +
server.listen(port);
