// In:    options of a gate; TLS clients of Node, octets cut anywhere.
// Out:   a net.Server whose sockets that gate adopts, and what its clients got.
// Never: starts a program.

import { once } from "node:events";
import net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import * as assert from "uvu/assert";
import type { Arrival } from "#src/arrival/arrival.js";
import {
  type Abandoned,
  type ConnectionEnd,
  createGate,
  type Gate,
  type GateOptions,
  NO_LISTEN_SERVER,
} from "#src/index.js";
import { certificate } from "./certificate.js";
import { Client, type Cut, octetsOf, streamPair } from "./tcp.js";
import { until } from "./until.js";

export const a = certificate("a.test");
export const b = certificate("b.test");
export const port = NO_LISTEN_SERVER;

interface World {
  readonly gate: Gate;
  readonly ends: Promise<ConnectionEnd>[];
  readonly abandoned: Abandoned[];
  readonly arrivals: Arrival[];
  readonly port: number;
  close(): Promise<void>;
}

/** A gate that answers requests with their Host, and a net.Server whose sockets it adopts. */
export async function open(options: Partial<GateOptions>, server: net.ServerOpts = {}): Promise<World> {
  const [ends, abandoned, arrivals]: [Promise<ConnectionEnd>[], Abandoned[], Arrival[]] = [[], [], []];
  const gate = createGate({
    vhosts: [
      { name: "a.test", port },
      { name: "b.test", port },
    ],
    requests: (request, response) => response.end(request.headers.host),
    ...options,
  });
  gate.on("abandoned", (end) => abandoned.push(end));
  gate.on("accepted", ({ arrival }) => arrivals.push(arrival));
  const door = net.createServer(server, (socket) => ends.push(gate.adopt(socket).ended));
  await once(door.listen(0, "127.0.0.1"), "listening");
  return {
    gate,
    ends,
    abandoned,
    arrivals,
    port: (door.address() as net.AddressInfo).port,
    async close() {
      door.close();
      await once(door, "close");
    },
  };
}

export const request = (host: string, more = ""): string =>
  `GET / HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`;

/** A client that has made its handshake; fails as that fails. */
export async function secure(
  stream: Duplex,
  options: tls.ConnectionOptions = {},
): Promise<{ socket: tls.TLSSocket; client: Client }> {
  const socket = tls.connect({ socket: stream, servername: "a.test", ca: [a.cert, b.cert], ...options });
  await once(socket, "secureConnect");
  return { socket, client: new Client(socket) };
}

export const dial = (to: World): net.Socket => net.connect({ port: to.port, host: "127.0.0.1", noDelay: true });

export async function ask(
  to: World,
  host: string,
  options: tls.ConnectionOptions = {},
): Promise<{ status: number; body: string; socket: tls.TLSSocket }> {
  const { socket, client } = await secure(dial(to), options);
  await client.send(request(host));
  const [response] = await client.all();
  return { status: response!.statusCode, body: String(response!.body), socket };
}

/** The code of the error that a handshake ends with. */
export async function refusal(to: World, options: tls.ConnectionOptions = {}): Promise<string> {
  const socket = tls.connect({ socket: dial(to), servername: "a.test", ca: [a.cert, b.cert], ...options });
  const [error] = await once(socket, "error").catch((reason) => [reason]);
  socket.destroy();
  return (error as NodeJS.ErrnoException).code!;
}

/** Two streams; what the first writes first arrives after `preface`, cut by `cut`, each piece in its own turn. */
export function cutPair(preface: string, cut: (octets: Buffer) => Buffer[]): [Duplex, Duplex] {
  const [near, between] = streamPair();
  const [behind, far] = streamPair();
  behind.pipe(between);
  let isFirst = true;
  let sent = Promise.resolve();
  between.on("data", (octets: Buffer) => {
    const pieces = isFirst ? cut(Buffer.concat([octetsOf(preface), octets])) : [octets];
    isFirst = false;
    sent = sent.then(async () => {
      for (const piece of pieces) {
        behind.write(piece);
        await new Promise(setImmediate);
      }
    });
  });
  between.once("end", () => void sent.then(() => behind.end()));
  return [near, far];
}

/** The octets of a ClientHello of Node. */
export async function helloOf(servername: string): Promise<Buffer> {
  const [near, far] = streamPair();
  const socket = tls.connect({ socket: near, servername });
  socket.on("error", () => {});
  const [hello] = await once(far, "data");
  socket.destroy();
  return hello;
}

/** How a connection ends on which octets are sent, each piece in a turn of its own; nothing may be left. */
export async function endOf(
  world: World,
  octets: string | Buffer,
  then: "end" | "destroy" | "wait",
  cut: Cut = "whole",
): Promise<Abandoned> {
  const client = new Client(dial(world));
  await once(client.stream, "connect");
  await client.send(octets, cut);
  if (then === "end") client.stream.end();
  if (then === "destroy") client.stream.destroy();
  await client.closed();
  await until(() => world.ends.length > 0, "the connection is adopted");
  const end = await world.ends.pop()!;
  assert.is(end.kind, "abandoned", JSON.stringify(end));
  assert.is(world.gate.pendingHeads, 0);
  return end as Abandoned;
}

/** Sends a server name that the option `servername` may refuse: an address, from Node 26 on. Before the handshake. */
export function sendServerName(socket: tls.TLSSocket, name: string): void {
  (socket as tls.TLSSocket & { setServername(name: string): void }).setServername(name);
}
