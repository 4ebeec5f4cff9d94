// In:    sockets from which this process has read nothing, or a head or a ClientHello and no octet more; a child process.
// Out:   the same sockets in the child, with every octet that was read here.
// Never: sends a socket that may lose octets on the way, or one that speaks TLS here.

import { type ServerOpts, Socket } from "node:net";
import type { ArrivalHints } from "../arrival/arrival.js";
import { tls } from "../handover/node-modules.js";
import { NOTHING } from "../head/kernel/latin1.js";
import { describe } from "../head/options.js";
import { type Child, ChildLink } from "./child-link.js";
import { timeLimits } from "./limits.js";
import { checkDetails, readRest, type SentDecision, type SocketDetails, seal } from "./socket-message.js";

/**
 * Options of a `net.Server` whose sockets can be sent to another process: `createServer(UNREAD, listener)`. Such a socket is only
 * read on demand, one piece at a time; between pieces the operating system keeps what arrives. From any other socket
 * Node keeps reading while the socket travels, and those octets are lost.
 */
export const UNREAD: Readonly<ServerOpts> = Object.freeze({ pauseOnConnect: true, highWaterMark: 0 });

/**
 * Sends a socket of an `UNREAD` server to a child process, where `receiveSockets(process)` yields it. `rest`: everything that was
 * read from it here. Resolves when the child has acknowledged the socket, which belongs to it from then on. Rejects if the child or
 * the client is gone, or the child has not acknowledged the socket in time; then it still belongs to the caller, with every octet.
 *
 * Throws `TypeError` for a socket that would lose octets: one that reads by itself, or from which more was read than `rest` has;
 * for one that is on its way already; and for TLS, whose state cannot travel.
 */
export function sendSocket(child: Child, socket: Socket, given: SocketDetails = {}): Promise<void> {
  checkDetails(given, "sendSocket");
  const { rest = NOTHING, arrival = {}, limits } = given;
  const { acknowledgeTimeout } = timeLimits(limits);
  checkChild(child);
  return send(child, { socket, rest: readRest(rest), arrival, decision: null, kept: 0 }, acknowledgeTimeout, () => {});
}

/** What goes to a child. `kept`: octets before `rest` that were read here and are not sent. */
export interface Outgoing {
  readonly socket: Socket;
  readonly rest: Uint8Array;
  readonly arrival: ArrivalHints;
  readonly decision: SentDecision | null;
  readonly kept: number;
}

/** As `sendSocket`. `lost` is called if the child dies with the socket. */
export function send(child: Child, outgoing: Outgoing, timeout: number, lost: () => void): Promise<void> {
  const { socket, rest, arrival, decision, kept } = outgoing;
  checkUnread(socket, rest.length + kept);
  if (socket.destroyed) return Promise.reject(new Error("the socket was destroyed before it could be sent"));
  const travelling: Travelling = socket;
  if (travelling[UNDERWAY]) throw new TypeError("the socket is on its way to a child already, and can have one owner");
  // Otherwise the server would ask its children for their sockets as it closes, and never emit 'close' once all of them are gone.
  const { server } = travelling;
  travelling[UNDERWAY] = true;
  travelling.server = null;
  // The socket is not read, so it may wait its turn.
  return ChildLink.of(child)
    .send(socket, seal(rest, arrival, decision), timeout, lost)
    .catch((cause) => {
      travelling[UNDERWAY] = false;
      travelling.server = server;
      throw cause;
    });
}

/** A child is to acknowledge the socket. */
const UNDERWAY = Symbol("headgate.underway");

/** `server`: by which Node finds the server of a socket that it sends. */
interface Travelling extends Socket {
  [UNDERWAY]?: boolean;
  server?: unknown;
}

/** Throws `TypeError` for anything but a child process. */
export function checkChild(child: unknown): asserts child is Child {
  const { send, on } = (child ?? {}) as Partial<Child>;
  if (typeof send !== "function" || typeof on !== "function") {
    throw new TypeError(
      `a socket is sent to a child process with a channel: fork() of node:child_process, or a cluster.Worker; this is ${describe(child)}`,
    );
  }
}

/** `known`: the octets that the caller knows were read from it. */
function checkUnread(socket: Socket, known: number): void {
  if (socket instanceof tls().TLSSocket) {
    throw new TypeError(
      "TLS state cannot travel with a passed handle; send the raw socket and speak TLS in the child, or adopt it here",
    );
  }
  if (!(socket instanceof Socket))
    throw new TypeError("only a net.Socket can be sent to a process; adopt other streams here");
  if (socket.readableHighWaterMark !== 0 || socket.readableFlowing !== false) {
    throw new TypeError(
      "the socket reads by itself, and bytes that it reads on its way to the child would be lost; make its server with " +
        "createServer(UNREAD, listener), and do not listen for 'data'",
    );
  }
  if (socket.bytesRead !== known) {
    throw new TypeError(
      `${socket.bytesRead} octets were read from the socket, and rest has ${known}; the others would be lost`,
    );
  }
}
