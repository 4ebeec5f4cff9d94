// In:    nothing; the gate and its client are made here: node dist/examples/metrics.js
// Out:   the metrics of the gate, in the text format of Prometheus.
// Never: needs a package.

import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { createGate, type Gate, NO_LISTEN_SERVER } from "headgate";

/** Counters by code, then gauges, then the state: 1 for the current one. */
export function prometheus(gate: Gate): string {
  const { adopted, counts, gauges, state } = gate.metrics();
  const lines = ["# TYPE headgate_adopted_total counter", `headgate_adopted_total ${adopted}`];
  for (const [name, codes] of Object.entries(counts)) {
    lines.push(`# TYPE headgate_${name}_total counter`);
    for (const [code, count] of Object.entries(codes)) lines.push(`headgate_${name}_total{code="${code}"} ${count}`);
  }
  for (const [name, value] of Object.entries(gauges)) {
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    lines.push(`# TYPE headgate_${snake} gauge`, `headgate_${snake} ${value}`);
  }
  lines.push("# TYPE headgate_state gauge");
  for (const each of ["open", "draining", "drained"]) {
    lines.push(`headgate_state{state="${each}"} ${each === state ? 1 : 0}`);
  }
  return `${lines.join("\n")}\n`;
}

const gate = createGate({
  vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER }],
  requests: (_request, response) => void response.end(prometheus(gate)),
});
gate.on("refused", () => {});
const server = createServer((socket) => void gate.adopt(socket)).listen(0, "127.0.0.1");
await once(server, "listening");
for (const host of ["evil.example", "localhost"]) {
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.write(`GET /metrics HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  let text = "";
  for await (const octets of client) text += String(octets);
  if (host === "localhost") console.log(text.slice(text.indexOf("# TYPE")));
}
server.close();
await gate.drain();
