// In:    connections of HAProxy on GATE_PORT, 9000 by default, each beginning with a PROXY header: node dist/examples/haproxy/gate.js
// Out:   a page with what the gate knows about the client; a line for each connection that came to nothing.
// Never: serves a client that bypasses HAProxy.

import { createServer } from "node:net";
import { createGate, explain, NO_LISTEN_SERVER } from "headgate";

const gate = createGate({
  vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER }],
  trust: { from: ["127.0.0.1"], proxyProtocol: true },
  requests: (request, response) => {
    const { remoteAddress, remotePort, localPort, scheme, proxy } = gate.arrivalOf(request)!;
    const tls = proxy?.tls ? proxy.tls.version : null;
    const { alpn, authority } = proxy!;
    response.setHeader("Content-Type", "application/json");
    response.end(`${JSON.stringify({ remoteAddress, remotePort, localPort, scheme, tls, alpn, authority })}\n`);
  },
});
gate.on("refused", (decision) => console.log(decision.statusCode, explain(decision)));
gate.on("abandoned", (end) => console.log(explain(end)));

createServer((socket) => gate.adopt(socket)).listen(Number(process.env.GATE_PORT ?? 9000), "127.0.0.1");
