// In:    sockets, from whatever way in.
// Out:   a gate on which the contract of ways in can see what became of them.
// Never: knows which way they came.

import { readdirSync, readlinkSync } from "node:fs";
import type { Duplex } from "node:stream";
import { createGate, type Gate } from "../gate.js";
import type { AdoptOptions, GateOptions } from "../gate-options.js";
import type { Handover } from "../handover/framer.js";
import { NO_LISTEN_SERVER } from "../policy/vhost.js";

/** Milliseconds, of the contract's gate. */
export const HEAD_TIMEOUT = 600;
const AUTHORIZE_TIMEOUT = 400;

/** What the process of the gate has of the contract's sockets. */
export interface ContractState {
  readonly adopted: number;
  readonly ended: number;
  readonly pendingHeads: number;
  /** Descriptors of sockets that the process has open, whosever they are; 0 where there is no /proc. */
  readonly sockets: number;
  /** What a socket had listeners for when its framer got it and not before. */
  readonly leftBehind: readonly string[];
}

export interface ContractGate {
  readonly gate: Gate;
  /** In the place of `gate.adopt`. */
  adopt(socket: Duplex, options?: AdoptOptions): void;
  state(): ContractState;
}

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\n\r\n";

type Listeners = ReadonlyMap<string | symbol, number>;

const listenersOf = (socket: Duplex): Listeners =>
  new Map(socket.eventNames().map((name) => [name, socket.listenerCount(name)]));

function openSockets(): number {
  try {
    return readdirSync("/proc/self/fd").filter(isSocket).length;
  } catch {
    return 0;
  }
}

function isSocket(descriptor: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith("socket:");
  } catch {
    return false;
  }
}

/** Sends back all that comes, from the first octet after the head on. */
function echo({ socket, rest }: Handover): void {
  socket.on("error", () => {});
  socket.write(SWITCHING);
  if (rest.length > 0) socket.write(rest);
  socket.pipe(socket);
}

/**
 * The gate that a way in has to lead to, for `wayInContract`: in this process or in another one. `options`: what the way needs besides,
 * such as `tls` or `trust`. `unseen`: the listeners of sockets that the gate makes of those that it is given, such as a TLSSocket.
 */
export function wayInGate(
  options: Partial<GateOptions> = {},
  unseen: ReadonlyMap<string | symbol, number> = new Map(),
): ContractGate {
  let [adopted, ended] = [0, 0];
  const leftBehind = new Set<string>();
  const found = new WeakMap<Duplex, Listeners>();
  const state = (): ContractState => ({
    adopted,
    ended,
    pendingHeads: gate.pendingHeads,
    sockets: openSockets(),
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
    requests: (request, response) => {
      const octets: Buffer[] = [];
      request.on("data", (piece: Buffer) => octets.push(piece));
      request.on("end", () => response.end(Buffer.concat(octets)));
    },
    authorize: async (head) => {
      if (head.path === "/late") await new Promise((resolve) => setTimeout(resolve, 30));
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
