// In:    nothing; it plays the client itself: node dist/examples/http2.js
// Out:   a page, a refusal and a WebSocket, each on a stream of one connection.
// Never: needs a certificate; with TLS, only `http2: { cleartext: true }` is left out.

import { once } from "node:events";
import { connect } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { createGate, explain, NO_LISTEN_SERVER } from "headgate";
import { wsFramer } from "headgate/ws";
import { WebSocketServer } from "ws";

const wss = new WebSocketServer({ noServer: true });
wss.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`echo: ${data}`)));

const gate = createGate({
  vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER, upgrades: { "/live": wsFramer(wss) } }],
  requests: (request, response) => void response.end(`a page over HTTP/${request.httpVersion}`),
  http2: { cleartext: true },
});
gate.on("accepted", (decision) => console.log(explain(decision)));
gate.on("refused", (decision) => console.log(decision.statusCode, explain(decision)));

const door = createServer((socket) => gate.adopt(socket));
door.listen(0, "127.0.0.1");
await once(door, "listening");
const session = connect(`http://localhost:${(door.address() as AddressInfo).port}`);

for (const authority of ["localhost", "rebound.example"]) {
  const stream = session.request({ ":path": "/", ":authority": authority });
  const [octets] = await once(stream.setEncoding("latin1"), "data");
  console.log("the client:", String(octets).trim());
}

// A WebSocket opens by extended CONNECT (RFC 8441), as browsers do it, and speaks in frames, those of clients masked.
const stream = session.request(
  {
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":path": "/live",
    ":authority": "localhost",
    "sec-websocket-version": "13",
  },
  { endStream: false },
);
const [headers] = await once(stream, "response");
const masked = (opcode: number, text: string): Buffer =>
  Buffer.from([0x80 | opcode, 0x80 | text.length, 0, 0, 0, 0, ...Buffer.from(text)]);
stream.write(masked(1, "hello"));
const [frame] = await once(stream, "data");
console.log("the client:", headers[":status"], String(frame.subarray(2)));
stream.end(masked(8, ""));
stream.resume();
await once(stream, "close");

session.close();
door.close();
