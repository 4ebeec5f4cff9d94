// In:    nothing; it plays the clients itself, on a free port of the loopback interface: node dist/examples/adopt.js
// Out:   one echoed message, one refusal with its explanation, then the end of the process.
// Never: lets the gate listen; the server below does, and it could be any other program.

import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { createGate, explain, NO_LISTEN_SERVER } from "headgate";
import { wsFramer } from "headgate/ws";
import { WebSocket, WebSocketServer } from "ws";

const wss = new WebSocketServer({ noServer: true });
wss.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`echo: ${data}`)));

const gate = createGate({
  scheme: "https", // what clients speak; TLS ends before this process
  vhosts: [
    { name: "live.example.com", port: NO_LISTEN_SERVER, upgrades: { "/live": wsFramer(wss) } },
    { name: "chat.example.com", port: 443, upgrades: { "/live": wsFramer(wss) } },
  ],
});
gate.on("refused", (decision) => console.log(decision.statusCode, explain(decision)));

// What accepts the connections: here a server; it could also be systemd, a proxy or a parent process.
const door = createServer({ pauseOnConnect: true }, (socket) => gate.adopt(socket));
door.listen(0, "127.0.0.1");
await once(door, "listening");
const { port } = door.address() as AddressInfo;

// Two clients of one port: the first vhost accepts any port in Host, the second only 443.
const knock = (host: string) => new WebSocket(`ws://127.0.0.1:${port}/live`, { headers: { Host: host } });

const welcome = knock("live.example.com:8080");
await once(welcome, "open");
welcome.send("hello");
const [message] = await once(welcome, "message");
console.log(String(message));
welcome.close();

const refused = knock("chat.example.com:8080");
const [error] = await once(refused, "error");
console.log("the client:", error.message);

door.close();
