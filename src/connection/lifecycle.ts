// In:    the next state that somebody wants for a connection.
// Out:   that state, where the table allows it.
// Never: lets a connection come to two ends.

/**
 * Whose the socket is. `announcing`: ours, a PROXY header is awaited. `recognizing`: ours, the octets are awaited that tell the
 * protocol, and of TLS the ClientHello. `securing`: ours, in a TLS handshake. `reading`: ours, a head is coming in. `serving`:
 * ours, with the request filter or node:http2 in between. `authorizing`: ours, while the application decides on an accepted upgrade.
 * The others are ends; every connection comes to exactly one of them.
 */
export type ConnectionState =
  | "announcing"
  | "recognizing"
  | "securing"
  | "reading"
  | "serving"
  | "authorizing"
  | "handed-over"
  | "served"
  | "refused"
  | "abandoned";

/** From each state, the states that may follow; docs/ownership.md shows it. */
export const transitions: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  announcing: ["recognizing", "reading", "abandoned"],
  recognizing: ["securing", "reading", "handed-over", "abandoned"],
  securing: ["reading", "abandoned"],
  reading: ["serving", "authorizing", "handed-over", "refused", "abandoned"],
  serving: ["authorizing", "handed-over", "served", "refused", "abandoned"],
  authorizing: ["handed-over", "refused", "abandoned"],
  served: [],
  "handed-over": [],
  refused: [],
  abandoned: [],
};

/** The state of one connection. */
export class Lifecycle {
  #state: ConnectionState;

  constructor(first: ConnectionState) {
    this.#state = first;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get isOver(): boolean {
    return transitions[this.#state].length === 0;
  }

  /** HTTP is spoken, so that a response will be understood; where there is a choice, not known before the first octets. */
  get speaksHttp(): boolean {
    return this.#state !== "announcing" && this.#state !== "recognizing" && this.#state !== "securing";
  }

  /** Enters the next state; a state that cannot follow is a fault of ours and throws. */
  become(next: ConnectionState): void {
    if (!transitions[this.#state].includes(next)) throw new Error(`a connection that is ${this.#state} became ${next}`);
    this.#state = next;
  }
}
