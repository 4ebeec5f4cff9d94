// In:    nothing; it plays both ends of a tunnel itself: node dist/examples/duplex.js
// Out:   one echoed message through the tunnel, what the gate knew of the client, and how the connection ended.
// Never: opens a port.

import { once } from "node:events";
import type { Socket } from "node:net";
import { duplexPair } from "node:stream";
import { createGate, explain, NO_LISTEN_SERVER } from "headgate";
import { wsFramer } from "headgate/ws";
import { WebSocket, WebSocketServer } from "ws";

const wss = new WebSocketServer({ noServer: true });
wss.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`echo: ${data}`)));

const gate = createGate({
  vhosts: [{ name: "device.example", port: NO_LISTEN_SERVER, requires: "https", upgrades: { "/live": wsFramer(wss) } }],
});
gate.on("handover", (decision) => console.log(explain(decision)));

// Octets that come by another road: a channel of SSH, a stream of a multiplexer, here a pair in memory. Such a stream knows
// nothing of its client; say what you know.
const [near, far] = duplexPair();
const end = gate.adopt(far, { arrival: { scheme: "https", remoteAddress: "198.51.100.7" } });

const webSocket = new WebSocket("ws://device.example/live", { createConnection: () => near as Socket });
await once(webSocket, "open");
webSocket.send("hello");
const [message] = await once(webSocket, "message");
console.log("the client:", String(message));
webSocket.close();
console.log((await end).kind);
