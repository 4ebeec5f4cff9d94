// In:    connections of HAProxy on GATE_PORT, 9000 by default: a PROXY header, then the client's TLS; a key and a certificate in CERTIFICATE.
// Out:   a page with what the gate knows about the client, over HTTP/2 or HTTP/1.1, as the client and the gate have agreed.
// Never: serves a client that bypasses HAProxy, or lets HAProxy read the traffic.

import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createGate, explain, NO_LISTEN_SERVER } from "headgate";

const pem = readFileSync(process.env.CERTIFICATE ?? "/etc/haproxy/site.pem");
const gate = createGate({
  vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER, requires: "https" }],
  trust: { from: ["127.0.0.1"], proxyProtocol: true },
  tls: { localhost: { key: pem, cert: pem } },
  requests: (request, response) => {
    const { remoteAddress, remotePort, localPort, scheme, schemeSource, serverName } = gate.arrivalOf(request)!;
    response.setHeader("Content-Type", "application/json");
    const { httpVersion } = request;
    const known = { remoteAddress, remotePort, localPort, scheme, schemeSource, serverName, httpVersion };
    response.end(`${JSON.stringify(known)}\n`);
  },
});
gate.on("refused", (decision) => console.log(decision.statusCode, explain(decision)));
gate.on("abandoned", (end) => console.log(explain(end)));

createServer((socket) => gate.adopt(socket)).listen(Number(process.env.GATE_PORT ?? 9000), "127.0.0.1");
