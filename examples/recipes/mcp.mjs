// An MCP server over streamable HTTP, with the TypeScript SDK and Express, guarded. The lines that end with "// +" are the gate's.

import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";
import { createGate, explain, localhost } from "headgate"; // +

const app = express();
app.use((request, _response, next) => {
  console.log("handled", request.headers["user-agent"]);
  next();
});
app.get("/", (_request, response) => response.send("a page\n"));
app.post("/mcp", express.json(), async (request, response) => {
  const mcp = new McpServer({ name: "example", version: "1.0.0" });
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on("close", () => transport.close());
  await mcp.connect(transport);
  await transport.handleRequest(request, response, request.body);
});

const server = app.listen(Number(process.env.PORT ?? 3000));
const gate = createGate({ vhosts: localhost() }); // +
gate.guard(server); // +
gate.on("refused", (decision) => console.warn(explain(decision))); // +
