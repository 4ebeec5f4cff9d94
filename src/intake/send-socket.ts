// In:    sockets from which this process has read nothing, or a head or a ClientHello and no octet more; a child process.
// Out:   the same sockets in the child, with every octet that was read here.
// Never: sends a socket that may lose octets on the way, or one that speaks TLS here.

import { type ServerOpts, Socket } from "node:net";
import { type Arrival, type ArrivalHints, hintsFrom, proxiedArrival } from "../arrival/arrival.js";
import type { Framer, Handover } from "../handover/framer.js";
import { tls } from "../handover/node-modules.js";
import type { Passthrough, RawConnection } from "../handover/passthrough.js";
import { NOTHING } from "../head/kernel/latin1.js";
import { checkDetails, readRest, type SocketDetails, seal } from "./socket-message.js";

/**
 * Options of a `net.Server` whose sockets can be sent to another process: `createServer(UNREAD, listener)`. Such a socket is only
 * read on demand, one piece at a time; between pieces the operating system keeps what arrives. From any other socket
 * Node keeps reading while the socket travels, and those octets are lost.
 */
export const UNREAD: Readonly<ServerOpts> = Object.freeze({ pauseOnConnect: true, highWaterMark: 0 });

/** A `ChildProcess` with a channel, as `fork` makes it, or a `cluster.Worker`. */
export interface Child {
  send(message: object, socket: Socket, sent: (error: Error | null) => void): boolean;
  on(event: "disconnect" | "exit", listener: () => void): unknown;
}

/** Where a child keeps the sockets that are not sent yet: all of them share one listener. */
const UNSENT = Symbol("headgate.unsent");

interface Occupied extends Child {
  [UNSENT]?: Set<(error: Error) => void>;
}

/**
 * Sends a socket of an `UNREAD` server to a child process, where `receiveSockets(process)` yields it. `rest`: everything that was
 * read from it here. Resolves when the socket has been sent; from then on it belongs to the child. Rejects if the child or the
 * client is gone; then the socket still belongs to the caller.
 *
 * Throws `TypeError` for a socket that would lose octets: one that reads by itself, or from which more was read than `rest` has;
 * and for TLS, whose state cannot travel.
 */
export function sendSocket(child: Child, socket: Socket, given: SocketDetails = {}): Promise<void> {
  checkDetails(given, "sendSocket");
  const { rest = NOTHING, arrival = {} } = given;
  return send(child, socket, readRest(rest), arrival, 0);
}

/** `kept`: octets before `rest` that were read here and are not sent. */
function send(child: Child, socket: Socket, rest: Uint8Array, arrival: ArrivalHints, kept: number): Promise<void> {
  checkChild(child);
  checkUnread(socket, rest.length + kept);
  if (socket.destroyed) return Promise.reject(new Error("the socket was destroyed before it could be sent"));
  const unsent = unsentOf(child);
  // The socket is not read, so it may wait its turn: Node sends one at a time.
  return new Promise((resolve, reject) => {
    unsent.add(reject);
    child.send(seal(rest, arrival), socket, (error) => {
      unsent.delete(reject);
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/**
 * A framer for `upgrades`: the upgrade is ruled on here, and the child gets the socket with the head and everything
 * after it, as if it had not been read. In `tls`, or as `fallback`, it is a passthrough: the child gets the connection unread.
 * `child` may be a function that chooses a child for each handover.
 *
 * The gate must have the socket from an `UNREAD` server, and an upgrade must be its first request. Otherwise the handover fails
 * with the `TypeError` of `sendSocket`, and the client of an upgrade gets 500.
 */
export function toProcess(child: Child): Framer & Passthrough;
export function toProcess(choose: (handover: Handover) => Child): Framer;
export function toProcess(choose: (handover: RawConnection) => Child): Passthrough;
export function toProcess(child: Child | ((handover: Handover & RawConnection) => Child)): Framer & Passthrough {
  if (typeof child !== "function") checkChild(child);
  return {
    take(handover: Handover | RawConnection): Promise<void> {
      const { socket, rest, arrival } = handover;
      const chosen = typeof child === "function" ? child(handover as Handover & RawConnection) : child;
      const octets = "head" in handover ? Buffer.concat([Buffer.from(handover.head.toString(), "latin1"), rest]) : rest;
      return send(chosen, socket as Socket, octets, givenOf(arrival), arrival.proxy?.size ?? 0);
    },
  };
}

/**
 * The facts that the child cannot read from the socket. For a request that a trusted hop forwarded, the child reads the client's
 * addresses from the head again, and needs those of the connection.
 */
function givenOf(arrival: Arrival): ArrivalHints {
  const { proxy, forwarding } = arrival;
  if (forwarding === undefined) return hintsFrom(arrival);
  if (proxy?.command !== "PROXY") return {};
  return hintsFrom(proxiedArrival(NOTHING_KNOWN, proxy, proxy.hop, proxy.size));
}

const NOTHING_KNOWN: Arrival = Object.freeze({ scheme: "http", schemeSource: "default" });

function unsentOf(child: Occupied): Set<(error: Error) => void> {
  if (child[UNSENT] !== undefined) return child[UNSENT];
  const unsent = new Set<(error: Error) => void>();
  child[UNSENT] = unsent;
  // Node drops waiting sockets when the channel closes, and may not report the close if the child was killed.
  const forget = (): void => {
    for (const reject of unsent) reject(new Error("the child process has closed its channel"));
    unsent.clear();
  };
  child.on("disconnect", forget);
  child.on("exit", forget);
  return unsent;
}

function checkChild(child: Child): void {
  if (typeof child?.send !== "function" || typeof child.on !== "function") {
    throw new TypeError(
      "a socket is sent to a child process with a channel: fork() of node:child_process, or a cluster.Worker",
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
