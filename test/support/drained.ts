// In:    whether a gate adopts or guards, and how its guard reads.
// Out:   a gate with an application on a port, its clients of each kind, and what became of each.
// Never: looks into the gate.

import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions, GuardOptions } from "#src/gate-options.js";
import type { Guard } from "#src/guard/guard.js";
import { wsFramer } from "#src/handover/ws.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { Client } from "./tcp.js";
import { until } from "./until.js";
import { handshakeFields } from "./world.js";

export const upgrade = `GET /live HTTP/1.1\r\nHost: localhost\r\n${handshakeFields}\r\n`;
export const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** `adopt`: over HTTP/1.1 and HTTP/2; `http2`: a guarded server of node:http2; else a guard's mode. */
export type Road = "adopt" | "http2" | NonNullable<GuardOptions["mode"]>;
export const roads: readonly Road[] = ["adopt", "auto", "filter", "events", "http2"];

/** Requests for `/late` are answered when `answer` is called, `/begun` after their heads were sent. */
export class Station {
  readonly gate: Gate;
  readonly road: Road;
  readonly server: net.Server;
  readonly waiting: ServerResponse[] = [];
  readonly guard: Guard | undefined;
  readonly webSockets: WebSocket[] = [];
  /** Those that are open. */
  readonly sockets = new Set<net.Socket>();

  constructor(road: Road, options: Partial<GateOptions> = {}) {
    this.road = road;
    const wss = new WebSocketServer({ noServer: true });
    wss.on("connection", (webSocket: WebSocket) => {
      webSocket.on("error", () => {});
      this.webSockets.push(webSocket);
    });
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      if (request.url === "/begun") response.write("begun ");
      if (request.url === "/late" || request.url === "/begun") this.waiting.push(response);
      else response.end("whole");
    };
    const isAdopting = road === "adopt";
    this.gate = createGate({
      vhosts: [
        { name: "localhost", port: isAdopting ? NO_LISTEN_SERVER : "any", upgrades: { "/live": wsFramer(wss) } },
      ],
      ...(isAdopting && { requests: handle, http2: { cleartext: true } }),
      ...options,
    });
    this.gate.on("refused", () => {});
    if (isAdopting) this.server = net.createServer((socket) => void this.gate.adopt(socket));
    else {
      const settings = { enableConnectProtocol: true };
      const server = road === "http2" ? http2.createServer({ settings }, handle as never) : http.createServer(handle);
      this.guard = this.gate.guard(server as http.Server, road === "http2" ? {} : { mode: road });
      this.server = server;
    }
    this.server.on("connection", (socket: net.Socket) => {
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
    });
  }

  get speaksHttp2(): boolean {
    return this.road === "adopt" || this.road === "http2";
  }

  get speaksHttp1(): boolean {
    return this.road !== "http2";
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Waits until the server has so many sockets left. */
  async left(count: number): Promise<void> {
    let open = 0;
    const counted = (): Promise<number> =>
      new Promise((resolve) => this.server.getConnections((_error, found) => resolve(found)));
    await until(
      async () => (open = await counted()) === count,
      () => `${count} sockets are left, and not ${open}`,
    );
  }

  async listen(): Promise<this> {
    await once(this.server.listen(0, "127.0.0.1"), "listening");
    return this;
  }

  async close(): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await this.left(0);
  }

  /** A client that has sent that, if it has sent anything. */
  async connect(text = ""): Promise<Client> {
    const socket = net.connect({ port: this.port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    const client = new Client(socket);
    if (text !== "") await client.send(text);
    return client;
  }

  /** An open WebSocket, and its close code when it has one. */
  async webSocket(): Promise<{ webSocket: WebSocket; code: Promise<number> }> {
    const webSocket = new WebSocket(`ws://127.0.0.1:${this.port}/live`, { headers: { Host: "localhost" } });
    const code = new Promise<number>((resolve) => webSocket.once("close", resolve));
    await once(webSocket, "open");
    return { webSocket, code };
  }

  /** A client with an open WebSocket that reads nothing more. */
  async deaf(): Promise<Client> {
    const client = await this.connect(upgrade);
    await client.octets(12);
    client.stream.pause();
    return client;
  }

  async session(): Promise<http2.ClientHttp2Session> {
    const session = http2.connect(`http://localhost:${this.port}`);
    session.on("error", () => {});
    await once(session, "remoteSettings");
    return session;
  }

  /** Waits until so many requests wait for `answer`. */
  async asked(count: number): Promise<void> {
    await until(
      () => this.waiting.length === count,
      () => `${count} requests wait, and not ${this.waiting.length}`,
    );
  }

  answer(): void {
    for (const response of this.waiting.splice(0)) response.end("whole");
  }
}
