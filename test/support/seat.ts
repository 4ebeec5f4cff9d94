// In:    a listener for requests; octets of a client.
// Out:   a server with our parser on a port, for the time of a test; its clients; whose parser a connection has.
// Never: asserts anything.

import { once } from "node:events";
import http, { type Server } from "node:http";
import net from "node:net";
import type { Duplex } from "node:stream";
import { type SeatableServer, useIn } from "#src/http-parser-node.js";
import { until } from "./until.js";

interface Pool {
  readonly list: object[];
}
/** Node's own module of parsers. */
export const common = process.getBuiltinModule("_http_common" as "http") as unknown as {
  parsers: Pool;
  HTTPParser: new () => object;
};

export const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

export async function listen(server: SeatableServer): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as net.AddressInfo).port;
}

export async function close(server: SeatableServer): Promise<void> {
  const closed = once(server, "close");
  server.close();
  (server as Server).closeAllConnections?.();
  await closed;
}

export class Client {
  received = "";
  readonly stream: Duplex;

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on("data", (octets: Buffer) => (this.received += octets.toString("latin1")));
    stream.on("error", () => {});
  }

  static async connect(port: number): Promise<Client> {
    const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return new Client(socket);
  }

  send(text: string): void {
    this.stream.write(text, "latin1");
  }

  /** Waits until that has come. */
  has(text: string): Promise<void> {
    return until(
      () => this.received.includes(text),
      () => `${text} in ${this.received}`,
    );
  }

  closed(): Promise<void> {
    return until(
      () => this.stream.destroyed,
      () => `closed after ${this.received}`,
    );
  }
}

/** A server with our parser, on a port, for the time of a test. */
export async function seated(
  listener: http.RequestListener,
  run: (port: number, server: Server) => Promise<void>,
  options: http.ServerOptions = {},
): Promise<void> {
  const server = http.createServer(options, listener);
  useIn(server);
  const port = await listen(server);
  try {
    await run(port, server);
  } finally {
    await close(server);
  }
}

const parserOf = (socket: unknown): object => (socket as { parser: object }).parser;
/** True if the parser of a connection is not Node's. */
export const isOurs = (socket: unknown): boolean => !(parserOf(socket) instanceof common.HTTPParser);

/** True if none of our parsers is left where Node takes parsers from. */
export const isPoolNodes = (): boolean => common.parsers.list.every((parser) => parser instanceof common.HTTPParser);

/** Octets by which messages are distinguished. */
export const pattern = (seed: string, length: number): string =>
  seed.repeat(Math.ceil(length / seed.length)).slice(0, length);
