// In:    a connection whose socket the gate has just got; its octets while a head, or what precedes one, is awaited.
// Out:   whether it may begin; the meaning of the octets, acted on by the connection.
// Never: keeps anything: a connection that waits for its head is its own phase, so that it needs no further object.

import type { Duplex } from "node:stream";
import { type Arrival, proxiedArrival, readArrival } from "../../arrival/arrival.js";
import { alert } from "../../arrival/tls/alert.js";
import type { ClientHello } from "../../arrival/tls/client-hello.js";
import type { Trust } from "../../arrival/trust.js";
import type { FramerLike } from "../../handover/framer.js";
import type { PassthroughLike } from "../../handover/passthrough.js";
import type { Context, Secures } from "../../outcome/context.js";
import type { AbandonedCode } from "../../outcome/end.js";
import { GOAWAY } from "../http2/session.js";
import type { Recognized, Ruled, Step } from "../input.js";
import { guardErrors, type Keeper, listen } from "../socket.js";
import type { Full, Phased } from "./phase.js";

/** What may follow a head, or the octets before one. */
export interface Switchboard extends Phased {
  /** There is a choice between protocols; otherwise all is HTTP/1.1. */
  readonly recognizes: boolean;
  /** It is one of the connections that wait for a head. */
  readonly awaitsHead: boolean;
  /** On the adopted TLS socket, HTTP/2 was agreed on. */
  readonly agreedOnHttp2: boolean;
  act(ruled: Ruled<FramerLike>): void;
  speakHttp2(octets: Uint8Array): void;
  secure(secures: Secures, octets: Uint8Array): void;
  pass(passthrough: PassthroughLike, hello: ClientHello | null, octets: Uint8Array): void;
}

/**
 * Listens to the socket. False if the connection may not begin, and has ended; one too many is answered in the protocol that it speaks.
 * `rest`: octets that were read from the socket.
 */
export function begins(connection: Switchboard & Keeper, rest: Uint8Array): boolean {
  guardErrors(connection.socket);
  if (!mayBegin(connection, rest)) return false;
  listen(connection.socket, connection);
  return connection.mayWait(whyFull(connection), connection.agreedOnHttp2 ? GOAWAY : undefined);
}

/** False if it may not begin, and has ended. */
function mayBegin(connection: Switchboard, rest: Uint8Array): boolean {
  const { socket, context } = connection;
  const end = (code: AbandonedCode, stage = connection.stage): false => {
    connection.abandon(code, undefined, stage);
    socket.destroy();
    return false;
  };
  // A client that has ended may have sent a request before, and may still read.
  if (socket.destroyed || socket.writableEnded || (socket.readableEnded && rest.length === 0)) {
    return end(socket.destroyed ? "SOCKET_DESTROYED" : "PEER_ENDED");
  }
  const { trust } = context.policy;
  if (trust === null) return true;
  // Read now: trust depends on the address, and a reset connection loses it.
  connection.learn(connection.arrival);
  const unannounced = whyUnannounced(trust, connection.arrival);
  if (unannounced === null) return true;
  return end(unannounced, unannounced === "PROXY_UNTRUSTED" ? "proxy" : connection.stage);
}

/** Why a connection that has to begin with a PROXY header, and may not, is abandoned; null for others. */
function whyUnannounced(trust: Trust, arrival: Arrival): "PROXY_UNTRUSTED" | "PEER_ENDED" | null {
  if (!trust.proxyProtocol || trust.trustedPeer(arrival) !== null) return null;
  const { remoteAddress, localAddress } = arrival;
  // It was reset before its address was read, as HAProxy's health checks are: it is not an untrusted peer.
  return remoteAddress === undefined && localAddress !== undefined ? "PEER_ENDED" : "PROXY_UNTRUSTED";
}

/** Why the gate has no room for the newest connection; null if it has. */
function whyFull({ context }: Switchboard): Full | null {
  const { limits, lingering, open } = context;
  if (open.state === "drained") return "DRAINED";
  return open.size + lingering.size > limits.maxConnections ? "CONNECTIONS_TOO_MANY" : null;
}

export function readHead(connection: Switchboard, octets: Uint8Array): void {
  follow(connection, connection.input.receive(octets, connection));
}

function follow(connection: Switchboard, step: Step<FramerLike>): void {
  const { context, socket } = connection;
  const { heads } = context;
  switch (step.kind) {
    case "wait":
      if (!heads.has(connection)) connection.mayWait(heads.admit(connection));
      return;
    case "announced": {
      const { arrival } = connection;
      const hop = context.policy.trust!.trustedPeer(arrival)!;
      connection.learn(proxiedArrival(arrival, step.header, hop, step.size));
      // The time for the head began at adoption.
      if (connection.agreedOnHttp2) connection.speakHttp2(step.rest);
      else readHead(connection, step.rest);
      if (connection.awaitsHead) connection.mayWait(heads.recount(connection));
      return;
    }
    case "not announced":
      // Octets that begin like neither version are not a malformed PROXY header, but a missing one.
      connection.abandon(
        step.fault.code === "PROXY_SIGNATURE" ? "PROXY_MISSING" : "PROXY_MALFORMED",
        step.fault,
        "proxy",
      );
      socket.destroy();
      return;
    case "recognized":
      recognized(connection, step.first);
      return;
    case "no hello":
      connection.abandon("TLS_MALFORMED", step.fault, "tls");
      connection.close(alert("decode_error"));
      return;
    default:
      if (step.kind === "decided") context.reports.timed("head", heads.waited(connection), step.decision.arrival);
      // A listener may have ended it.
      if (connection.input.isOver) return;
      heads.remove(connection);
      connection.act(step);
  }
}

/** Continues according to the protocol. */
function recognized(connection: Switchboard, { protocol, hello, octets }: Recognized): void {
  const { fallback, http2 } = connection.context;
  if (hello !== null) helloCame(connection, hello, octets);
  else if (protocol === "h2" && http2?.cleartext) {
    connection.input.become("reading");
    connection.speakHttp2(octets);
  }
  // For a protocol that is not spoken here, the HTTP/1.1 parser reports the fault.
  else if ((protocol === "h2" || protocol === "other") && fallback !== undefined)
    connection.pass(fallback, null, octets);
  else {
    connection.input.become("reading");
    readHead(connection, octets);
  }
}

function helloCame(connection: Switchboard, hello: ClientHello, octets: Uint8Array): void {
  const { serverName } = hello;
  connection.learn({ ...readArrival(connection.arrival), serverName });
  const route = connection.context.tls!.find(serverName);
  switch (route?.kind) {
    case "secure":
      connection.secure(route.terminator, octets);
      return;
    case "pass":
      connection.pass(route.passthrough, hello, octets);
      return;
    default:
      connection.abandon("SERVER_NAME_UNKNOWN", undefined, "tls");
      // RFC 6066 §3, RFC 8446 §9.2
      connection.close(alert(serverName === null ? "missing_extension" : "unrecognized_name"));
  }
}

/** There is a choice between protocols; TLS is never looked for within TLS. */
export function recognizes({ tls, fallback, http2 }: Context, socket: Duplex): boolean {
  const isChoice = tls !== null || fallback !== undefined || http2?.cleartext === true;
  return isChoice && (socket as { encrypted?: boolean }).encrypted !== true;
}
