// In:    a kind of server, the names that gates know, their framers.
// Out:   gates that record what they did, and that server with what its listeners heard and clients for it.
// Never: guards it; the caller does.

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { createGate, type FramerLike, type Gate, type GateOptions, type Handover, LEAVE } from "#src/index.js";
import { certificate } from "./certificate.js";
import { Client } from "./tcp.js";
import { handshakeFields } from "./world.js";

const { key, cert } = certificate("a", "b", "c", "d", "x");

export interface Member {
  readonly gate: Gate;
  /** What it reported, in order. */
  readonly said: string[];
  /** The paths that its `authorize` was asked about. */
  readonly asked: string[];
  /** What its framer got: the path, the gate's own decision, the octets after the head. */
  readonly framed: string[];
}

/** A gate that knows these names; with `framer`, /live and /live/* are its own, and without it no path is mentioned. */
export function member(
  names: string[],
  { framer = false, refuses = "", more = {} as Partial<GateOptions> } = {},
): Member {
  const said: string[] = [];
  const asked: string[] = [];
  const framed: string[] = [];
  const take = async (handover: Handover): Promise<void> => {
    const { socket, head, rest, decision } = handover;
    if (head.path === "/live/fails") throw new Error("the framer fails");
    framed.push(`${head.path} ${gate.decisionOf(socket) === decision} ${Buffer.from(rest)}`);
    socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    socket.resume();
  };
  const upgrades: Record<string, FramerLike> = { "*": LEAVE, "/live": take, "/live/*": take };
  const gate = createGate({
    vhosts: names.map((name) => (framer ? { name, upgrades } : { name })),
    authorize: async (head) => {
      asked.push(head.path);
      await new Promise(setImmediate);
      return head.path !== refuses;
    },
    ...more,
  });
  gate.on("accepted", () => said.push("handover"));
  gate.on("refused", ({ code }) => said.push(code));
  gate.on("abandoned", ({ code }) => said.push(code));
  return { gate, said, asked, framed };
}

export interface Kind {
  readonly name: string;
  readonly isTls: boolean;
  readonly isHttp2: boolean;
  readonly isStrict: boolean;
  make(): net.Server;
}

const settings = { enableConnectProtocol: true };
export const kinds: Kind[] = [
  { name: "http", isTls: false, isHttp2: false, isStrict: true, make: () => http.createServer() },
  { name: "https", isTls: true, isHttp2: false, isStrict: true, make: () => https.createServer({ key, cert }) },
  {
    name: "http2 with allowHTTP1, over HTTP/1.1",
    isTls: true,
    isHttp2: false,
    isStrict: false,
    make: () => http2.createSecureServer({ key, cert, allowHTTP1: true, settings }),
  },
  { name: "http2", isTls: false, isHttp2: true, isStrict: false, make: () => http2.createServer({ settings }) },
  {
    name: "http2 over TLS",
    isTls: true,
    isHttp2: true,
    isStrict: false,
    make: () => http2.createSecureServer({ key, cert, settings }),
  },
];

interface World {
  readonly server: net.Server;
  /** What the server's listeners heard. */
  readonly heard: string[];
  /** The status code of an upgrade; `behind`: octets in the same piece; `more`: fields over HTTP/2. */
  upgrade(path: string, host: string, behind?: string, more?: http2.OutgoingHttpHeaders): Promise<number>;
  /** The status codes of a request, an interim one first. */
  request(host: string, fields?: string): Promise<number[]>;
  /** The status codes for octets of HTTP/1.1. */
  send(host: string, octets: string): Promise<number[]>;
  close(): Promise<void>;
}

export async function open(
  { isTls, isHttp2, make }: Kind,
  guard: (server: http.Server) => void,
  listens = true,
): Promise<World> {
  const server = make();
  const heard: string[] = [];
  const sockets = new Set<Duplex>();
  server.on("connection", (socket: Duplex) => sockets.add(socket));
  server.on("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
    heard.push(`request ${request.headers.host ?? request.headers[":authority"]}`);
    response.end();
  });
  if (listens) {
    const listen = (path: string | undefined, answer: () => void): void => {
      heard.push(`upgrade ${path}`);
      answer();
    };
    server.on("upgrade", ({ url }: http.IncomingMessage, socket: Duplex) => {
      listen(url, () =>
        socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
      );
    });
    if (isHttp2) {
      server.on("connect", ({ url }: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => {
        listen(url, () => response.end());
      });
    }
  }
  guard(server as http.Server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const to = { port: (server.address() as AddressInfo).port, host: "127.0.0.1", noDelay: true };
  const secure = { ...to, ca: cert, ALPNProtocols: [isHttp2 ? "h2" : "http/1.1"] };
  const connect = async (servername: string): Promise<net.Socket> => {
    const socket = isTls ? tls.connect({ ...secure, servername }) : net.connect(to);
    await once(socket, isTls ? "secureConnect" : "connect");
    return socket.on("error", () => {});
  };
  const over1 = async (host: string, octets: string): Promise<number[]> => {
    const client = new Client(await connect(host));
    await client.send(octets);
    const [response] = await client.responses(1);
    client.stream.destroy();
    return [...response!.interim, response!.statusCode];
  };
  const over2 = async (headers: http2.OutgoingHttpHeaders, endStream: boolean, behind = ""): Promise<number[]> => {
    const socket = await connect(String(headers[":authority"]));
    const session = http2.connect(`${isTls ? "https" : "http"}://a`, { createConnection: () => socket });
    session.on("error", () => {});
    await once(session, "remoteSettings");
    const statuses: number[] = [];
    const stream = session.request(headers, { endStream }).on("error", () => {});
    if (behind !== "") stream.write(behind);
    stream.on("continue", () => statuses.push(100));
    const [response] = await once(stream, "response");
    session.destroy();
    socket.destroy();
    return [...statuses, response[":status"]];
  };
  return {
    server,
    heard,
    async upgrade(path, host, behind = "", more = {}) {
      if (!isHttp2)
        return (await over1(host, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${handshakeFields}\r\n${behind}`)).at(-1)!;
      const extended = { ":method": "CONNECT", ":protocol": "websocket", ":path": path, ":authority": host };
      const [status] = await over2({ ...extended, "sec-websocket-version": "13", ...more }, false, behind);
      return status === 200 ? 101 : status!;
    },
    send: over1,
    async request(host, fields = "") {
      const [name, value] = fields.trim().split(": ");
      if (!isHttp2) return over1(host, `POST / HTTP/1.1\r\nHost: ${host}\r\n${fields}Content-Length: 0\r\n\r\n`);
      return over2({ ":method": "POST", ":authority": host, ...(name !== "" && { [name!]: value }) }, true);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Each way in which a list can be ordered. */
export function orders<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((one, i) => orders(list.toSpliced(i, 1)).map((others) => [one, ...others]));
}
