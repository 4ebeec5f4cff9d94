// In:    connections of nginx on GATE_PORTS, one for each way of nginx.conf: node dist/examples/nginx/gate.js
// Out:   a page with what the gate knows about its client, an echo at /echo; a line for each connection that came to nothing.
// Never: believes anything but nginx.

import { createServer } from "node:net";
import { createGate, explain, type TrustRules } from "headgate";
import { wsFramer } from "headgate/ws";
import { WebSocketServer } from "ws";

const numbers = (text: string): number[] => text.split(",").map(Number);
const gatePorts = numbers(process.env.GATE_PORTS ?? "9000,9001,9002");
/** The ports that clients connect to and write into Host: nginx listens there, not the gate. */
const publicPorts = numbers(process.env.PUBLIC_PORTS ?? "8080,8443,8081,8082");

const echo = new WebSocketServer({ noServer: true });
echo.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`echo: ${data}`)));

const ways: Omit<TrustRules, "from">[] = [
  { forwarded: "rfc7239" },
  // Only these: nginx sets each of them, and a field that it does not set comes from the client.
  { forwarded: ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port"] },
  { proxyProtocol: true },
];

for (const [i, way] of ways.entries()) {
  const gate = createGate({
    vhosts: [{ name: "localhost", port: publicPorts, upgrades: { "/echo": wsFramer(echo) } }],
    trust: { from: ["127.0.0.1"], ...way },
    requests: (request, response) => {
      const decision = gate.decisionOf(request)!;
      const { remoteAddress, scheme } = decision.arrival;
      const seen = { client: remoteAddress, scheme, port: decision.port, explanation: explain(decision) };
      response.setHeader("Content-Type", "application/json");
      response.end(`${JSON.stringify(seen, null, 2)}\n`);
    },
  });
  gate.on("refused", (decision) => console.log(decision.statusCode, explain(decision)));
  gate.on("malformed", ({ fault }) => console.log(fault.statusCode, explain(fault)));
  gate.on("abandoned", (end) => console.log(explain(end)));
  createServer((socket) => gate.adopt(socket)).listen(gatePorts[i], "127.0.0.1");
}
