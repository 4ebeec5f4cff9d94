// In:    sockets, from whatever way in.
// Out:   a gate on which the contract can see what became of them.
// Never: knows which way they came.

import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import {
  type AdoptOptions,
  createGate,
  type Gate,
  type GateOptions,
  type Handover,
  NO_LISTEN_SERVER,
} from "#src/index.js";
import { certificate } from "../support/certificate.js";
import { streamPair } from "../support/tcp.js";

export const HEAD_TIMEOUT = 600;
export const AUTHORIZE_TIMEOUT = 400;

/** What a process has of the contract's sockets. */
export interface State {
  readonly adopted: number;
  readonly ended: number;
  readonly pendingHeads: number;
  /** Descriptors of sockets that the process has open, whosever they are. */
  readonly sockets: number;
  /** What a socket had listeners for when its framer got it and not before: `error` alone, if anything. */
  readonly leftBehind: readonly string[];
}

export interface ContractGate {
  readonly gate: Gate;
  adopt(socket: Duplex, options?: AdoptOptions): void;
  state(): State;
}

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\n\r\n";

function isSocket(descriptor: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith("socket:");
  } catch {
    return false;
  }
}

type Listeners = ReadonlyMap<string | symbol, number>;

const listenersOf = (socket: Duplex): Listeners =>
  new Map(socket.eventNames().map((name) => [name, socket.listenerCount(name)]));

/** What Node itself listens for on a TLSSocket that a server has made. */
export async function listenersOfTls(): Promise<Listeners> {
  const server = tls.createServer(certificate());
  const [near, far] = streamPair();
  const client = tls.connect({ socket: near, rejectUnauthorized: false });
  const secured = once(server, "secureConnection");
  server.emit("connection", far);
  const listeners = listenersOf((await secured)[0]);
  client.destroy();
  return listeners;
}

/** Sends back all that comes, from the first octet behind the head on. */
function echo({ socket, rest }: Handover): void {
  socket.on("error", () => {});
  socket.write(SWITCHING);
  if (rest.length > 0) socket.write(rest);
  socket.pipe(socket);
}

/** `unseen`: the listeners of sockets that the gate has made of those that it was given. */
export function openContractGate(options: Partial<GateOptions> = {}, unseen: Listeners = new Map()): ContractGate {
  let [adopted, ended] = [0, 0];
  const leftBehind = new Set<string>();
  const found = new WeakMap<Duplex, Listeners>();
  const state = (): State => ({
    adopted,
    ended,
    pendingHeads: gate.pendingHeads,
    sockets: readdirSync("/proc/self/fd").filter(isSocket).length,
    leftBehind: [...leftBehind],
  });
  const compared = (handover: Handover): void => {
    const before = found.get(handover.socket) ?? unseen;
    for (const [name, number] of listenersOf(handover.socket)) {
      if (number > (before.get(name) ?? 0)) leftBehind.add(String(name));
    }
    echo(handover);
  };
  const gate = createGate({
    vhosts: [
      {
        name: "a",
        port: NO_LISTEN_SERVER,
        upgrades: {
          "/echo": compared,
          "/late": echo,
          "/never": echo,
          "/throw": () => {
            throw new Error("a framer that fails");
          },
          "/state": ({ socket }) => void socket.resume().end(SWITCHING + JSON.stringify(state())),
        },
      },
    ],
    requests: (request, response) => void request.pipe(response),
    authorize: async (head) => {
      if (head.path === "/late") await sleep(30);
      if (head.path === "/never") await new Promise(() => {});
      return true;
    },
    limits: {
      headTimeout: HEAD_TIMEOUT,
      authorizeTimeout: AUTHORIZE_TIMEOUT,
      lingerTimeout: 400,
      earlyBytes: 1_000_000,
    },
    ...options,
  });
  return {
    gate,
    state,
    adopt(socket, options) {
      adopted++;
      found.set(socket, listenersOf(socket));
      gate.adopt(socket, options).ended.then(() => ended++);
    },
  };
}
