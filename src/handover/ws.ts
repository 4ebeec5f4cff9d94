// In:    handovers.
// Out:   WebSockets of npm ws, emitted by the WebSocketServer that the caller made.
// Never: uses a private member of ws, or writes a frame itself.

import type { Duplex } from "node:stream";
import { describe } from "../head/options.js";
import type { RequestHead } from "../head/request-head.js";
import { type Framer, FramerRefusal, type Handover } from "./framer.js";
import { type RuledRequest, ruledHost, ruledRawHeaders } from "./ruled-host.js";
import { SideTable } from "./side-table.js";

/** The part of a ws 8 WebSocket that is used. */
export interface WebSocketLike {
  close(code?: number, reason?: string): void;
  terminate(): void;
  on(event: "close", listener: (this: WebSocketLike) => void): unknown;
  once(event: "close", listener: () => void): unknown;
}

/** The part of a ws 8 WebSocketServer that is used: `new WebSocketServer({ noServer: true })`. */
export interface WebSocketServerLike {
  // biome-ignore lint/suspicious/noExplicitAny: ws asks for an IncomingMessage and reads four members of it
  handleUpgrade(request: any, socket: Duplex, head: Buffer, done: (webSocket: any, request: any) => void): void;
  /** Those that it was made with. */
  readonly options?: { readonly path?: unknown; readonly port?: unknown; readonly verifyClient?: unknown };
  /** Its open WebSockets; absent with `clientTracking: false`. */
  // biome-ignore lint/suspicious/noExplicitAny: as ws declares it
  readonly clients?: Iterable<any>;
  // biome-ignore lint/suspicious/noExplicitAny: as the listeners of 'connection' declare them
  emit(event: "connection", webSocket: any, request: any): boolean;
}

/**
 * The request that 'connection' listeners get, with the members of `http.IncomingMessage` that a head has. There is no
 * body to read. In `headers` and `rawHeaders`, `host` is the authority that was ruled on, and in `headers`, `upgrade` is the protocol
 * that was chosen; everything else is as sent. Over HTTP/2 the method is that of the opening handshake over HTTP/1.1.
 */
export class UpgradeRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly rawHeaders: string[];
  readonly socket: Duplex;

  /** @internal */
  constructor(ruled: RuledRequest, socket: Duplex) {
    const { head } = ruled;
    this.method = head.protocol === null ? head.method : "GET";
    this.url = head.requestTarget;
    this.httpVersion = head.httpVersion;
    this.headers = headersOf(head, ruledHost(ruled));
    this.rawHeaders = ruledRawHeaders(ruled);
    this.socket = socket;
  }

  get connection(): Duplex {
    return this.socket;
  }
}

/** ws requires a key, which is neither sent nor answered over HTTP/2 (RFC 8441 §5). */
const KEY = "AAAAAAAAAAAAAAAAAAAAAA==";

/** ws requires a single protocol in Upgrade. `host`: if it differs from the one that was sent. */
function headersOf(head: RequestHead, host: string | null): UpgradeRequest["headers"] {
  const { headers } = head;
  if (head.protocol !== null) return { ...headers, upgrade: "websocket", "sec-websocket-key": KEY };
  if (headers.upgrade === "websocket" && host === null) return headers;
  return { ...headers, upgrade: "websocket", ...(host !== null && { host }) };
}

/**
 * Gives accepted upgrades to a `WebSocketServer` of npm ws made with `noServer: true`, which answers the opening
 * handshake and emits 'connection' with the WebSocket and an `UpgradeRequest`. Its options (perMessageDeflate,
 * maxPayload, handleProtocols, verifyClient, path) apply as usual: an upgrade that it refuses has the answer of ws, and is abandoned
 * as `FRAMER_REFUSED`. One that listens on a port of its own is refused with a TypeError: the gate does not rule on what connects there.
 */
export function wsFramer(webSocketServer: WebSocketServerLike): Framer {
  if (typeof webSocketServer?.handleUpgrade !== "function") {
    throw new TypeError(
      `wsFramer takes a WebSocketServer: wsFramer(new WebSocketServer({ noServer: true })); this is ${describe(webSocketServer)}`,
    );
  }
  const port = webSocketServer.options?.port;
  if (port !== undefined && port !== null) {
    throw new TypeError(
      `wsFramer takes a WebSocketServer made with noServer: true; this one listens on port ${port} itself, where the gate rules on nothing`,
    );
  }
  /** By socket, and by itself. */
  const taken = new SideTable<WebSocketLike>();
  // Where ws has no list of its own: a set and a second listener of 'close' cost 100 octets a WebSocket.
  const untracked = new Set<WebSocketLike>();
  function forget(this: WebSocketLike): void {
    untracked.delete(this);
  }
  return {
    take(handover: Handover): void | Promise<void> {
      const { decision, rest, socket } = handover;
      const early = Buffer.from(rest.buffer, rest.byteOffset, rest.length);
      const request = new UpgradeRequest(decision, socket);
      let isDone = false;
      let settle: (() => void) | undefined;
      webSocketServer.handleUpgrade(request, socket, early, (webSocket: WebSocketLike) => {
        isDone = true;
        taken.set(webSocket, webSocket);
        taken.set(socket, webSocket);
        if (webSocketServer.clients === undefined) {
          untracked.add(webSocket);
          webSocket.on("close", forget);
        }
        // ws is listening now, but it leaves a paused socket paused.
        socket.resume();
        handover.associate(request);
        handover.associate(webSocket);
        // Before listeners of 'connection', which may throw.
        settle?.();
        webSocketServer.emit("connection", webSocket, request);
      });
      if (isDone) return undefined;
      // ws reports no refusal; it ends the socket with its answer.
      if (socket.writableEnded) throw refusalBy(webSocketServer, request);
      if (socket.destroyed) return undefined;
      // verifyClient decides later.
      return new Promise((resolve, reject) => {
        const closed = (): void => (socket.writableEnded ? reject(refusalBy(webSocketServer, request)) : resolve());
        settle = () => {
          socket.removeListener("close", closed);
          resolve();
        };
        socket.once("close", closed);
      });
    },
    drain(socket: Duplex, code: number): void {
      taken.get(socket)?.close(code);
    },
    async close(code: number, signal?: AbortSignal): Promise<void> {
      const open: WebSocketLike[] = [...(webSocketServer.clients ?? untracked)].filter(
        (each) => taken.get(each) !== undefined,
      );
      const closed = open.map((webSocket) => new Promise<void>((resolve) => webSocket.once("close", resolve)));
      const terminate = () => {
        for (const webSocket of open) webSocket.terminate();
      };
      signal?.addEventListener("abort", terminate, { once: true });
      for (const webSocket of open) webSocket.close(code);
      if (signal?.aborted) terminate();
      await Promise.all(closed);
      signal?.removeEventListener("abort", terminate);
    },
  };
}

/** ws does not give its reason, but its options show it. */
function refusalBy(webSocketServer: WebSocketServerLike, { url }: UpgradeRequest): FramerRefusal {
  const { path, verifyClient } = webSocketServer.options ?? {};
  const [asked] = url.split("?", 1);
  if (typeof path === "string" && path !== asked) {
    return new FramerRefusal(`its path is ${JSON.stringify(path)}, and the upgrade is for ${JSON.stringify(asked)}`);
  }
  return new FramerRefusal(
    `${verifyClient ? "its verifyClient rejects the client, or " : ""}it rejects the opening handshake, or is closing`,
  );
}
