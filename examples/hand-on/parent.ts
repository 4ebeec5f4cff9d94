// In:    clients of PORT, 8080 by default: node dist/examples/hand-on/parent.js
// Out:   each WebSocket in the process of its Host, with every octet; a line for each request that belongs to no tenant.
// Never: speaks WebSocket.

import { fork } from "node:child_process";
import { createServer } from "node:net";
import { createGate, explain, NO_LISTEN_SERVER } from "headgate";
import { toProcess, UNREAD } from "headgate/intake";

const tenant = (name: string) => toProcess(fork(new URL("tenant.js", import.meta.url), [name]));

const gate = createGate({
  vhosts: [
    { name: "chat.localhost", port: NO_LISTEN_SERVER, upgrades: { "*": tenant("chat.localhost") } },
    { name: "live.localhost", port: NO_LISTEN_SERVER, upgrades: { "*": tenant("live.localhost") } },
  ],
});
gate.on("refused", (decision) => console.log(decision.statusCode, explain(decision)));

// UNREAD: this process reads only the head, and no byte that the tenant would miss.
const door = createServer(UNREAD, (socket) => gate.adopt(socket));
door.listen(Number(process.env.PORT ?? 8080), "127.0.0.1");
