// In:    socket.io on a server of node:http, which one line guards, and its own client.
// Out:   whether polling, WebSockets and the change from one to the other work, and strangers are refused.
// Never: gives the gate a framer.

import { once } from "node:events";
import { createServer } from "node:http";
import { createGate, localhost } from "headgate";
import * as assert from "uvu/assert";
import { suite } from "../support/suite.js";
import { until } from "../support/until.js";
import { knock, listening, load, refusals } from "./knock.js";

const test = suite("frameworks: socket.io");

for (const order of ["before", "after"] as const) {
  test(`the guard comes ${order} socket.io`, async () => {
    const server = createServer((_request, response) => response.end("page"));
    const gate = createGate({ vhosts: localhost() });
    const said = refusals(gate);
    if (order === "before") gate.guard(server);
    const io = new (load("socket.io").Server)(server);
    io.on("connection", (socket: { on(event: string, listener: (text: string) => void): void; emit: Emit }) => {
      socket.on("ask", (text) => socket.emit("answer", `echo: ${text}`));
    });
    if (order === "after") gate.guard(server);
    const port = await listening(server);

    const { io: connect } = load("socket.io", "socket.io-client");
    for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
      const client = connect(`http://localhost:${port}`, { transports, forceNew: true, reconnection: false });
      await new Promise((resolve, reject) => client.on("connect", resolve).on("connect_error", reject));
      await until(() => client.io.engine.transport.name === transports.at(-1), `${transports}`);
      client.emit("ask", transports.join());
      assert.equal(await once(client, "answer"), [`echo: ${transports}`]);
      client.disconnect();
    }
    assert.equal(said, []);
    await knock(port, "/socket.io/?EIO=4&transport=websocket", said);
    await io.close();
  });
}

type Emit = (event: string, text: string) => void;
