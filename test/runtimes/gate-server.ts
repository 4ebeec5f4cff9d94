// In:    the name of a way to use the gate.
// Out:   a server that is guarded, or whose sockets are adopted, in that way; the line `{"port": N}` when it listens.
// Never: ends by itself; the process that started it ends it.

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createSocketServer, type Server } from "node:net";
import { createGate, localhost, NO_LISTEN_SERVER } from "headgate";
import { wsFramer } from "headgate/ws";
import { WebSocketServer } from "ws";

const wss = new WebSocketServer({ noServer: true });
wss.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`echo: ${data}`)));
const upgrades = { "/live": wsFramer(wss) };
const application: RequestListener = (request, response) => {
  let content = "";
  request.setEncoding("latin1").on("data", (text: string) => (content += text));
  request.on("end", () => response.end(`${request.method} ${request.url} ${content}`));
};

function guarded(mode: "auto" | "filter" | "events"): Server {
  const server = createServer(application);
  createGate({ vhosts: localhost({ upgrades }) }).guard(server, { mode });
  return server;
}

function adopting(options: { http2?: { cleartext: true } } = {}): Server {
  const vhosts = localhost({ port: NO_LISTEN_SERVER, upgrades });
  const gate = createGate({ vhosts, requests: application, ...options });
  return createSocketServer({ pauseOnConnect: true }, (socket) => gate.adopt(socket));
}

const ways: Readonly<Record<string, () => Server>> = {
  guard: () => guarded("auto"),
  "guard, filter": () => guarded("filter"),
  "guard, events": () => guarded("events"),
  adopt: () => adopting(),
  "adopt, HTTP/2": () => adopting({ http2: { cleartext: true } }),
};

const server = ways[process.argv[2]!]!();
server.listen(0, "127.0.0.1");
await once(server, "listening");
console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
