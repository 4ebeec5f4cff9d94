// In:    clients on PORT, 8443 by default; a key and a certificate for each name in the folder CERTIFICATES: node dist/examples/tls/gate.js
// Out:   a page for each name, over TLS that the gate speaks; certificates are read again at each SIGHUP.
// Never: serves one name over a connection that was opened for another.

import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createGate, explain, NO_LISTEN_SERVER } from "headgate";

const folder = process.env.CERTIFICATES ?? "/etc/headgate";
const names = ["a.example.com", "b.example.com"];
const read = (name: string) => ({
  key: readFileSync(join(folder, `${name}.key`)),
  cert: readFileSync(join(folder, `${name}.crt`)),
});

const gate = createGate({
  vhosts: names.map((name) => ({ name, port: NO_LISTEN_SERVER, requires: "https" })),
  tls: Object.fromEntries(names.map((name) => [name, read(name)])),
  requests: (request, response) => {
    const { authority, arrival } = gate.decisionOf(request)!;
    const { serverName, alpnProtocol } = arrival;
    response.end(`${authority} by TLS for ${serverName}, ${alpnProtocol ?? "without ALPN"}\n`);
  },
});
gate.on("refused", (decision) => console.log(decision.statusCode, explain(decision)));
gate.on("abandoned", (end) => console.log(explain(end)));

process.on("SIGHUP", () => {
  for (const name of names) gate.renew(name, read(name));
  console.log("certificates renewed");
});
createServer((socket) => gate.adopt(socket)).listen(Number(process.env.PORT ?? 8443));
