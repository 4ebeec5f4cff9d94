// In:    from its parent: questions.
// Out:   to its parent: the ports of all doors; when all clients have gone, what the process still has.
// Never: runs tests; test/attack/stress.test.ts starts it.

import { EventEmitter } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import http, { IncomingMessage, OutgoingMessage } from "node:http";
import http2, { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import https from "node:https";
import net, { type AddressInfo, type Server } from "node:net";
import { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import { queryObjects } from "node:v8";
import { Connection } from "#src/connection/connection.js";
import { RequestFilter } from "#src/connection/http1/filter.js";
import { Exchange } from "#src/connection/http2/stream.js";
import { Authorizing } from "#src/connection/phases/authorizing.js";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { RequestHead } from "#src/head/request-head.js";
import { certificate } from "./certificate.js";
import {
  authorize,
  held,
  listen,
  owing,
  passThrough,
  respond,
  strays,
  subscribeAll,
  take,
  unsettled,
} from "./stress-application.js";
import { type Door, doors } from "./stress-ways.js";
import "./heard.js";

/** What the process has, once every client is gone and the application has let go what it had kept. */
export interface Left {
  /** Connections that are open, besides those that the application keeps. */
  readonly sockets: number;
  readonly pendingHeads: number;
  /** Adoptions that have not ended, beyond those whose framer's promise is pending; framers of a guard count there as well. */
  readonly endless: number;
  /** Their sockets, if there are any. */
  readonly kept: readonly string[];
  /** Objects that are alive, by their class. */
  readonly objects: Readonly<Record<string, number>>;
  readonly heap: number;
  /** Errors that the application threw for the process to catch, and, in `unheard`, those that did not reach it. */
  readonly thrown: number;
  readonly unheard: readonly string[];
  /** Errors that reached the process though the application did not throw them for it. */
  readonly strays: readonly string[];
}

const classes = [
  ...[Connection, RequestFilter, Exchange, Authorizing, RequestHead, AbortController],
  ...[Duplex, IncomingMessage, OutgoingMessage, Http2ServerRequest, Http2ServerResponse, EventEmitter, Promise],
];

const { key, cert } = certificate();
/** Connections of servers of node:http2, which forgets some that broke a rule or were reset. A guard cannot end them. */
const nodes = new Set<Duplex>();
/** Adopted sockets whose adoption has not ended, with their doors. */
const adopted = new Map<Duplex, Door>();
const gates: Gate[] = [];

function makeGate(options: Partial<GateOptions>): Gate {
  const gate = createGate({
    vhosts: [{ name: "localhost", port: "any", upgrades: { "/upgrade/*": take } }],
    authorize,
    limits: { headTimeout: 150, authorizeTimeout: 80, lingerTimeout: 60, idleTimeout: 150, streams: 20 },
    ...options,
  });
  gates.push(gate);
  listen(gate, gates.length % 3 !== 0);
  return gate;
}

function adopting(door: Door, options: Partial<GateOptions>): (socket: Duplex) => void {
  const gate = makeGate({ requests: respond, ...options });
  return (socket) => {
    adopted.set(socket, door);
    void gate.adopt(socket).ended.then(() => adopted.delete(socket));
  };
}

/** What a socket that should be gone waits for. */
function facts(socket: Duplex, door: Door): string {
  const { destroyed, readableEnded, readableLength, writableEnded, writableFinished, writableLength } = socket;
  const { bytesRead, bytesWritten } = socket as net.Socket;
  const all = {
    destroyed,
    readableEnded,
    readableLength,
    writableEnded,
    writableFinished,
    writableLength,
    bytesRead,
    bytesWritten,
  };
  return JSON.stringify({ door, ...all, isPaused: socket.isPaused(), events: socket.eventNames().map(String) });
}

function guarding<Guarded extends Server>(server: Guarded, strict = false): Guarded {
  server.on("request", respond);
  makeGate({}).guard(server as never, strict ? { mode: "filter" } : {});
  return server;
}

const settings = { enableConnectProtocol: true };
const terms = { "*": { key, cert } };
const openings: Record<Door, () => Server> = {
  adopted: () => net.createServer(adopting("adopted", {})),
  "adopted and recognized": () =>
    net.createServer(
      adopting("adopted and recognized", { tls: terms, fallback: passThrough, http2: { cleartext: true } }),
    ),
  "adopted from TLS": () =>
    tls
      .createServer({ key, cert, ALPNProtocols: ["h2", "http/1.1"] })
      .on("secureConnection", adopting("adopted from TLS", {})),
  "adopted behind PROXY": () => {
    const trust = { from: ["127.0.0.1"], proxyProtocol: true } as const;
    return net.createServer(adopting("adopted behind PROXY", { tls: terms, http2: { cleartext: true }, trust }));
  },
  http: () => guarding(http.createServer()),
  https: () => guarding(https.createServer({ key, cert })),
  "http, strict": () => guarding(http.createServer(), true),
  "https, strict": () => guarding(https.createServer({ key, cert }), true),
  http2: () => guarding(http2.createServer({ settings }) as unknown as Server),
  "http2, secure": () =>
    guarding(http2.createSecureServer({ key, cert, settings, allowHTTP1: true }) as unknown as Server),
};

function openDoor(door: Door): Promise<number> {
  const server = openings[door]();
  server.on("tlsClientError", () => {});
  if (door.startsWith("http2")) {
    server.on("connection", (socket: Duplex) => {
      nodes.add(socket);
      socket.once("close", () => nodes.delete(socket));
    });
  }
  return new Promise((resolve) => {
    server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, () => resolve((server.address() as AddressInfo).port));
  });
}

function isSocket(descriptor: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith("socket:");
  } catch {
    return false;
  }
}

const sockets = (): number => readdirSync("/proc/self/fd").filter(isSocket).length;

/** Waits until it is so, but not forever: what is left is then reported. */
async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 3000 && !isSo(); i++) await sleep(10);
}

async function left(): Promise<Left> {
  await until(() => sockets() <= atFirst + held.size + nodes.size);
  const beside = sockets() - held.size - nodes.size;
  for (const socket of [...held, ...nodes]) socket.destroy();
  await until(() => sockets() <= atFirst && owing().unheard.length === 0);
  const waiting = (): number => gates.reduce((sum, gate) => sum + gate.pendingHeads, 0);
  // A descriptor is closed before its socket reports that.
  await until(() => waiting() === 0);
  const pendingHeads = waiting();
  for (let i = 0; i < 5; i++) {
    await sleep(20);
    (globalThis as { gc?: () => void }).gc!();
  }
  const { heapUsed } = process.memoryUsage();
  const endless = Math.max(0, adopted.size - unsettled);
  const kept = endless === 0 ? [] : Array.from(adopted, ([socket, door]) => facts(socket, door));
  const objects = Object.fromEntries(classes.map((each) => [each.name, queryObjects(each as never) as number]));
  return {
    ...{ sockets: Math.max(beside, sockets()) - atFirst, pendingHeads, endless, kept },
    ...{ objects, heap: heapUsed },
    ...{ ...owing(), strays: strays.splice(0) },
  };
}

subscribeAll();
const ports: Partial<Record<Door, number>> = {};
for (const door of doors) ports[door] = await openDoor(door);
const atFirst = sockets();
process.send!(ports);
process.on("message", async () => process.send!(await left()));
process.on("disconnect", () => process.exit());
