// In:    the name of a server; on stdin, questions of one word a line: usage, connections, memory.
// Out:   on stdout, one line of JSON for each: the port first, then processor time, open connections, octets of memory.
// Never: opens a connection.

import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { WebSocketServer } from "ws";
import { useIn } from "../../src/http-parser-node.js";
import { createGate, type Gate, NO_LISTEN_SERVER } from "../../src/index.js";
import { wsFramer } from "../../src/ws.js";
import { FLOOR } from "./contest.js";
import { CANNED_101, FORBIDDEN, ITEM, KEY, SERVED_HOST } from "./octets.js";

/** As many as any step holds open at once. */
const MANY = 100_000;

function echo(): WebSocketServer {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  return server.on("connection", (webSocket) => {
    webSocket.on("error", ignore).on("message", (data, isBinary) => webSocket.send(data, { binary: isBinary }));
  });
}

const ignore = (): void => {};
const NOTHING = Buffer.alloc(0);

const items = Array.from({ length: 20 }, (_, id) => ({ id, name: `item ${id}`, price: 10 * id }));

/** A small application: it looks at path, query and cookie, and answers with a page of JSON. */
const readItems: RequestListener = (request, response) => {
  const { pathname, searchParams } = new URL(request.url!, "http://localhost");
  const session = /(?:^|; )session=([^;]*)/.exec(request.headers.cookie ?? "")?.[1];
  if (request.method !== "GET" || pathname !== "/api/items" || session === undefined) {
    response.writeHead(404).end();
    return;
  }
  const page = Number(searchParams.get("page"));
  const body = JSON.stringify({ page, session, items: items.slice(10 * (page - 1), 10 * page) });
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("Content-Type", "application/json");
  response.setHeader("Content-Length", Buffer.byteLength(body));
  response.end(body);
};

/** Another: it reads an item, and answers with its number. */
const addItem: RequestListener = (request, response) => {
  let text = "";
  request.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  request.on("end", () => {
    const isRight = request.method === "POST" && text === ITEM;
    const body = JSON.stringify({ id: items.length, name: isRight && JSON.parse(text).name });
    response.writeHead(isRight ? 201 : 400, { "Content-Type": "application/json", "Content-Length": body.length });
    response.end(body);
  });
};

/** With a listener, so that no refusal is a warning. */
function heard(gate: Gate): Gate {
  return gate.on("refused", ignore);
}

/** The same one, guarded. */
function guarded(application: RequestListener, strict: boolean): HttpServer {
  const server = createHttpServer(application);
  heard(createGate({ vhosts: [{ name: SERVED_HOST }] })).guard(server, { mode: strict ? "filter" : "auto" });
  return server;
}

/** The same one, with headgate's parser in the place of Node's. */
function seatedServer(application: RequestListener): HttpServer {
  const server = createHttpServer(application);
  useIn(server);
  return server;
}

/** The same one on sockets that a server on bare `net` has accepted. */
function adopting(application: RequestListener): Server {
  const gate = createGate({
    scheme: "https",
    vhosts: [{ name: SERVED_HOST, port: NO_LISTEN_SERVER }],
    requests: createHttpServer(application),
  });
  heard(gate);
  return createServer((socket) => void gate.adopt(socket));
}

/**
 * By name. A server that is to answer something else gets a new name: then a revision that has not heard of it is told from
 * one that answers wrongly.
 */
const servers: Record<string, () => Server> = {
  /** The floor of memory: nothing that arrives is kept. */
  [FLOOR.waiting]: () => createServer((socket) => void socket.on("error", ignore).on("data", ignore)),

  /** The floor of refusals: whatever comes is refused. */
  [FLOOR.refusing]: () =>
    createServer((socket) => {
      socket.on("error", ignore).on("data", () => socket.end(FORBIDDEN, "latin1"));
    }),

  /** The floor of upgrades: whatever comes is taken for an opening handshake. */
  [FLOOR.upgrading]: () =>
    createServer((socket) => {
      socket.on("error", ignore).on("data", () => socket.write(CANNED_101));
    }),

  /** The floor of upgrades by ws: whatever comes is taken for the same head, which costs nothing to read. */
  [FLOOR.withWs]: () => {
    const webSockets = echo();
    const headers = { upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": KEY };
    function take(this: Socket): void {
      this.removeListener("data", take);
      const request = { method: "GET", url: "/live", headers, socket: this };
      webSockets.handleUpgrade(request as never, this, NOTHING, (webSocket) => {
        webSockets.emit("connection", webSocket, request);
      });
    }
    return createServer((socket) => void socket.on("error", ignore).on("data", take));
  },

  /** How an application checks Host today, and ends what it does not want. */
  "node:http + ws": () => {
    const webSockets = echo();
    return createHttpServer().on("upgrade", (request, socket, head) => {
      if (request.headers.host !== SERVED_HOST) {
        socket.on("error", ignore);
        socket.end(FORBIDDEN, "latin1");
        return;
      }
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSockets.emit("connection", webSocket, request);
      });
    });
  },

  unguarded: () => createHttpServer(readItems),
  "headgate guard": () => guarded(readItems, false),
  "headgate guard, strict": () => guarded(readItems, true),
  "headgate adopt": () => adopting(readItems),

  "unguarded, POST": () => createHttpServer(addItem),
  "headgate guard, POST": () => guarded(addItem, false),
  "headgate strict, POST": () => guarded(addItem, true),

  "headgate's parser": () => seatedServer(readItems),
  "headgate's parser, POST": () => seatedServer(addItem),

  "headgate + ws": () => {
    const gate = createGate({
      scheme: "https",
      limits: { pendingHeads: MANY, pendingPerAddress: MANY, headTimeout: 600_000 },
      vhosts: [{ name: SERVED_HOST, port: NO_LISTEN_SERVER, upgrades: { "/live": wsFramer(echo()) } }],
    });
    heard(gate);
    return createServer((socket) => gate.adopt(socket));
  },
};

/** What the process holds after a collection: the heap and what hangs on it. */
function held(): number {
  for (let i = 0; i < 4; i++) global.gc!();
  const { heapUsed, external } = process.memoryUsage(); // `external` has `arrayBuffers` in it
  return heapUsed + external;
}

const name = process.argv[2]!;
if (!Object.hasOwn(servers, name)) {
  process.stderr.write(`there is no server ${name}\n`);
  process.exit(1);
}
const server = servers[name]!();
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  const answer = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
  answer((server.address() as AddressInfo).port);
  createInterface(process.stdin).on("line", (question) => {
    if (question === "connections") server.getConnections((_error, count) => answer(count));
    else answer(question === "memory" ? held() : process.cpuUsage());
  });
});
process.stdin.on("end", () => process.exit());
