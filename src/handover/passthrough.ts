// In:    nothing.
// Out:   the interface between the gate and whoever takes connections that it does not read.
// Never: names a protocol or a library.

import type { Duplex } from "node:stream";
import type { Arrival } from "../arrival/arrival.js";
import type { ClientHello } from "../arrival/tls/client-hello.js";

/** A connection that nobody has interpreted, on its way to its next owner. */
export interface RawConnection {
  /** Paused. The gate has no listener on it any more and will not touch it. */
  readonly socket: Duplex;
  /** Every octet that has come, from the first behind a PROXY header on; nobody else has them. */
  readonly rest: Uint8Array;
  /** What a TLS client asks for; its octets are in `rest`. Null where the connection is neither TLS nor HTTP. */
  readonly hello: ClientHello | null;
  readonly arrival: Arrival;
  /** Aborted when the socket closes. */
  readonly signal: AbortSignal;
}

/** Takes connections as they are. */
export interface Passthrough {
  /** Owns the socket from the call on. Where it throws, the socket is destroyed. */
  take(handover: RawConnection): void | Promise<void>;
}

/** A taker, or its `take` alone. */
export type PassthroughLike = Passthrough | Passthrough["take"];

/** True for what may take a connection. */
export function isPassthrough(value: unknown): value is PassthroughLike {
  return typeof value === "function" || typeof (value as Passthrough | null | undefined)?.take === "function";
}

export function passThrough(taker: PassthroughLike, handover: RawConnection): void | Promise<void> {
  return typeof taker === "function" ? taker(handover) : taker.take(handover);
}
