// A guarded server whose path /metrics has the metrics of its gate, by npm prom-client: node examples/prom-client.mjs

import { createServer } from "node:http";
import { createGate, explain, localhost } from "headgate";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Adds the metrics of a gate to a registry: counts and gauges are read when they are asked for. */
export function register(gate, registry) {
  const registers = [registry];
  const each = (set, values, name) => {
    for (const [key, value] of Object.entries(values)) set({ [name]: key }, value);
  };
  new Gauge({
    name: "headgate_open",
    help: "1 while the gate takes everything, 0 from the beginning of a drain on",
    registers,
    collect() {
      this.set(gate.state === "open" ? 1 : 0);
    },
  });
  new Gauge({
    name: "headgate_connections",
    help: "Connections at this moment, by what happens to them",
    labelNames: ["kind"],
    registers,
    collect() {
      each((labels, value) => this.set(labels, value), gate.metrics().gauges, "kind");
    },
  });
  new Counter({
    name: "headgate_adopted_total",
    help: "Connections that the gate has adopted",
    registers,
    collect() {
      this.reset();
      this.inc(gate.metrics().adopted);
    },
  });
  for (const [outcome, help] of Object.entries({
    refused: "Requests that were refused",
    reported: "Requests that report mode let through",
    malformed: "Malformed heads",
    abandoned: "Connections that were given up",
    lost: "Connections that were lost with a child process",
  })) {
    new Counter({
      name: `headgate_${outcome}_total`,
      help,
      labelNames: ["code"],
      registers,
      collect() {
        this.reset();
        each((labels, value) => this.inc(labels, value), gate.counts[outcome], "code");
      },
    });
  }
  const seconds = new Histogram({
    name: "headgate_duration_seconds",
    help: "How long heads, authorize and handovers took",
    labelNames: ["stage"],
    buckets: gate.metrics().durations.head.bounds.map((milliseconds) => milliseconds / 1000),
    registers,
  });
  gate.on("timed", ({ stage, milliseconds }) => seconds.observe({ stage }, milliseconds / 1000));
}

const registry = new Registry();
const server = createServer(async (request, response) => {
  if (request.url !== "/metrics") response.end("a page\n");
  else response.setHeader("Content-Type", registry.contentType).end(await registry.metrics());
});
const gate = createGate({ vhosts: localhost() });
register(gate, registry);
gate.guard(server);
gate.on("refused", (decision) => console.warn(explain(decision)));
server.listen(Number(process.env.PORT ?? 3000));
