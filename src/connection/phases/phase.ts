// In:    nothing.
// Out:   the interfaces between a connection and its phases.
// Never: holds code.

import type { Arrival } from "../../arrival/arrival.js";
import type { FramerLike } from "../../handover/framer.js";
import type { Context } from "../../outcome/context.js";
import type { Abandoned, AbandonedCode } from "../../outcome/end.js";
import type { Drainable } from "../../outcome/open-connections.js";
import type { Overload, Waiting } from "../../outcome/waiting.js";
import type { Acceptance, Refusal } from "../../policy/decision.js";
import type { Input } from "../input.js";
import type { Kept } from "../socket.js";

/** Handles the input of a connection, until another phase follows or the connection is over. */
export interface Phase {
  /** The stage of an end that happens now. */
  readonly stage: Abandoned["stage"];
  /** The arrival of the waiting request, including what trusted hops state. */
  readonly requestArrival?: Arrival;
  /** The close of the socket is not its end: the phase reports its end itself. */
  readonly tellsItsEnd?: boolean;
  receive(octets: Uint8Array): void;
  /** The client has ended its half. */
  peerEnded(): void;
  /** Nothing has happened on the socket for the time that its server allows. */
  idle(): void;
  /** The deadline has passed. */
  expire(): void;
  /** Accepts nothing new, and ends the connection once all that is under way has ended; a head that is awaited is under way. */
  drain?(): void;
  /** Ends the connection if nothing is under way. */
  closeIdle?(): void;
  /** Removes its deadlines, its streams and its listeners, except the socket listeners that all phases share. */
  leave(): void;
}

/** Why the gate takes no more connections. */
export type Full = "DRAINED" | "CONNECTIONS_TOO_MANY";

/** A connection from the point of view of its phases. */
export interface Phased extends Waiting, Drainable {
  readonly context: Context;
  /** What the gate reads and writes: where it speaks TLS itself, no longer what it was given. */
  socket: Kept;
  readonly input: Input<FramerLike, Context>;
  readonly arrival: Arrival;
  readonly stage: Abandoned["stage"];
  /** Replaces what is known about where it came in. */
  learn(arrival: Arrival): void;
  /** False if it may not wait, and has been answered: with `answer`, or according to its protocol. */
  mayWait(overload: Overload | Full | null, answer?: string): boolean;
  /** Reads a head, or what precedes one, and acts on it. */
  readHead(octets: Uint8Array): void;
  /** The first head is awaited from now on, over the protocol that TLS has agreed on. */
  awaitHead(isHttp2: boolean): void;
  refuse(decision: Refusal<FramerLike>): void;
  /** Ends the connection for another reason. `stage`: if it is not that of the phase. */
  abandon(code: AbandonedCode, cause?: unknown, stage?: Abandoned["stage"]): void;
  /** Like `abandon`; then the response is sent, if there is one, and the connection closes. `method`: of its request. */
  abandonWith(code: AbandonedCode, cause?: unknown, method?: string): void;
  /** The connection was served to its end. */
  served(): void;
  /** Sends a last response and closes. */
  close(response: string): void;
  handOver(decision: Acceptance<FramerLike>, rest: Uint8Array): void;
}
