// In:    as service.ts: node dist/examples/restart/guarded.js
// Out:   the same of an http.Server that a gate guards.
// Never: accepts once it is told to stop, if the descriptor has another owner.

import cluster from "node:cluster";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createGate } from "headgate";
import { stopAccepting, systemdDescriptors } from "headgate/intake";
import { wsFramer } from "headgate/ws";
import { WebSocketServer } from "ws";

const { LISTEN_FDS, NOTICE = 1000, PORT = 8080, SPREAD = 1000 } = process.env;
/** Another process will accept what this one does not. */
const isKept = LISTEN_FDS !== undefined || cluster.isWorker;

const wss = new WebSocketServer({ noServer: true });
wss.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`${data}`)));

let isReady = true;
const server = createServer((request, response) => {
  if (request.url === "/ready" && !isReady) response.statusCode = 503;
  response.end(`${process.pid}`);
});
const gate = createGate({ vhosts: [{ name: "localhost", port: "any", upgrades: { "/echo": wsFramer(wss) } }] });
gate.on("refused", ({ code }) => console.log(`${process.pid} refused ${code}`));
gate.guard(server);
server.listen(
  LISTEN_FDS === undefined ? { port: Number(PORT), host: "127.0.0.1" } : { fd: systemdDescriptors()[0]!.fd },
);

process.once("SIGTERM", async () => {
  isReady = false;
  if (isKept) stopAccepting(server);
  // In this time everything is still served: connections that were accepted before send their heads, and a balancer asks for /ready.
  await sleep(Number(NOTICE));
  if (!isKept) stopAccepting(server);
  const counts = await gate.drain({ signal: AbortSignal.timeout(20_000), spread: Number(SPREAD) });
  console.log(`${process.pid} drained ${JSON.stringify(counts)}`);
  cluster.worker?.disconnect();
});
