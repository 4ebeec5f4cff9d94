// In:    the next state of a connection.
// Out:   that state, if the table allows it.
// Never: lets a connection end twice.

/**
 * The owner of the socket. `announcing`: ours, waiting for a PROXY header. `recognizing`: ours, waiting for the octets that show the
 * protocol, and for TLS the ClientHello. `securing`: ours, in a TLS handshake. `reading`: ours, waiting for a head. `serving`:
 * ours, with the request filter or node:http2 in between. `authorizing`: ours, while the application decides on an accepted upgrade.
 * The others are ends; every connection reaches exactly one of them.
 */
type ConnectionState =
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

  /** The connection speaks HTTP, so a response will be understood; if there is a choice, unknown before the first octets. */
  get speaksHttp(): boolean {
    return this.#state !== "announcing" && this.#state !== "recognizing" && this.#state !== "securing";
  }

  /** Enters the next state; a transition that is not in the table is a bug in headgate, and throws. */
  become(next: ConnectionState): void {
    if (!transitions[this.#state].includes(next)) throw new Error(`a connection that is ${this.#state} became ${next}`);
    this.#state = next;
  }
}
