// In:    an application, octets of requests and how they are cut.
// Out:   a gate that gives connections to that application, what the application saw, and what its clients got.
// Never: looks into the gate; the application, the client and the gate's events are compared.

import http from "node:http";
import net from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { createGate, type Gate } from "#src/gate.js";
import { wsFramer } from "#src/handover/ws.js";
import type { ConnectionEnd } from "#src/outcome/end.js";
import type { GateLimits } from "#src/outcome/limits.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { type Client, type Cut, closeDoors, type Door, openDoor, type Response } from "./tcp.js";
import { until } from "./until.js";
import { handshakeFields } from "./world.js";

/** A request as the application got it. */
export interface Seen {
  readonly method: string;
  readonly target: string;
  readonly host: string | undefined;
  readonly fields: http.IncomingHttpHeaders;
  body: string;
  trailers: Record<string, string | undefined>;
  state: "open" | "whole" | "aborted";
  /** The response was given up. */
  vanished: boolean;
}

/** A server that keeps what it saw, and answers as the query asks: see `answer`. */
interface Application {
  readonly server: http.Server;
  readonly seen: Seen[];
  /** Upgrade and CONNECT events; there must be none. */
  taken: number;
  readonly handle: http.RequestListener;
}

export function application(): Application {
  const seen: Seen[] = [];
  const handle: http.RequestListener = (request, response) => {
    const { method, url, headers } = request;
    const one: Seen = {
      method: method!,
      target: url!,
      host: headers.host,
      fields: headers,
      body: "",
      trailers: {},
      state: "open",
      vanished: false,
    };
    seen.push(one);
    const asked = queryOf(url!);
    request.on("error", () => (one.state = "aborted"));
    response.on("close", () => (one.vanished = !response.writableFinished));
    if (asked.has("unread")) return void answer(request, response, asked);
    request.on("data", (octets: Buffer) => (one.body += octets.toString("latin1")));
    request.on("end", () => {
      one.state = "whole";
      one.trailers = { ...request.trailers };
      if (!asked.has("early")) void answer(request, response, asked);
    });
    if (asked.has("early")) void answer(request, response, asked);
  };
  const server = http.createServer(handle);
  const app: Application = { server, seen, taken: 0, handle };
  server.on("upgrade", (_request, socket: Duplex) => {
    app.taken++;
    socket.destroy();
  });
  server.on("connect", (_request, socket: Duplex) => {
    app.taken++;
    socket.destroy();
  });
  return app;
}

const queryOf = (target: string): URLSearchParams => new URLSearchParams(target.split("?")[1]);

/** The application's answer to a request. */
export const said = (method: string, target: string): string => {
  const size = Number(queryOf(target).get("size") ?? 0);
  return `${method} ${target}\n${"x".repeat(size)}`;
};

/**
 * `delay` milliseconds, `status`, `size` octets more, in so many `pieces`, `close`; `never`, `destroy`; `early`: before
 * the body was read, `unread`: without reading it.
 */
async function answer(request: http.IncomingMessage, response: http.ServerResponse, asked: URLSearchParams) {
  if (asked.has("never")) return;
  if (asked.has("delay")) await sleep(Number(asked.get("delay")));
  if (asked.has("destroy")) {
    request.socket.destroy();
    return;
  }
  response.statusCode = Number(asked.get("status") ?? 200);
  if (asked.has("close")) response.setHeader("Connection", "close");
  if (asked.has("keep")) response.setHeader("Connection", "keep-alive");
  if (response.statusCode === 204 || response.statusCode === 304) {
    response.end();
    return;
  }
  const text = said(request.method!, request.url!);
  const pieces = Number(asked.get("pieces") ?? 1);
  // HTTP/1.0 has no chunks, and a body without length would end the connection.
  if (pieces === 1 || request.httpVersion === "1.0") response.setHeader("Content-Length", text.length);
  const length = Math.ceil(text.length / pieces);
  for (let at = length; at < text.length; at += length) {
    response.write(text.slice(at - length, at));
    if (at % 2 === 0) await new Promise(setImmediate);
  }
  response.end(text.slice(length * (Math.ceil(text.length / length) - 1)));
}

interface World {
  readonly gate: Gate;
  readonly app: Application;
  readonly door: Door;
  /** Requests that the gate gave to the application, refusals and malformed heads by code, other ends by code. */
  readonly accepted: string[];
  readonly refused: string[];
  readonly ends: Promise<ConnectionEnd>[];
  connect(way?: Way): Promise<Client>;
  /** Fails if anything is left over, or if the application saw anything but what the gate let through. */
  close(): Promise<void>;
}

export type Way = "tcp" | "memory";

export interface Setting {
  limits?: Partial<GateLimits>;
  app?: Application;
  echo?: WebSocketServer;
  /** The application need not have seen all that the gate let through. */
  disagree?: boolean;
}

export async function openWorld({
  limits = {},
  app = application(),
  echo,
  disagree = false,
}: Setting = {}): Promise<World> {
  const accepted: string[] = [];
  const refused: string[] = [];
  const ends: Promise<ConnectionEnd>[] = [];
  const clients: Client[] = [];
  const framer = wsFramer(echo ?? new WebSocketServer({ noServer: true }));
  const gate = createGate({
    vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "/live": framer } }],
    requests: app.server,
    limits,
  });
  gate.on("accepted", ({ upgrade, head, authority }) => {
    const host = head.targetForm === "absolute-form" ? String(authority) : head.field("host");
    if (!upgrade) accepted.push(`${head.method} ${head.requestTarget} ${host}`);
  });
  gate.on("refused", ({ code }) => refused.push(code));
  gate.on("malformed", ({ fault: { code } }) => refused.push(code));
  gate.on("abandoned", ({ code, stage }) => refused.push(`${code} ${stage}`));
  const door = await openDoor((socket) => ends.push(gate.adopt(socket).ended));
  return {
    gate,
    app,
    door,
    accepted,
    refused,
    ends,
    async connect(way = "tcp") {
      const client = way === "tcp" ? await door.connect() : door.connectInMemory();
      clients.push(client);
      return client;
    },
    async close() {
      for (const client of clients) client.stream.destroy();
      const settled = await Promise.all(ends);
      await door.close();
      assert.is(settled.length, door.sockets.length);
      assert.is(gate.pendingHeads, 0);
      settled.forEach((end, i) => {
        const socket = door.sockets[i]!;
        assert.ok(socket.destroyed, "a socket is open");
        if (end.kind === "handed-over") return;
        for (const event of ["data", "end", "timeout", "readable", "drain"]) {
          // net.Socket listens for its own 'end'.
          const own = event === "end" && socket instanceof net.Socket ? 1 : 0;
          assert.is(socket.listenerCount(event), own, `listeners for ${event}`);
        }
      });
      assert.is(app.taken, 0, "the server took an upgrade");
      const seen = app.seen.map(({ method, target, host }) => `${method} ${target} ${host}`);
      if (!disagree) assert.equal(seen, accepted);
    },
  };
}

/** What one connection came to. */
interface Outcome {
  readonly responses: Response[];
  readonly seen: Seen[];
  readonly refused: string[];
  readonly end: ConnectionEnd;
  readonly label: string;
}

export const CUTS: readonly Cut[] = ["whole", "octets", 1, 2, 3, 4];

/** Sends octets, in memory and over TCP, at every kind of cut, until the connection closes. */
export async function atEveryCut(
  octets: string | Buffer,
  methods: readonly string[],
  check: (outcome: Outcome) => void,
  setting: () => Setting = () => ({}),
): Promise<void> {
  const runs = (["tcp", "memory"] as const).flatMap((way) => CUTS.map((cut) => [way, cut] as const));
  for (const [way, cut] of runs) {
    const label = `${way}, ${cut}`;
    const world = await openWorld(setting());
    const client = await world.connect(way);
    await client.send(octets, cut);
    const responses = await named(label, client.all(methods));
    const end = await world.ends[0]!;
    await named(label, world.close());
    check({ responses, seen: world.app.seen, refused: world.refused, end, label });
  }
}

/** Adds to a failure where it happened. */
export async function named<T>(label: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Error) error.message = `${label}: ${error.message}`;
    throw error;
  }
}

/** Octets that the first connection's socket has been given to send. */
export const written = ({ door }: World): number => (door.sockets[0] as net.Socket).bytesWritten;
export const statuses = (responses: readonly Response[]): number[] => responses.map(({ statusCode }) => statusCode);
export const bodies = (responses: readonly Response[]): string[] =>
  responses.map(({ body }) => body.toString("latin1"));
export const targets = (seen: readonly Seen[]): string[] => seen.map(({ target }) => target);

export const get = (target: string, fields = ""): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
export const last = get("/last", "Connection: close\r\n");
export const post = (target: string, body: string, fields = ""): string =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
export const chunks = (target: string, body: string, fields = ""): string =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\n${fields}Transfer-Encoding: chunked\r\n\r\n${body}`;

export const foreign = "GET /foreign HTTP/1.1\r\nHost: b\r\n\r\n";

export const expecting = (target: string): string =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`;

export const handshake = (host: string): string => `GET /live HTTP/1.1\r\nHost: ${host}\r\n${handshakeFields}\r\n`;

/** Fails where a socket, a server or a timer of earlier tests is left. */
export async function nothingIsLeft(): Promise<void> {
  const left = (): string[] => process.getActiveResourcesInfo().filter((name) => /^(?:TCP|Timeout)/.test(name));
  try {
    await until(
      () => left().length === 0,
      () => `nothing is left, and not ${left()}`,
    );
  } finally {
    await closeDoors();
  }
}
