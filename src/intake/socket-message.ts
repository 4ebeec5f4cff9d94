// In:    what a parent process knows about a socket that it sends to a child; the messages of the two about it.
// Out:   the messages between them, and their content.
// Never: touches a socket.

import { type Arrival, type ArrivalHints, readArrival } from "../arrival/arrival.js";
import { checkArrivalHints } from "../arrival/check.js";
import { countOctets, viewOf } from "../head/kernel/latin1.js";
import { checkSettings, describe } from "../head/options.js";
import type { Acceptance, AuthoritySource } from "../policy/decision.js";

/** What the sender of a socket knows about it; `AdoptOptions` has the same names. */
export interface SocketDetails {
  /** Octets that were already read from the socket. */
  rest?: Uint8Array | undefined;
  /** What is known about the connection and cannot be read from the socket. */
  arrival?: ArrivalHints | undefined;
  /** The time that the child has. */
  limits?: { [Name in "acknowledgeTimeout"]?: number | undefined } | undefined;
}

/** The decision by which a parent sends a socket: its facts, without the head, which is the first of `rest`. */
export interface SentDecision {
  readonly kind: "accepted";
  /** False for a request: the socket was sent at its first one. */
  readonly upgrade: boolean;
  /** The name of the vhost. */
  readonly vhost: string;
  /** Of an upgrade: the path pattern that claims it. */
  readonly pattern: string | null;
  /** The host and port that the request is for, as text; null if it names none. */
  readonly authority: string | null;
  readonly authoritySource: AuthoritySource;
  readonly port: number | null;
  /** Of the request, with what trusted hops state. */
  readonly arrival: Arrival;
}

/** What goes with a socket. */
export interface Sealed {
  readonly rest: string;
  readonly arrival: ArrivalHints;
  readonly decision: SentDecision | null;
}

/** From the parent; each socket has a number of its own. */
export type ParentMessage =
  /** Whether the child receives sockets. */
  | { readonly kind: "asks" }
  | ({ readonly kind: "socket"; readonly id: number } & Sealed)
  /** The socket that the child has acknowledged belongs to it. */
  | { readonly kind: "yours"; readonly id: number }
  /** The socket has another owner; the child closes its copy. */
  | { readonly kind: "back"; readonly id: number }
  /** No socket follows that was sent before the child left; `id` is that of its `leaves`. */
  | { readonly kind: "bye"; readonly id: number };

/** From the child. */
export type ChildMessage =
  | { readonly kind: "receives" }
  /** Acknowledges a socket: the child takes it. */
  | { readonly kind: "takes"; readonly id: number }
  /** A socket that was the child's has closed. */
  | { readonly kind: "closed"; readonly id: number }
  /** The child receives no more sockets. It may repeat this, with another number, if the parent asks afterwards. */
  | { readonly kind: "leaves"; readonly id: number };

/** Throws `TypeError` for an unknown name, or an invalid value. */
export function checkDetails(given: SocketDetails, what: string): void {
  checkSettings(given, ["rest", "arrival", "limits"], what);
  if (given.arrival !== undefined) checkArrivalHints(given.arrival, "arrival");
}

/** The octets that were already read, whatever length their array claims. Throws `TypeError` for anything else. */
export function readRest(rest: unknown): Uint8Array {
  if (!(rest instanceof Uint8Array)) {
    // Its text may have cookies.
    const found = typeof rest === "string" ? 'a string; write Buffer.from(it, "latin1")' : describe(rest);
    throw new TypeError(`rest must be the octets already read, a Uint8Array; it is ${found}`);
  }
  const octets = viewOf(rest, 0, countOctets(rest));
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length);
}

/** Text, so that every serialization of a channel can carry it. */
export function seal(rest: Uint8Array, arrival: ArrivalHints, decision: SentDecision | null): Sealed {
  return { rest: Buffer.from(rest).toString("base64"), arrival, decision };
}

export function unseal({ rest, arrival, decision }: Sealed): {
  rest: Uint8Array;
  arrival: ArrivalHints;
  decision: SentDecision | null;
} {
  return { rest: Buffer.from(rest, "base64"), arrival, decision };
}

export function factsOf(decision: Acceptance): SentDecision {
  const { kind, upgrade, vhost, pattern = null, authority, authoritySource, port, arrival } = decision;
  const { forwarding } = arrival;
  const read = { ...readArrival(arrival), ...(forwarding !== undefined && { forwarding }) };
  const host = authority === null ? null : String(authority);
  return { kind, upgrade, vhost: vhost.name, pattern, authority: host, authoritySource, port, arrival: read };
}

export function envelope<Message extends ParentMessage | ChildMessage>(message: Message): { headgate: Message } {
  return { headgate: message };
}

/** Null for the messages of others. */
export function opened<Message extends ParentMessage | ChildMessage>(message: unknown): Message | null {
  const { headgate } = (message ?? {}) as { headgate?: Message };
  return typeof headgate?.kind === "string" ? headgate : null;
}
