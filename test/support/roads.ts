// In:    a road: HTTP/1.1 or HTTP/2, with TLS or without; a gate.
// Out:   clients that come by this road to the gate, which has adopted their connections or guards the server that has, strictly or not.
// Never: looks into the gate.

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import type { Gate } from "#src/gate.js";
import type { ConnectionEnd } from "#src/outcome/end.js";
import { certificate } from "./certificate.js";

export interface Road {
  readonly name: string;
  readonly secure: boolean;
  readonly version: "HTTP/1.1" | "HTTP/2";
}

export const roads: readonly Road[] = [
  { name: "HTTP/1.1", secure: false, version: "HTTP/1.1" },
  { name: "HTTP/1.1 over TLS", secure: true, version: "HTTP/1.1" },
  { name: "HTTP/2 over TLS", secure: true, version: "HTTP/2" },
  { name: "HTTP/2, cleartext", secure: false, version: "HTTP/2" },
];

export type Way = "adopted" | "guarded" | "strict";

/** Something that listens, at the end of a road. */
export interface RoadEnd {
  readonly road: Road;
  readonly way: Way;
  readonly port: number;
  /** How each adopted connection ended. */
  readonly ends: Promise<ConnectionEnd>[];
  /** From now on connections are those of this gate; of a guarded server until `release` is called. */
  put(gate: Gate): () => void;
  /** A client's end of a new connection, which names no server by TLS; over HTTP/2 nothing has been sent yet. */
  connect(): Promise<Duplex>;
  /** A session of node:http2's client. */
  session(): Promise<http2.ClientHttp2Session>;
  /** Connections that are open. */
  open(): number;
  close(): Promise<void>;
}

const { key, cert } = certificate();
export const trusted = cert;
const settings = { enableConnectProtocol: true };

function serverOf({ secure, version }: Road, way: Way): net.Server {
  if (way === "adopted") {
    const ALPNProtocols = ["h2", "http/1.1"];
    return secure ? tls.createServer({ key, cert, ALPNProtocols }) : net.createServer();
  }
  // A strict guard reads HTTP/1.1 alone.
  if (way === "strict") return secure ? https.createServer({ key, cert }) : http.createServer();
  if (secure) return http2.createSecureServer({ key, cert, allowHTTP1: true, settings });
  return version === "HTTP/2" ? http2.createServer({ settings }) : http.createServer();
}

/** `respond`: the application of a guarded server. */
export async function openRoad(
  road: Road,
  way: Way,
  respond: (request: http.IncomingMessage, response: http.ServerResponse) => void = (_request, response) =>
    void response.end(),
): Promise<RoadEnd> {
  const server = serverOf(road, way);
  const ends: Promise<ConnectionEnd>[] = [];
  const sockets = new Set<Duplex>();
  let current: Gate | undefined;
  server.on("connection", (socket: Duplex) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("close", () => sockets.delete(socket));
  });
  if (way !== "adopted") server.on("request", respond as never);
  else server.on(road.secure ? "secureConnection" : "connection", (socket) => ends.push(current!.adopt(socket).ended));
  server.on("tlsClientError", () => {});
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const protocol = road.version === "HTTP/2" ? "h2" : "http/1.1";
  const connect = async (): Promise<net.Socket> => {
    const to = { port, host: "127.0.0.1", noDelay: true };
    const socket = road.secure ? tls.connect({ ...to, ca: cert, ALPNProtocols: [protocol] }) : net.connect(to);
    await once(socket, road.secure ? "secureConnect" : "connect");
    return socket;
  };
  return {
    road,
    way,
    port,
    ends,
    put(gate) {
      current = gate;
      if (way === "adopted") return () => {};
      const guard = gate.guard(server as http.Server, { mode: way === "strict" ? "filter" : "auto" });
      return () => guard.release();
    },
    connect,
    async session() {
      const socket = await connect();
      const scheme = road.secure ? "https" : "http";
      const session = http2.connect(`${scheme}://localhost:${port}`, { createConnection: () => socket });
      session.on("error", () => {});
      await once(session, "remoteSettings");
      return session;
    },
    open: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
