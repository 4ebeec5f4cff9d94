// In:    from its parent: limits of a gate, and how many upgrades it answers together, as arguments; questions.
// Out:   to its parent: the port on which the gate adopts whatever comes, TLS or not; how many wait, and were refused.
// Never: runs tests; test/attack/storm.test.ts starts it.

import { type AddressInfo, createServer } from "node:net";
import { createGate } from "#src/gate.js";
import type { Handover } from "#src/handover/framer.js";
import type { Authorization } from "#src/outcome/authorization.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { certificate } from "./certificate.js";
import "./heard.js";

/** What the gate has of connections and upgrades. */
export interface State {
  readonly pendingHeads: number;
  /** Upgrades that have asked for leave, and have no answer. */
  readonly asking: number;
  /** Connections and upgrades that had no room. */
  readonly refused: number;
}

/** Until so many ask at `/together`, none of them has an answer. */
const crowd = Number(process.argv[3]);
const together: ((answer: Authorization) => void)[] = [];
let asking = 0;

function authorize(path: string, signal: AbortSignal): Authorization | Promise<Authorization> {
  if (path === "/now") return true;
  asking++;
  signal.addEventListener("abort", () => asking--, { once: true });
  return new Promise((resolve) => {
    if (path !== "/together") return;
    together.push(resolve);
    if (together.length < crowd) return;
    asking -= crowd;
    for (const answer of together.splice(0)) answer(true);
  });
}

function take({ socket }: Handover): void {
  socket.on("error", () => {});
  socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  socket.resume();
}

const gate = createGate({
  vhosts: [{ name: "localhost", port: NO_LISTEN_SERVER, upgrades: { "*": take } }],
  tls: { "*": certificate() },
  requests: (_request, response) => void response.end("served"),
  authorize: ({ path }, { signal }) => authorize(path ?? "", signal),
  limits: JSON.parse(process.argv[2] ?? "{}"),
});
const server = createServer((socket) => void gate.adopt(socket));
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  process.send!((server.address() as AddressInfo).port);
});

process.on("message", () => {
  const { OVERLOADED = 0, ADDRESS_OVERLOADED = 0 } = gate.counts.abandoned;
  const refused = OVERLOADED + ADDRESS_OVERLOADED;
  process.send!({ pendingHeads: gate.pendingHeads, asking, refused } satisfies State);
});
process.on("disconnect", () => process.exit());
