// In:    a WebSocketServer of npm ws on a server of node:http, which one line guards.
// Out:   whether its own clients work, and those of a foreign page or of a rebound name are refused.
// Never: gives the gate a framer.

import { once } from "node:events";
import { createServer } from "node:http";
import { createGate, localhost } from "headgate";
import * as assert from "uvu/assert";
import { WebSocket, WebSocketServer } from "ws";
import { suite } from "../support/suite.js";
import { knock, listening, refusals } from "./knock.js";

const test = suite("frameworks: ws with { server }");

for (const order of ["before", "after"] as const) {
  test(`the guard comes ${order} the WebSocketServer`, async () => {
    const server = createServer((_request, response) => response.end("page"));
    const gate = createGate({ vhosts: localhost() });
    const said = refusals(gate);
    if (order === "before") gate.guard(server);
    const wss = new WebSocketServer({ server, path: "/chat" });
    wss.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`echo: ${data}`)));
    if (order === "after") gate.guard(server);
    const port = await listening(server);

    const webSocket = new WebSocket(`ws://127.0.0.1:${port}/chat`, { origin: `http://127.0.0.1:${port}` });
    await once(webSocket, "open");
    webSocket.send("hello");
    assert.is(String((await once(webSocket, "message"))[0]), "echo: hello");
    webSocket.close();
    await once(webSocket, "close");
    await knock(port, "/chat", said);
    wss.close();
    server.close();
    server.closeAllConnections();
  });
}
