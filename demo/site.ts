// In:    sockets, through the gate.
// Out:   an echo, a chat room, the page, and the stream of decisions that the page shows.
// Never: listens; world.ts does.

import { createGate, type Gate, NO_LISTEN_SERVER } from "headgate";
import { wsFramer } from "headgate/ws";
import { type WebSocket, WebSocketServer } from "ws";
import { DecisionLog, type Entry } from "./decisions.js";
import type { Neighbours } from "./files.js";
import { createPages, PAGE_NAMES } from "./requests.js";

/** The public port that declared.localhost declares; a client that names another one is refused. */
export const DECLARED_PORT = 443;

/** Entries that a page gets when it opens, so that it also shows its own requests. */
const REMEMBERED = 50;
/** Octets of one message; people do not type more. */
const MAX_PAYLOAD = 16_384;
/** Milliseconds that connections have to end in their own protocol before they are cut. */
const CLOSING = 500;

export interface Site {
  readonly gate: Gate;
  /** The newest entries, oldest first. */
  readonly recent: readonly Entry[];
  /** Also shows the decisions of a gate that guards a server. */
  watch(guarding: Gate): void;
  /** Ends every connection that the gate has adopted. */
  close(): Promise<void>;
}

/**
 * A gate and the applications it serves. `port` is that of the page's address; `listener` gets every decision. The page leads to
 * the `neighbours`, where there are any.
 */
export function createSite(port: number, listener: (entry: Entry) => void, neighbours: Neighbours | null = null): Site {
  const recent: Entry[] = [];
  const echo = createEcho();
  const chat = createChat();
  const decisions = createDecisionStream(recent);
  const origins = PAGE_NAMES.map((name) => `http://${name}:${port}`);
  const pages = createPages(neighbours);
  const gate: Gate = createGate({
    vhosts: [
      { name: "echo.localhost", port: NO_LISTEN_SERVER, origins, upgrades: { "/echo": wsFramer(echo) } },
      { name: "chat.localhost", port: NO_LISTEN_SERVER, origins, upgrades: { "/chat": wsFramer(chat) } },
      { name: "declared.localhost", port: DECLARED_PORT, origins, upgrades: { "/echo": wsFramer(echo) } },
      // Decisions show what other clients asked for: by default, no page of another origin may read them.
      ...PAGE_NAMES.map((name) => ({
        name,
        port: NO_LISTEN_SERVER,
        upgrades: { "/decisions": wsFramer(decisions) },
      })),
    ],
    requests: (request, response) => void pages(request, response, gate.decisionOf(request)!),
  } as const);
  const log = new DecisionLog((entry) => {
    recent.push(entry);
    if (recent.length > REMEMBERED) recent.shift();
    for (const webSocket of decisions.clients) webSocket.send(JSON.stringify(entry));
    listener(entry);
  });
  log.watch(gate, "adopted");
  return {
    gate,
    recent,
    watch: (guarding) => log.watch(guarding, "guarded"),
    async close(): Promise<void> {
      await gate.drain({ signal: AbortSignal.timeout(CLOSING) });
    },
  };
}

function createEcho(): WebSocketServer {
  const echo = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD });
  echo.on("connection", (webSocket) => {
    surviveErrors(webSocket);
    webSocket.on("message", (message, isBinary) => webSocket.send(message, { binary: isBinary }));
  });
  return echo;
}

/** Every guest in the room gets every message, including their own. */
function createChat(): WebSocketServer {
  const chat = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD });
  let guests = 0;
  chat.on("connection", (webSocket) => {
    surviveErrors(webSocket);
    const guest = `guest ${++guests}`;
    webSocket.on("message", (message) => {
      for (const other of chat.clients) other.send(`${guest}: ${message}`);
    });
  });
  return chat;
}

function createDecisionStream(recent: readonly Entry[]): WebSocketServer {
  const decisions = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD });
  decisions.on("connection", (webSocket) => {
    surviveErrors(webSocket);
    for (const entry of recent) webSocket.send(JSON.stringify(entry));
  });
  return decisions;
}

/** ws closes a WebSocket after a protocol error; without a listener the error would end the process. */
function surviveErrors(webSocket: WebSocket): void {
  webSocket.on("error", () => {});
}
