// In:    SIGHUP, for the next version; SIGTERM, for the end; SERVICE, its module: node dist/examples/restart/parent.js
// Out:   one process that serves, and while it is replaced two.
// Never: closes the listening descriptor while it runs, or serves anything itself.

import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const { SERVICE = fileURLToPath(new URL("service.js", import.meta.url)) } = process.env;
cluster.setupPrimary({ exec: SERVICE });
cluster.on("exit", ({ process: { pid } }, code) => console.log(`${pid} ended ${code}`));

/** A process that listens: Node keeps the descriptor in this one, and gives each its connections. */
async function start(): Promise<Worker> {
  const worker = cluster.fork();
  await once(worker, "listening");
  console.log(`${worker.process.pid} serves`);
  return worker;
}

let current = start();
process.on("SIGHUP", () => {
  const previous = current;
  // A new process reads the module as it is now: the next version.
  current = start();
  current.then(async () => (await previous).process.kill("SIGTERM"));
});
process.once("SIGTERM", async () => (await current).process.kill("SIGTERM"));
