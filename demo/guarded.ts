// In:    the origins of the demo's page.
// Out:   a guarded server that listens by itself, and the gate that guards it.
// Never: adopts a socket; site.ts does.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createGate, type Gate } from "headgate";
import { PAGE_NAMES } from "./requests.js";
import { createTool } from "./tool.js";

export interface Guarded {
  readonly port: number;
  readonly server: Server;
  readonly gate: Gate;
  close(): Promise<void>;
}

/** The tool, guarded, on any free port. Each name admits the page of the same name on `pagePort`, and its own pages. */
export async function openGuarded(pagePort: number): Promise<Guarded> {
  const gate = createGate({
    vhosts: PAGE_NAMES.map((name) => ({
      name,
      origins: ["same-authority", `http://${name}:${pagePort}`],
      embedding: "same-origin",
    })),
  });
  const server = createServer(createTool(PAGE_NAMES.map((name) => `http://${name}:${pagePort}`)));
  gate.guard(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    server,
    gate,
    async close(): Promise<void> {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
