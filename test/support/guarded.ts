// In:    a kind of server, vhosts, an application.
// Out:   that server, guarded and listening, with a client for it and a record of what its listeners saw.
// Never: looks into the gate.

import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions, GuardOptions } from "#src/gate-options.js";
import type { Guard } from "#src/guard/guard.js";
import { certificate } from "./certificate.js";
import { Client } from "./tcp.js";

/** A kind of server, and whether it has another 'upgrade' listener besides the guard. */
interface Kind {
  readonly tls: boolean;
  readonly beside: "nobody" | "before" | "after";
  readonly guard: GuardOptions;
}

export const named = ({ tls, beside, guard }: Kind): string =>
  `${tls ? "https" : "http"}${JSON.stringify(guard)}, other listener: ${beside}`;

/** Every kind: http and https, guarded in each of these ways, alone and beside another listener. */
export function kinds(...guards: GuardOptions[]): Kind[] {
  return [false, true].flatMap((tls) =>
    guards.flatMap((guard) => (["nobody", "before", "after"] as const).map((beside) => ({ tls, beside, guard }))),
  );
}

export interface Guarded {
  readonly gate: Gate;
  readonly guard: Guard;
  readonly server: http.Server;
  readonly port: number;
  /** What reached listeners of the server, as `event method target host`. */
  readonly seen: string[];
  /** What the gate reported: `handover`, or the code of what it refused. */
  readonly said: string[];
  connect(): Promise<Client>;
  close(): Promise<void>;
}

interface Setting extends Partial<Kind> {
  readonly gate: GateOptions;
  readonly listener?: http.RequestListener;
  readonly server?: http.ServerOptions;
}

/** With a length, or a connection of HTTP/1.0 would end. */
function respond({ method, url }: http.IncomingMessage, response: http.ServerResponse): void {
  const text = `${method} ${url}`;
  response.setHeader("Content-Length", text.length);
  response.end(text);
}

const { key, cert } = certificate();
export const trusted = cert;

const open = new Set<Guarded>();

/** Ends whatever tests that have failed left open. */
export async function closeGuarded(): Promise<void> {
  for (const each of open) await each.close();
}

export async function openGuarded(setting: Setting): Promise<Guarded> {
  const { tls: isTls = false, beside = "nobody", guard: options = {}, listener } = setting;
  const seen: string[] = [];
  const said: string[] = [];
  const see = (event: string, { method, url, headers }: http.IncomingMessage): void => {
    seen.push(`${event} ${method} ${url} ${headers.host}`);
  };
  const server = (
    isTls ? https.createServer({ key, cert, ...setting.server }) : http.createServer(setting.server ?? {})
  ) as http.Server;
  server.on("request", (request, response) => {
    see("request", request);
    if (listener !== undefined) listener(request, response);
    else request.resume().on("end", () => respond(request, response));
  });
  const other = (request: http.IncomingMessage, socket: Duplex): void => {
    see("upgrade", request);
    socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  };
  if (beside === "before") server.on("upgrade", other);
  const gate = createGate(setting.gate);
  const guard = gate.guard(server, options);
  if (beside === "after") server.on("upgrade", other);
  gate.on("accepted", () => said.push("handover"));
  gate.on("refused", ({ code }) => said.push(code));
  gate.on("malformed", ({ fault: { code } }) => said.push(code));
  gate.on("abandoned", ({ code }) => said.push(code));
  const sockets = new Set<Duplex>();
  const clients: Client[] = [];
  // Of the plain connections, which an https.Server wraps.
  server.on("connection", (socket: Duplex) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const guarded: Guarded = {
    gate,
    guard,
    server,
    port,
    seen,
    said,
    async connect() {
      const to = { port, host: "127.0.0.1", noDelay: true };
      const socket = isTls ? tls.connect({ ...to, ca: cert }) : net.connect(to);
      await once(socket, isTls ? "secureConnect" : "connect");
      const client = new Client(socket);
      clients.push(client);
      return client;
    },
    async close() {
      for (const { stream } of clients) stream.destroy();
      server.close();
      server.closeAllConnections();
      for (const socket of sockets) await once(socket, "close");
      if (server.listening) await once(server, "close");
      open.delete(guarded);
      assert.is(gate.pendingHeads, 0);
    },
  };
  open.add(guarded);
  return guarded;
}
