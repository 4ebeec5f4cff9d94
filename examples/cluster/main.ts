// In:    nothing; clients come to PORT, 8080 by default: node dist/examples/cluster/main.js
// Out:   WebSockets in two worker processes that share one listening server; a worker that ends is replaced; SIGTERM ends all.
// Never: accepts in the primary process.

import cluster from "node:cluster";
import { createServer } from "node:net";
import { createGate, explain, NO_LISTEN_SERVER } from "headgate";
import { wsFramer } from "headgate/ws";
import { WebSocketServer } from "ws";

if (cluster.isPrimary) {
  cluster.on("listening", (worker, { port }) => console.log(`worker ${worker.id} on ${port}`));
  cluster.on("exit", ({ exitedAfterDisconnect }) => exitedAfterDisconnect || cluster.fork());
  for (let i = 0; i < 2; i++) cluster.fork();
  process.once("SIGTERM", () => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill("SIGTERM");
  });
} else {
  const wss = new WebSocketServer({ noServer: true });
  wss.on("connection", (webSocket) => webSocket.send(`worker ${cluster.worker?.id}`));
  const gate = createGate({
    vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER, upgrades: { "*": wsFramer(wss) } }],
  });
  gate.on("refused", (decision) => console.log(decision.statusCode, explain(decision)));
  const door = createServer({ pauseOnConnect: true }, (socket) => gate.adopt(socket));
  door.listen(Number(process.env.PORT ?? 8080), "127.0.0.1");
  process.once("SIGTERM", () => {
    // Accepts no more, and leaves the cluster when all connections have ended, each in its own protocol.
    cluster.worker?.disconnect();
    void gate.drain({ signal: AbortSignal.timeout(10_000) });
  });
}
