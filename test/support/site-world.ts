// In:    nothing.
// Out:   servers with pages at several origins, gates with localhost() before one application, and the application's log.
// Never: asks the gate what has reached the application; the application's own log shows that.

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { WebSocketServer } from "ws";
import { createGate, type Gate } from "#src/gate.js";
import { wsFramer } from "#src/handover/ws.js";
import type { RequestHead } from "#src/head/request-head.js";
import { localhost } from "#src/policy/localhost.js";
import { LEAVE, NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { certificate } from "./certificate.js";

/** Names that the browser has to look up at 127.0.0.1. */
const OTHER_NAME = "other.example";
const SECURE_NAME = "secure.example";

/** A page of one origin, in the order of the table's columns. */
export interface Place {
  readonly name: string;
  readonly url: string;
  readonly noReferrerUrl: string;
  /** What the page's own origin is in Origin and Referer, where it can be there. */
  readonly origin: string;
  /** True: the page is a sandboxed frame of the page at `url`. */
  readonly sandboxed: boolean;
  readonly mayHaveWorker: boolean;
}

/** One request that a gate has ruled on. */
interface Ruling {
  readonly path: string;
  readonly head: RequestHead;
  /** The code of the refusal; null where the gate let it pass. */
  readonly code: string | null;
}

/** A gate before the application, by one road. */
export interface Target {
  readonly road: string;
  readonly origin: string;
  readonly rulings: readonly Ruling[];
  /** Method and path of all that has reached the application, in order. */
  readonly log: readonly string[];
}

export interface SiteWorld {
  readonly targets: readonly Target[];
  /** All of them for the first target; a browser takes its time, and for others the most different ones are enough. */
  places(target: Target): readonly Place[];
  /** A URL of another name that redirects to `url`, and that a page at `place` may ask for. */
  redirecting(place: Place, statusCode: number, url: string): string;
  close(): Promise<void>;
}

/** Requests what it is asked to; answers for requests below /through/ by sending them itself. */
const WORKER = `
addEventListener("install", () => skipWaiting());
addEventListener("message", ({ data }) => fetch(data, { mode: "no-cors" }).catch(() => {}));
addEventListener("fetch", (event) => event.respondWith(fetch(event.request)));
`;

const types: Readonly<Record<string, string>> = { script: "text/javascript", image: "image/gif" };

/** What every server here serves: pages, the worker, redirections, and something for each other path. */
const serve: RequestListener = (request, response) => {
  const path = request.url!;
  const redirected = /^\/to\/(\d+)\?(.*)$/.exec(path);
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("Access-Control-Allow-Origin", request.headers.origin ?? "*");
  response.setHeader("Access-Control-Allow-Methods", "PUT");
  if (redirected !== null) return void response.writeHead(Number(redirected[1]), { Location: redirected[2] }).end();
  if (path.endsWith("?no-referrer")) response.setHeader("Referrer-Policy", "no-referrer");
  if (path === "/worker.js") {
    return void response.writeHead(200, { "Content-Type": "text/javascript" }).end(WORKER);
  }
  const type = types[/\/(script|image)\b/.exec(path)?.[1] ?? ""] ?? "text/html";
  // A page without an icon of its own would ask for one.
  response.writeHead(200, { "Content-Type": type }).end(type === "text/html" ? bodyOf(path) : "");
};

const ICON = '<!doctype html><link rel="icon" href="data:,">';
const bodyOf = (path: string): string =>
  path.startsWith("/framing") ? `${ICON}${SANDBOX.replace("URL", path.replace("/framing", "/page"))}` : ICON;
const SANDBOX = '<iframe sandbox="allow-scripts allow-forms allow-popups" src="URL"></iframe>';

const listen = async (server: net.Server): Promise<number> => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as net.AddressInfo).port;
};

/** An application with a log of what has reached it, and its WebSockets. */
function application(): { log: string[]; requests: RequestListener; wss: WebSocketServer } {
  const log: string[] = [];
  const note = (request: Pick<IncomingMessage, "method" | "url">): void => {
    log.push(`${request.method} ${request.url}`);
  };
  const wss = new WebSocketServer({ noServer: true });
  wss.on("connection", (_webSocket, request) => note(request));
  const requests: RequestListener = (request, response) => {
    note(request);
    serve(request, response);
  };
  return { log, requests, wss };
}

function rulingsOf(gate: Gate): Ruling[] {
  const rulings: Ruling[] = [];
  const note = (head: RequestHead, code: string | null): void => {
    rulings.push({ path: head.path, head, code });
  };
  gate.on("accepted", ({ head }) => note(head, null));
  gate.on("refused", ({ head, code }) => note(head, code));
  return rulings;
}

/** A server that accepts by itself, guarded. */
function guarded(): { server: Server; road: string; log: string[]; rulings: Ruling[] } {
  const { log, requests, wss } = application();
  const server = createServer(requests);
  server.on("upgrade", (request, socket, head) => {
    wss.handleUpgrade(request, socket, head, (webSocket) => wss.emit("connection", webSocket, request));
  });
  const gate = createGate({ vhosts: localhost({ upgrades: { "*": LEAVE } }) });
  gate.guard(server);
  return { server, road: "guard", log, rulings: rulingsOf(gate) };
}

/** A server that accepts for the gate. */
function adopted(): { server: net.Server; road: string; log: string[]; rulings: Ruling[] } {
  const { log, requests, wss } = application();
  const vhosts = localhost({ port: NO_LISTEN_SERVER, upgrades: { "*": wsFramer(wss) } });
  const gate = createGate({ vhosts, requests });
  return { server: net.createServer((socket) => gate.adopt(socket)), road: "adopt", log, rulings: rulingsOf(gate) };
}

export async function openSiteWorld(): Promise<SiteWorld> {
  const folder = mkdtempSync(join(tmpdir(), "headgate-site-"));
  const fileOf = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return pathToFileURL(join(folder, name)).href;
  };
  const file = fileOf("page.html", ICON);
  const noReferrerFile = fileOf("no-referrer.html", `${ICON}<meta name="referrer" content="no-referrer">`);
  const plain = createServer(serve);
  const secure = createSecureServer(certificate(SECURE_NAME, OTHER_NAME), serve);
  const gates = [guarded(), adopted()];
  const servers = [plain, secure, ...gates.map(({ server }) => server)];
  const [plainPort, securePort, ...ports] = await Promise.all(servers.map(listen));
  const sockets = new Set<net.Socket>();
  for (const server of servers) server.on("connection", (socket) => sockets.add(socket));
  const targets = gates.map((gate, i) => ({ ...gate, origin: `http://localhost:${ports[i]}` }));

  const at = (name: string, origin: string, more: Partial<Place> = {}): Place => {
    const url = `${origin}/page`;
    return { name, url, noReferrerUrl: `${url}?no-referrer`, origin, sandboxed: false, mayHaveWorker: true, ...more };
  };
  const other = `http://${OTHER_NAME}:${plainPort}`;
  const framing = { url: `${other}/framing`, noReferrerUrl: `${other}/framing?no-referrer` };
  return {
    targets,
    places({ origin, road }) {
      const all = [
        at("own origin", origin),
        at("127.0.0.1", origin.replace("localhost", "127.0.0.1")),
        at("another port", `http://localhost:${plainPort}`),
        at("another name", other, { mayHaveWorker: false }),
        at("https", `https://${SECURE_NAME}:${securePort}`),
        at("sandboxed", "null", { ...framing, sandboxed: true, mayHaveWorker: false }),
        at("file", "file://", { url: file, noReferrerUrl: noReferrerFile, mayHaveWorker: false }),
      ];
      const others = ["own origin", "another name", "sandboxed"];
      return road === "guard" ? all : all.filter(({ name }) => others.includes(name));
    },
    redirecting({ origin }, statusCode, url): string {
      // What is not secure is mixed content to a page that came by https, unless it is this machine's.
      const from = origin.startsWith("https:") ? `https://${OTHER_NAME}:${securePort}` : other;
      return `${from}/to/${statusCode}?${url}`;
    },
    async close(): Promise<void> {
      for (const server of servers) server.close();
      for (const socket of sockets) socket.destroy();
      rmSync(folder, { recursive: true });
    },
  };
}
