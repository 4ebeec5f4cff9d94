// In:    nothing.
// Out:   the interfaces between a connection and its phases.
// Never: holds code.

import type { Duplex } from "node:stream";
import type { Arrival } from "../../arrival/arrival.js";
import type { FramerLike } from "../../handover/framer.js";
import type { Context } from "../../outcome/context.js";
import type { Abandoned, AbandonedCode } from "../../outcome/end.js";
import type { Overload, Waiting } from "../../outcome/waiting.js";
import type { Acceptance, Refusal } from "../../policy/decision.js";
import type { Input } from "../input.js";

/** Who gets what comes in on a connection, until another phase follows or the connection is over. */
export interface Phase {
  /** Where an end that comes now is. */
  readonly stage: Abandoned["stage"];
  /** Of the request that waits, as trusted hops tell it. */
  readonly requestArrival?: Arrival;
  /** The close of the socket is not its end: it tells that by itself. */
  readonly tellsItsEnd?: boolean;
  receive(octets: Uint8Array): void;
  /** The client has ended its half. */
  peerEnded(): void;
  /** Nothing has happened on the socket for the time that its server allows. */
  idle(): void;
  /** The deadline has come. */
  expire(): void;
  /** Takes back its deadlines, its streams and its listeners, but for those on the socket that all phases have. */
  leave(): void;
}

/** A connection, as its phases see it. */
export interface Phased extends Waiting {
  readonly context: Context;
  readonly socket: Duplex;
  readonly input: Input<FramerLike, Context>;
  readonly arrival: Arrival;
  /** From now on this is known of where it came in. */
  learn(arrival: Arrival): void;
  /** False where it may not wait, and has been told so: by `answer`, or as its protocol says. */
  mayWait(overload: Overload | null, answer?: string): boolean;
  /** Reads a head, or what precedes one, and acts on it. */
  readHead(octets: Uint8Array): void;
  refuse(decision: Refusal<FramerLike>): void;
  /** Ends the connection for another reason. `stage`: where it is not that of the phase. */
  abandon(code: AbandonedCode, cause?: unknown, stage?: Abandoned["stage"]): void;
  /** As `abandon`; then the client is told, if there is a response for it, and the connection closes. `method`: of its request. */
  abandonWith(code: AbandonedCode, cause?: unknown, method?: string): void;
  /** The connection was served to its end. */
  served(): void;
  /** Sends a last response and closes. */
  close(response: string): void;
  handOver(decision: Acceptance<FramerLike>, rest: Uint8Array): void;
}
