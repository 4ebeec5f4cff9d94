// In:    a socket, the acceptance of its upgrade, the octets behind the head.
// Out:   the Handover that a framer gets.
// Never: listens to the socket before a framer asks for a signal.

import type { Duplex } from "node:stream";
import type { Arrival } from "../arrival.js";
import type { Acceptance } from "../decision.js";
import type { FramerLike, Handover } from "../framer/framer.js";
import type { Known } from "../known.js";
import type { Learned } from "./gatehouse.js";

/** A `Handover` whose signal is only made, and only listens, where a framer asks for it. */
export class SocketHandover implements Handover {
  readonly socket: Duplex;
  readonly head: Acceptance["head"];
  readonly rest: Uint8Array;
  readonly arrival: Arrival;
  readonly decision: Acceptance<FramerLike>;
  readonly #known: Known<Learned>;
  #signal: AbortSignal | undefined;

  constructor(socket: Duplex, decision: Acceptance<FramerLike>, rest: Uint8Array, known: Known<Learned>) {
    this.socket = socket;
    this.head = decision.head;
    this.rest = rest;
    this.arrival = decision.arrival;
    this.decision = decision;
    this.#known = known;
  }

  introduce(made: object): void {
    this.#known.set(made, this.decision);
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const controller = new AbortController();
      this.#signal = controller.signal;
      if (this.socket.destroyed) controller.abort();
      else this.socket.once("close", () => controller.abort());
    }
    return this.#signal;
  }
}
