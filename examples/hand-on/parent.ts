// In:    clients of PORT, 8080 by default: node dist/examples/hand-on/parent.js
// Out:   each connection in the process of its Host, with every octet; a line for each request that belongs to no tenant.
// Never: speaks WebSocket, or serves a request.

import { type ChildProcess, fork } from "node:child_process";
import { createServer } from "node:net";
import { createGate, explain, NO_LISTEN_SERVER } from "headgate";
import { toProcess, UNREAD } from "headgate/intake";

const tenants = new Map<string, ChildProcess>();

/** The process of a tenant: a new one if there is none, or the last one has died. */
function tenant(name: string): ChildProcess {
  const known = tenants.get(name);
  if (known?.connected) return known;
  const child = fork(new URL("tenant.js", import.meta.url), [name]);
  tenants.set(name, child);
  return child;
}

const toTenant = toProcess(({ decision }) => tenant(decision.vhost.name));
const gate = createGate({
  vhosts: [
    { name: "chat.localhost", port: NO_LISTEN_SERVER, upgrades: { "*": toTenant } },
    { name: "live.localhost", port: NO_LISTEN_SERVER, upgrades: { "*": toTenant } },
  ],
  requests: toTenant,
});
gate.on("refused", (decision) => console.log(decision.statusCode, explain(decision)));
gate.on("abandoned", (end) => console.log(explain(end)));

// UNREAD: this process reads only the first head, and no byte that the tenant would miss.
const door = createServer(UNREAD, (socket) => gate.adopt(socket));
door.listen(Number(process.env.PORT ?? 8080), "127.0.0.1");
