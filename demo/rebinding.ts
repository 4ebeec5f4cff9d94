// In:    a guarded server.
// Out:   the attacker's page under a name that has been rebound to this machine, so that its requests arrive at local servers.
// Never: changes an octet of these requests.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { parseRequestHead } from "headgate";
import { createTool } from "./tool.js";

export interface Rebinding {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * A name has one port and, one after the other, two servers: the attacker's gives out the page; then the name is rebound, and
 * connections lead to a local server. Here both happen at the same time, and the path of a connection's first request chooses.
 */
export async function openRebinding(guarded: Server): Promise<Rebinding> {
  const attacker = createHttpServer(createAttacker());
  const unguarded = createHttpServer(createTool([]));
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket)).on("error", () => {});
    socket.once("data", (octets) => {
      socket.pause();
      socket.unshift(octets);
      choose(octets).emit("connection", socket);
      socket.resume();
    });
  });
  const choose = (octets: Buffer): Server => {
    const result = parseRequestHead(octets, { host: "unchecked" });
    const path = result.kind === "complete" ? result.head.path : "";
    if (path.startsWith("/guarded/")) return guarded;
    return path.startsWith("/unguarded/") ? unguarded : attacker;
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close(): Promise<void> {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** From dist/demo, where this file runs, to demo, where the page's files are. */
const FOLDER = new URL("../../demo/", import.meta.url);

function createAttacker(): RequestListener {
  const read = (name: string, type: string): [Buffer, string] => [readFileSync(new URL(name, FOLDER)), type];
  const files = new Map([
    ["/", read("rebinding.html", "text/html")],
    ["/rebinding.js", read("rebinding.js", "text/javascript")],
    ["/theme.css", read("theme.css", "text/css")],
    ["/rebinding.css", read("rebinding.css", "text/css")],
  ]);
  return ({ url }, response) => {
    const [content, type] = files.get(url ?? "") ?? ["not found\n", "text/plain"];
    // The next request needs a connection of its own, as after a change in DNS.
    response.writeHead(files.has(url ?? "") ? 200 : 404, {
      "Content-Type": `${type}; charset=utf-8`,
      "Cache-Control": "no-store",
      Connection: "close",
    });
    response.end(content);
  };
}
