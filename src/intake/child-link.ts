// In:    sockets for one child process, and the child's messages about them.
// Out:   each socket with the child, which has acknowledged it, or still with its sender; which of the child's were lost with it.
// Never: gives a socket to the child while another owner may have it.

import type { Socket } from "node:net";
import { type ChildMessage, envelope, opened, type ParentMessage, type Sealed } from "./socket-message.js";

/** A `ChildProcess` with a channel, as `fork` makes it, or a `cluster.Worker`. */
export interface Child {
  send(
    message: object,
    socket: Socket | undefined,
    options: { keepOpen?: boolean } | undefined,
    sent: (error: Error | null) => void,
  ): boolean;
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
  on(event: "exit", listener: (code: number | null) => void): unknown;
}

/**
 * Sockets that a child may have at once without having acknowledged them; others wait here, where no child's death concerns them. Node
 * sends one at a time, and every message after it.
 */
const IN_FLIGHT = 8;

/** Where a child keeps its link: everything that sends to it shares one. */
const LINK = Symbol("headgate.link");

interface Linked extends Child {
  [LINK]?: ChildLink;
}

/** One socket on its way. */
interface Sending {
  readonly socket: Socket;
  readonly sealed: Sealed;
  readonly lost: () => void;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  /** Ends the wait for an acknowledgement: stops its timer, and listens no more for the socket's close. */
  stop: () => void;
  /** Its number, once it is sent. */
  id: number;
}

/**
 * The parent's end. Node keeps a copy of each socket here until the child has acknowledged it (`keepOpen`), and the child reads a
 * socket only after the answer to that. So the parent alone decides whose a socket is, whenever the child dies or falls silent.
 */
export class ChildLink {
  readonly #child: Child;
  /** Null until the child has reported whether it receives sockets. */
  #receives: boolean | null = null;
  #isGone = false;
  #lastId = 0;
  readonly #waiting = new Set<Sending>();
  /** Not acknowledged. */
  readonly #sent = new Map<number, Sending>();
  /** Acknowledged, and the answer is on its way. */
  readonly #answered = new Map<number, Sending>();
  /** Acknowledged and answered, and not closed as far as is known. */
  readonly #theirs = new Map<number, Sending>();

  constructor(child: Child) {
    this.#child = child;
    child.on("message", (message) => this.#receive(opened<ChildMessage>(message)));
    child.on("disconnect", () => this.#gone());
    // Node may not report the end of a channel if the child was killed.
    child.on("exit", (code) => this.#exited(code));
    this.#post({ kind: "asks" });
  }

  static of(child: Linked): ChildLink {
    child[LINK] ??= new ChildLink(child);
    return child[LINK];
  }

  /**
   * Resolves when the socket is the child's. Rejects if that cannot be any more; then the socket is untouched, unless it was closed
   * here. `lost` is called if the child dies by a signal or a fault before the socket has closed there.
   */
  send(socket: Socket, sealed: Sealed, timeout: number, lost: () => void): Promise<void> {
    if (this.#isGone) return Promise.reject(new Error(GONE));
    if (this.#receives === false) return Promise.reject(new Error(LEFT));
    return new Promise((resolve, reject) => {
      const sending: Sending = { socket, sealed, lost, resolve, reject, stop: () => {}, id: 0 };
      const late = (): void =>
        this.#takeBack(sending, new Error(`the child has not acknowledged the socket within ${timeout} ms`));
      const closed = (): void => this.#takeBack(sending, new Error("the socket was closed before the child had it"));
      const timer = setTimeout(late, timeout);
      socket.once("close", closed);
      sending.stop = () => {
        clearTimeout(timer);
        socket.removeListener("close", closed);
      };
      this.#waiting.add(sending);
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#receives !== true) return;
    for (const sending of this.#waiting) {
      if (this.#sent.size >= IN_FLIGHT) return;
      this.#waiting.delete(sending);
      sending.id = ++this.#lastId;
      this.#sent.set(sending.id, sending);
      const message: ParentMessage = { kind: "socket", id: sending.id, ...sending.sealed };
      this.#child.send(envelope(message), sending.socket, { keepOpen: true }, (error) => {
        if (error) this.#takeBack(sending, error);
      });
    }
  }

  #post(message: ParentMessage): void {
    this.#child.send(envelope(message), undefined, undefined, (error) => {
      if (error) this.#gone();
    });
  }

  #receive(message: ChildMessage | null): void {
    switch (message?.kind) {
      case "receives":
        this.#receives = true;
        this.#pump();
        break;
      case "takes":
        this.#acknowledged(message.id);
        break;
      case "closed":
        this.#closed(message.id);
        break;
      case "leaves":
        this.#receives = false;
        this.#rejectAll(LEFT);
        this.#post({ kind: "bye", id: message.id });
    }
  }

  /** The child acknowledges a socket. If it was taken back meanwhile, the message `back` is already on its way. */
  #acknowledged(id: number): void {
    const sending = this.#sent.get(id);
    if (sending === undefined) return;
    const { socket, resolve, reject } = sending;
    sending.stop();
    this.#sent.delete(id);
    this.#answered.set(id, sending);
    this.#child.send(envelope<ParentMessage>({ kind: "yours", id }), undefined, undefined, (error) => {
      if (!this.#answered.delete(id)) return;
      if (error) {
        reject(error);
        return;
      }
      this.#theirs.set(id, sending);
      socket.destroy();
      resolve();
    });
    this.#pump();
  }

  /** The child may report the close before this process has learned that its answer was written: the socket was the child's by then. */
  #closed(id: number): void {
    const sending = this.#answered.get(id);
    this.#answered.delete(id);
    this.#theirs.delete(id);
    sending?.socket.destroy();
    sending?.resolve();
  }

  /** The child does not get the socket. */
  #takeBack(sending: Sending, error: Error): void {
    sending.stop();
    if (this.#sent.delete(sending.id)) this.#post({ kind: "back", id: sending.id });
    else if (!this.#waiting.delete(sending)) return;
    sending.reject(error);
    this.#pump();
  }

  #rejectAll(reason: string, further: Iterable<Sending> = []): void {
    const all = [...further, ...this.#sent.values(), ...this.#waiting];
    this.#sent.clear();
    this.#waiting.clear();
    for (const sending of all) {
      sending.stop();
      sending.reject(new Error(reason));
    }
  }

  /** Node forgets what it had not sent when the channel closes. An answer that was not written leaves the socket unread in the child. */
  #gone(): void {
    this.#isGone = true;
    const unanswered = [...this.#answered.values()];
    this.#answered.clear();
    this.#rejectAll(GONE, unanswered);
  }

  #exited(code: number | null): void {
    this.#gone();
    // What the child has reported before is read by then.
    setImmediate(() => setImmediate(() => this.#close(code !== 0)));
  }

  #close(hasFailed: boolean): void {
    const left = [...this.#theirs.values()];
    this.#theirs.clear();
    if (hasFailed) for (const { lost } of left) lost();
  }
}

const GONE = "the child process has closed its channel";
const LEFT = "the child process has left its loop over receiveSockets";
