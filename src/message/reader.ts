// In:    octets of one direction of a connection, in pieces, and its end.
// Out:   events, in order: heads, slices of content, ends of messages.
// Never: copies content, does I/O, or reads on after a fault.

import type { HeadFault } from "../head/fault.js";
import { countOctets, NOTHING, viewOf } from "../head/kernel/latin1.js";
import type { Framing } from "../head/request-head.js";
import type { ResponseFraming } from "../head/response-head.js";
import { BodyReader, NO_FIELDS } from "./body.js";
import { BodyFault, type MessageFault } from "./fault.js";
import { Fifo } from "./fifo.js";
import type { MessageLimits } from "./limits.js";
import { lineEndsEnd } from "./line-ends.js";

/** What `next` returns, for messages of any kind. */
export type MessageReaderEvent<Head> =
  | { readonly kind: "head"; readonly head: Head }
  /** Content, without the chunked coding; other transfer codings are not decoded. A view of the octets that were received. */
  | { readonly kind: "data"; readonly octets: Uint8Array }
  /** The message is complete. `trailers`: name, value, name, value; they are not fields of the head (RFC 9110 §6.5.1). */
  | { readonly kind: "end"; readonly trailers: readonly string[] }
  /** `receive` more octets, or the end. */
  | { readonly kind: "need-data" }
  /** A message has ended; `nextMessage` goes on with the next one, and `takeRest` leads to another protocol. */
  | { readonly kind: "paused" }
  /** No message follows: the connection has ended, or the message that was read last closes it. What still comes is dropped. */
  | { readonly kind: "closed" }
  /** The octets are not a message, and nothing after them can be read. */
  | { readonly kind: "malformed"; readonly fault: MessageFault };

type Constant = { readonly kind: "need-data" | "paused" | "closed" };
/** An event that further calls return again. */
type FinalEvent = Constant | { readonly kind: "malformed"; readonly fault: MessageFault };
const NEED_DATA: Constant = Object.freeze({ kind: "need-data" });
const PAUSED: Constant = Object.freeze({ kind: "paused" });
const CLOSED: Constant = Object.freeze({ kind: "closed" });
const END = Object.freeze({ kind: "end" as const, trailers: NO_FIELDS });

/** The result of a reader of heads. */
type HeadOrNot<Head> =
  | { kind: "complete"; head: Head; consumed: number }
  | { kind: "partial" }
  | { kind: "malformed"; fault: HeadFault };

/** Reads heads in pieces. */
interface HeadSource<Head> {
  readonly pending: number;
  read(octets: Uint8Array): HeadOrNot<Head>;
}

/** Octets that were received while earlier ones were unread. */
interface Queued {
  readonly octets: Uint8Array;
  readonly length: number;
}

/** What a head begins: a message, an interim response, or one that closes the connection; or why it is refused. */
export type Taken = "message" | "interim" | "last-interim" | MessageFault;

/**
 * What comes after a message: another one, the end of the connection, or another protocol; the last but one if the application
 * does not agree to the last.
 */
type After = "message" | "close" | "switch" | "switch-or-close";

/**
 * Reads messages from the octets of one direction of a connection. `receive` takes octets, and `next` returns what they
 * contain, one event after another, until it returns `need-data`. No I/O, no callbacks, no copies of content: an event refers to
 * the received octets, so do not overwrite them before you have used it, and do not transfer or resize their ArrayBuffer before
 * `need-data`: a slice of content may share it with what is unread.
 */
export abstract class MessageReader<Head extends { readonly size: number }, Event> {
  readonly #heads: HeadSource<Head>;
  readonly #limits: MessageLimits;
  /** Received and unread: `#octets` from `#at` on, then `#queue`. */
  #octets: Uint8Array = NOTHING;
  #at = 0;
  #length = 0;
  readonly #queue = new Fifo<Queued>();
  /** Octets of `#queue`; once nothing more is read, all that were not. */
  #queued = 0;
  /** All octets of the connection. */
  #received = 0;
  #ended = false;
  #body: BodyReader | null = null;
  #headSize = 0;
  #after: After = "message";
  /** An incomplete head has more than the empty lines that may precede it (RFC 9112 §2.2). */
  #begun = false;
  /** A head was read, and no content follows it. */
  #isEmpty = false;
  /** The event that further calls return again; PAUSED until `nextMessage`. */
  #final: FinalEvent | null = null;

  /** @internal */
  constructor(heads: HeadSource<Head>, limits: MessageLimits) {
    this.#heads = heads;
    this.#limits = limits;
  }

  /**
   * How many octets were received and not read yet; those of an incomplete head or trailer section count as read. After
   * `malformed` and `closed`, how many were dropped: after `closed`, line ends before anything else do not count.
   */
  get unread(): number {
    return this.#length - this.#at + this.#queued;
  }

  /**
   * True between messages, while nothing of the next one has been received, and for a `ResponseReader` none is awaited: the
   * connection may be used for another message, or closed without a loss. False after `closed` and `malformed`.
   */
  get idle(): boolean {
    if (this.#body !== null || this.#isEmpty || this.#begun || this.unread > 0) return false;
    return this.#final === null || (this.#final === PAUSED && this.#after !== "switch");
  }

  /** True once a response with 101, or a 2xx to CONNECT, is complete: what follows belongs to another protocol. */
  get switched(): boolean {
    return this.#after === "switch" && this.#final === PAUSED;
  }

  /** Takes the next octets of the connection. Throws `TypeError` after `receiveEnd`, and for what is not a Uint8Array. */
  receive(octets: Uint8Array): void {
    const length = countOctets(octets);
    if (this.#ended) throw new TypeError("receive was called after receiveEnd");
    this.#received += length;
    if (this.#final !== null && this.#final !== PAUSED) this.#drop(octets, 0, length);
    else if (this.#at < this.#length || this.#queued > 0) {
      if (length > 0) this.#queue.push({ octets, length });
      this.#queued += length;
    } else {
      this.#octets = octets;
      this.#at = 0;
      this.#length = length;
    }
  }

  /** The connection has ended, or its other side has ended its half. */
  receiveEnd(): void {
    this.#ended = true;
  }

  /**
   * Returns the next event. After `malformed`, `closed` and `paused` the same one again; after `paused` until `nextMessage`. Throws
   * `TypeError` if octets that were received and not read are gone: their ArrayBuffer was transferred, or has another size.
   */
  next(): Event | MessageReaderEvent<Head> {
    if (this.#final !== null) return this.#final;
    const body = this.#body;
    if (body !== null) return this.#nextOfBody(body);
    return this.#isEmpty ? this.#endOf(NO_FIELDS, this.#after === "close") : this.#nextOfHead();
  }

  /**
   * Goes on with the next message; with none, if the last one closes the connection unless another protocol follows. Throws
   * `TypeError` unless the last event was `paused`, and if the protocol was switched.
   */
  nextMessage(): void {
    if (this.#final !== PAUSED) throw new TypeError("nextMessage was called before the end of a message");
    if (this.#after === "switch") {
      throw new TypeError("no message follows: the connection belongs to another protocol");
    }
    if (this.#after === "switch-or-close") this.#stop(CLOSED);
    else this.#final = null;
  }

  /**
   * Takes all octets that were received and not read, for the protocol that follows; the reader is closed then. Throws `TypeError`
   * unless the last event was `paused`: elsewhere octets of a message would be lost; and if octets are gone, as `next` does.
   */
  takeRest(): Uint8Array {
    if (this.#final !== PAUSED) throw new TypeError("takeRest was called elsewhere than after a message");
    const size = this.unread;
    checkLength(this.#octets, this.#length);
    const first = viewOf(this.#octets, this.#at, this.#length);
    let rest = first;
    if (this.#queued > 0) {
      rest = new Uint8Array(size);
      rest.set(first);
      let at = countOctets(first);
      for (let more = this.#queue.shift(); more !== undefined; more = this.#queue.shift()) {
        checkLength(more.octets, more.length);
        rest.set(more.octets, at);
        at += more.length;
      }
    }
    this.#release();
    this.#queued = 0;
    this.#final = CLOSED;
    return rest;
  }

  /** Octets of the connection so far. @internal */
  protected get received(): number {
    return this.#received;
  }

  /** False if no message may begin at the octet that is read next. @internal */
  protected mayBegin(): boolean {
    return true;
  }

  /** Takes a head; calls `follow` if it is that of a message. @internal */
  protected abstract take(head: Head): Taken;

  /** How the content is delimited after a head, and what comes after the message. @internal */
  protected follow(framing: Framing | ResponseFraming, after: After): void {
    this.#after = after;
    this.#isEmpty = framing.kind === "none";
    if (this.#isEmpty) return;
    this.#body = new BodyReader(framing, this.#limits.overheadBytes, this.#limits);
  }

  /** Whatever the head declares that was returned last, no content follows it. @internal */
  skipContent(): void {
    if (this.#body === null) return;
    this.#body = null;
    this.#isEmpty = true;
  }

  /** True if there are octets to read. */
  #fill(): boolean {
    while (this.#at === this.#length) {
      if (this.#queued === 0) {
        if (this.#length > 0) this.#release();
        return false;
      }
      const { octets, length } = this.#queue.shift()!;
      this.#octets = octets;
      this.#at = 0;
      this.#length = length;
      this.#queued -= length;
    }
    checkLength(this.#octets, this.#length);
    return true;
  }

  /** Keeps nothing of an array that is read: an idle connection would hold the memory of its last read. */
  #release(): void {
    this.#octets = NOTHING;
    this.#at = this.#length = 0;
  }

  #nextOfHead(): Event | MessageReaderEvent<Head> {
    while (this.#fill()) {
      if (!this.mayBegin() && this.#heads.pending === 0) return this.#fail(new BodyFault("RESPONSE_UNEXPECTED", 0));
      const octets = this.#at === 0 ? this.#octets : viewOf(this.#octets, this.#at, this.#length);
      const result = this.#heads.read(octets);
      if (result.kind === "malformed") return this.#fail(result.fault);
      if (result.kind === "partial") {
        this.#begun ||= lineEndsEnd(this.#octets, this.#at, this.#length) < this.#length;
        this.#at = this.#length;
        continue;
      }
      this.#begun = false;
      this.#at += result.consumed;
      const { head } = result;
      const taken = this.take(head);
      if (typeof taken === "object") return this.#fail(taken);
      if (taken === "message") {
        this.#headSize = head.size;
        return { kind: "head", head };
      }
      if (taken === "last-interim") this.#stop(CLOSED);
      return { kind: "interim", head } as Event;
    }
    if (!this.#ended) return NEED_DATA;
    return this.#begun ? this.#fail(new BodyFault("MESSAGE_INCOMPLETE", this.#heads.pending)) : this.#stop(CLOSED);
  }

  #nextOfBody(body: BodyReader): Event | MessageReaderEvent<Head> {
    while (!body.done) {
      if (!this.#fill()) {
        if (!this.#ended) return NEED_DATA;
        if (body.mayEnd) break;
        return this.#fail(new BodyFault("MESSAGE_INCOMPLETE", this.#headSize + body.taken));
      }
      const octets = this.#octets;
      const end = body.next(octets, this.#at);
      if (end < 0) return this.#fail(body.fault!.after(this.#headSize));
      this.#at = end;
      if (body.contentStart < end) return { kind: "data", octets: viewOf(octets, body.contentStart, end) };
    }
    return this.#endOf(body.trailers, this.#after === "close" || !body.done);
  }

  #endOf(trailers: readonly string[], closes: boolean): MessageReaderEvent<Head> {
    this.#body = null;
    this.#isEmpty = false;
    if (closes) this.#stop(CLOSED);
    else {
      this.#final = PAUSED;
      if (this.#at === this.#length) this.#release();
    }
    return trailers.length === 0 ? END : { kind: "end", trailers };
  }

  #fail(fault: MessageFault): MessageReaderEvent<Head> {
    return this.#stop({ kind: "malformed", fault });
  }

  /** Nothing more is read. What was received is dropped, and counted. */
  #stop<Final extends FinalEvent>(event: Final): Final {
    const [octets, at, length] = [this.#octets, this.#at, this.#length];
    this.#body = null;
    this.#isEmpty = false;
    this.#final = event;
    this.#queued = 0;
    this.#release();
    this.#drop(octets, at, length);
    for (let more = this.#queue.shift(); more !== undefined; more = this.#queue.shift()) {
      this.#drop(more.octets, 0, more.length);
    }
    return event;
  }

  #drop(octets: Uint8Array, start: number, end: number): void {
    // Line ends after the last message are not the beginning of another one (RFC 9112 §2.2).
    const skips = this.#queued === 0 && this.#final === CLOSED;
    this.#queued += end - (skips ? lineEndsEnd(octets, start, end) : start);
  }
}

/** Throws `TypeError` where an array has no longer as many octets as when it was received. */
function checkLength(octets: Uint8Array, length: number): void {
  if (countOctets(octets) === length) return;
  throw new TypeError(
    "octets that were received are gone: their ArrayBuffer was transferred or resized before they were read",
  );
}
