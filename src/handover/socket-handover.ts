// In:    a socket, the acceptance of its upgrade or its ClientHello, the octets that the next owner has to get.
// Out:   the Handover for a framer, or the RawConnection for a passthrough.
// Never: listens to the socket before a framer asks for a signal.

import type { Duplex } from "node:stream";
import type { Arrival } from "../arrival/arrival.js";
import type { ClientHello } from "../arrival/tls/client-hello.js";
import type { Acceptance } from "../policy/decision.js";
import { type FramerLike, type Handover, LOST } from "./framer.js";
import type { RawConnection } from "./passthrough.js";

/** A `Handover` whose signal is only made, and only listens, if a framer asks for it. */
export class SocketHandover implements Handover {
  readonly socket: Duplex;
  readonly head: Acceptance["head"];
  readonly rest: Uint8Array;
  readonly arrival: Arrival;
  readonly decision: Acceptance<FramerLike>;
  readonly #associate: (made: object) => void;
  readonly #lost: () => void;
  #signal: AbortSignal | undefined;

  constructor(
    socket: Duplex,
    decision: Acceptance<FramerLike>,
    rest: Uint8Array,
    associate: (made: object) => void,
    lost: () => void,
  ) {
    this.socket = socket;
    this.head = decision.head;
    this.rest = rest;
    this.arrival = decision.arrival;
    this.decision = decision;
    this.#associate = associate;
    this.#lost = lost;
  }

  associate(made: object): void {
    this.#associate(made);
  }

  [LOST](): void {
    this.#lost();
  }

  get signal(): AbortSignal {
    return (this.#signal ??= signalOf(this.socket));
  }
}

/** A `RawConnection`, with the same kind of signal. */
export class ReceivedConnection implements RawConnection {
  readonly socket: Duplex;
  readonly rest: Uint8Array;
  readonly hello: ClientHello | null;
  readonly arrival: Arrival;
  readonly #lost: () => void;
  #signal: AbortSignal | undefined;

  constructor(socket: Duplex, rest: Uint8Array, hello: ClientHello | null, arrival: Arrival, lost: () => void) {
    this.socket = socket;
    this.rest = rest;
    this.hello = hello;
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

function signalOf(socket: Duplex): AbortSignal {
  const controller = new AbortController();
  if (socket.destroyed) controller.abort();
  else socket.once("close", () => controller.abort());
  return controller.signal;
}
