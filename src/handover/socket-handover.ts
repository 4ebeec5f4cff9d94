// In:    a socket, the acceptance of its upgrade or its ClientHello, the octets that the next owner has to get.
// Out:   the Handover for a framer, or the RawConnection for a passthrough.
// Never: listens to the socket before a framer asks for a signal.

import type { Duplex } from "node:stream";
import type { Arrival } from "../arrival/arrival.js";
import type { ClientHello } from "../arrival/tls/client-hello.js";
import type { Acceptance } from "../policy/decision.js";
import { type FramerLike, type Handover, LOST } from "./framer.js";
import type { RawConnection } from "./passthrough.js";

/** A socket whose signal is only made, and only listens, if its next owner asks for it. */
abstract class Departing {
  readonly socket: Duplex;
  readonly rest: Uint8Array;
  readonly arrival: Arrival;
  readonly #lost: () => void;
  #signal: AbortSignal | undefined;

  constructor(socket: Duplex, rest: Uint8Array, arrival: Arrival, lost: () => void) {
    this.socket = socket;
    this.rest = rest;
    this.arrival = arrival;
    this.#lost = lost;
  }

  [LOST](): void {
    this.#lost();
  }

  get signal(): AbortSignal {
    return (this.#signal ??= signalOf(this.socket));
  }
}

export class SocketHandover extends Departing implements Handover {
  readonly head: Acceptance["head"];
  readonly decision: Acceptance<FramerLike>;
  readonly #associate: (made: object) => void;

  constructor(
    socket: Duplex,
    decision: Acceptance<FramerLike>,
    rest: Uint8Array,
    associate: (made: object) => void,
    lost: () => void,
  ) {
    super(socket, rest, decision.arrival, lost);
    this.head = decision.head;
    this.decision = decision;
    this.#associate = associate;
  }

  associate(made: object): void {
    this.#associate(made);
  }
}

export class ReceivedConnection extends Departing implements RawConnection {
  readonly hello: ClientHello | null;

  constructor(socket: Duplex, rest: Uint8Array, hello: ClientHello | null, arrival: Arrival, lost: () => void) {
    super(socket, rest, arrival, lost);
    this.hello = hello;
  }
}

function signalOf(socket: Duplex): AbortSignal {
  const controller = new AbortController();
  if (socket.destroyed) controller.abort();
  else socket.once("close", () => controller.abort());
  return controller.signal;
}
