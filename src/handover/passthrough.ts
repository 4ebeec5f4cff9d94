// In:    nothing.
// Out:   the interface between the gate and the code that takes connections which the gate does not read.
// Never: names a protocol or a library.

import type { Duplex } from "node:stream";
import type { Arrival } from "../arrival/arrival.js";
import type { ClientHello } from "../arrival/tls/client-hello.js";
import type { LOST } from "./framer.js";

/** A connection that has not been interpreted, on its way to its next owner. */
export interface RawConnection {
  /** Paused. The gate listens for its close alone, and will not touch it before the time of a drain is up. */
  readonly socket: Duplex;
  /** Every octet that has arrived, from the first after a PROXY header on; no other copy exists. */
  readonly rest: Uint8Array;
  /** What a TLS client asks for; its octets are in `rest`. Null if the connection is neither TLS nor HTTP. */
  readonly hello: ClientHello | null;
  readonly arrival: Arrival;
  /** Aborted when the socket closes. */
  readonly signal: AbortSignal;
  /** As in `Handover`. @internal */
  [LOST]?(): void;
}

/** Takes connections unread. */
export interface Passthrough {
  /** Owns the socket from the call on. If it throws, the socket is destroyed. */
  take(handover: RawConnection): void | Promise<void>;
}

/** A passthrough, or just its `take`. */
export type PassthroughLike = Passthrough | Passthrough["take"];

/** True for a value that can take a connection. */
export function isPassthrough(value: unknown): value is PassthroughLike {
  return typeof value === "function" || typeof (value as Passthrough | null | undefined)?.take === "function";
}

export function passThrough(passthrough: PassthroughLike, handover: RawConnection): void | Promise<void> {
  return typeof passthrough === "function" ? passthrough(handover) : passthrough.take(handover);
}
