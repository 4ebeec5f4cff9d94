// In:    the name of a server, and "shared" where two processes are to accept; on stdin, questions of one word a line: usage,
//        connections, memory, resident.
// Out:   on stdout, one line of JSON for each: the port first, then processor time, open connections, octets of memory.
// Never: opens a connection.

import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer, get, type Server as HttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { useIn } from "../../src/http-parser-node.js";
import { createGate, type Gate, type GuardOptions, NO_LISTEN_SERVER } from "../../src/index.js";
import { wsFramer } from "../../src/ws.js";
import { certificate } from "../../test/support/certificate.js";
import { FLOOR, OF_ANOTHER, SHARED } from "./contest.js";
import { CANNED_101, FORBIDDEN, ITEM, KEY, LARGE_ITEM, SERVED_HOST } from "./octets.js";

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
    const isRight = request.method === "POST" && (text === ITEM || text === LARGE_ITEM);
    const body = JSON.stringify({ id: items.length, name: text === ITEM && JSON.parse(text).name });
    response.writeHead(isRight ? 201 : 400, { "Content-Type": "application/json", "Content-Length": body.length });
    response.end(body);
  });
};

/** With a listener, so that no refusal is a warning. */
function heard(gate: Gate): Gate {
  return gate.on("refused", ignore);
}

/** The least that a server answers. */
const sayOk: RequestListener = (_request, response) => void response.setHeader("Content-Length", 2).end("ok");

/** A server, guarded. */
function guarded<Guarded extends HttpServer>(server: Guarded, mode: GuardOptions["mode"] = "auto"): Guarded {
  heard(createGate({ vhosts: [{ name: SERVED_HOST }] })).guard(server, { mode });
  return server;
}

/** A server, with headgate's parser in the place of Node's. */
function seated<Seated extends HttpServer>(server: Seated): Seated {
  useIn(server);
  return server;
}

/** One server in three ways, by name. `what`: the end of the names. */
function seats(what: string, make: () => HttpServer): Record<string, () => Server> {
  const end = what === "" ? "" : `, ${what}`;
  return {
    [`unguarded${end}`]: make,
    [`headgate's parser${end}`]: () => seated(make()),
    [`headgate guard${end}`]: () => guarded(make()),
  };
}

/** A server that is not guarded, in a process where one is that has served a request. */
function besideGuarded(): HttpServer {
  const other = guarded(createHttpServer(sayOk));
  other.listen(0, "127.0.0.1", () => {
    const { port } = other.address() as AddressInfo;
    get({ port, host: "127.0.0.1", headers: { Host: SERVED_HOST }, agent: false }, (response) => response.resume());
  });
  return createHttpServer(readItems);
}

/** The application, on sockets that a server on bare `net` has accepted. */
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

  ...seats("", () => createHttpServer(readItems)),
  "headgate guard, events": () => guarded(createHttpServer(readItems), "events"),
  "headgate guard, filter": () => guarded(createHttpServer(readItems), "filter"),
  "headgate adopt": () => adopting(readItems),

  ...seats("POST", () => createHttpServer(addItem)),
  "headgate guard, events, POST": () => guarded(createHttpServer(addItem), "events"),
  "headgate guard, filter, POST": () => guarded(createHttpServer(addItem), "filter"),

  ...seats("tiny", () => createHttpServer(sayOk)),
  ...seats("chunked", () => createHttpServer(addItem)),
  ...seats("pipelined", () => createHttpServer(readItems)),
  ...seats("https", () => createHttpsServer(certificate(), readItems)),
  ...seats("closing", () => createHttpServer(readItems)),
  ...seats("idle", () => createHttpServer({ keepAliveTimeout: 600_000 }, readItems)),
  "unguarded, alone": () => createHttpServer(readItems),
  "unguarded, beside a guarded server": besideGuarded,

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

/** One more process that accepts from the same listening socket. */
async function shareListener(): Promise<void> {
  const other = fork(fileURLToPath(import.meta.url), [name, OF_ANOTHER]);
  await once(other, "message");
  other.send("listener", server);
}

if (process.argv[3] === OF_ANOTHER) {
  process.once("message", (_listener, socket) => void server.listen(socket));
  process.on("disconnect", () => process.exit());
  process.send!("ready");
} else
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, async () => {
    if (process.argv[3] === SHARED) await shareListener();
    const answer = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
    answer((server.address() as AddressInfo).port);
    createInterface(process.stdin).on("line", (question) => {
      if (question === "connections") server.getConnections((_error, count) => answer(count));
      else if (question === "resident") answer(process.memoryUsage().rss);
      else answer(question === "memory" ? held() : process.cpuUsage());
    });
  });
process.stdin.on("end", () => process.exit());
