// In:    connections of a balancer on PORT, 9000 by default, with its health checks; SIGTERM: node dist/examples/scale/gate.js
// Out:   a page with what the gate knows about its client, an echo at /live; after SIGTERM a drain, and its counts.
// Never: believes a peer that is not in TRUSTED, or closes a connection before the balancer can know.

import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createGate, explain, NO_LISTEN_SERVER, type TrustRules } from "headgate";
import { wsFramer } from "headgate/ws";
import { WebSocketServer } from "ws";

const { NAME = "gate", ADDRESS = "127.0.0.1", PORT = "9000", TRUST = "proxy", TRUSTED = "127.0.0.1" } = process.env;
/** Milliseconds, from seconds: until the balancer has noticed; over which WebSockets are closed; for all of the drain. */
const [notice, spread, deadline] = [
  Number(process.env.NOTICE ?? 5) * 1000,
  Number(process.env.SPREAD ?? 5) * 1000,
  Number(process.env.DEADLINE ?? 20) * 1000,
] as const;

/** How the balancer names its clients. */
const ways: Record<string, Omit<TrustRules, "from">> = {
  proxy: { proxyProtocol: true },
  forwarded: { forwarded: "rfc7239" },
  "x-forwarded": { forwarded: ["X-Forwarded-For", "X-Forwarded-Proto"] },
};

const wss = new WebSocketServer({ noServer: true });
wss.on("connection", (webSocket) => {
  webSocket.send(NAME);
  webSocket.on("message", (data) => webSocket.send(`${data}`));
});

let isLeaving = false;

const server = createHttpServer(async (request, response) => {
  const { arrival, vhost } = gate.decisionOf(request)!;
  if (vhost?.name === "health.internal") {
    // HAProxy reads 404 as "no new connections" (disable-on-404), Kubernetes as "not ready".
    const isReady = request.url === "/readyz" && !isLeaving && gate.state === "open";
    response.writeHead(isReady || request.url === "/livez" ? 200 : 404).end();
    return;
  }
  if (request.url!.startsWith("/slow")) await sleep(1000);
  response.setHeader("Content-Type", "application/json");
  response.end(`${JSON.stringify({ name: NAME, client: arrival.remoteAddress, scheme: arrival.scheme })}\n`);
});
// Longer than the balancer keeps an unused connection: whichever side closes first must not be this one.
server.keepAliveTimeout = 75_000;

const gate = createGate({
  // For a balancer that ends TLS and cannot state it: SCHEME=https.
  ...(process.env.SCHEME === "https" && { scheme: "https" as const }),
  vhosts: [
    // The port that clients use. What PORT is does not matter here: the gate did not accept for them.
    { name: "app.example.com", port: 443, requires: "https", upgrades: { "/live": wsFramer(wss) } },
    // Health checks come without TLS, and name no public host.
    { name: "health.internal", port: NO_LISTEN_SERVER, upgrades: {} },
  ],
  trust: { from: TRUSTED.split(","), ...ways[TRUST]! },
  http2: { cleartext: true },
  requests: server,
});
gate.on("refused", (decision) => console.log(NAME, decision.statusCode, explain(decision)));
gate.on("malformed", ({ fault }) => console.log(NAME, fault.statusCode, explain(fault)));
gate.on("abandoned", (end) => console.log(NAME, explain(end)));

const door = createServer((socket) => gate.adopt(socket)).listen(Number(PORT), ADDRESS);

process.once("SIGTERM", async () => {
  isLeaving = true;
  // Health checks see it, and new connections go elsewhere. Where nothing checks, a closed port is the notice.
  if (process.env.CHECKS === "none") door.close();
  // Meanwhile all is served as before, also an upgrade on a connection that was accepted just now.
  await sleep(notice);
  const counts = await gate.drain({ signal: AbortSignal.timeout(deadline), spread });
  console.log(NAME, "drained:", JSON.stringify(counts));
  process.exit();
});
