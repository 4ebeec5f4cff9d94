// In:    a listening descriptor of systemd or of parent.ts, or PORT, 8080 by default, behind HAProxy: node dist/examples/restart/service.js
// Out:   its process id for each request, an echo of each message at /echo; after SIGTERM, the end of this process and no lost connection.
// Never: accepts once it is told to stop, if the descriptor has another owner.

import cluster from "node:cluster";
import { createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createGate, NO_LISTEN_SERVER } from "headgate";
import { stopAccepting, systemdListeners } from "headgate/intake";
import { wsFramer } from "headgate/ws";
import { WebSocketServer } from "ws";

const { LISTEN_FDS, NOTICE = 1000, PORT = 8080, SPREAD = 1000 } = process.env;
/** Another process will accept what this one does not. */
const isKept = LISTEN_FDS !== undefined || cluster.isWorker;

const wss = new WebSocketServer({ noServer: true });
wss.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`${data}`)));

let isReady = true;
const gate = createGate({
  vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER, upgrades: { "/echo": wsFramer(wss) } }],
  requests: (request, response) => {
    if (request.url === "/ready" && !isReady) response.statusCode = 503;
    response.end(`${process.pid}`);
  },
  http2: { cleartext: true },
});
gate.on("refused", ({ code }) => console.log(`${process.pid} refused ${code}`));

const adopt = (socket: Socket): void => void gate.adopt(socket);
const servers =
  LISTEN_FDS === undefined
    ? [createServer({ pauseOnConnect: true }, adopt).listen(Number(PORT), "127.0.0.1")]
    : systemdListeners(adopt).map(({ server }) => server);

process.once("SIGTERM", async () => {
  isReady = false;
  if (isKept) for (const server of servers) stopAccepting(server);
  // In this time everything is still served: connections that were accepted before send their heads, and a balancer asks for /ready.
  await sleep(Number(NOTICE));
  if (!isKept) for (const server of servers) stopAccepting(server);
  const counts = await gate.drain({ signal: AbortSignal.timeout(20_000), spread: Number(SPREAD) });
  console.log(`${process.pid} drained ${JSON.stringify(counts)}`);
  // Its parent has by then heard that it no longer listens, and gives it no connection.
  cluster.worker?.disconnect();
});
