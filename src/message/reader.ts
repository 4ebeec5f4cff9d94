// In:    octets of one direction of a connection, in pieces, and its end.
// Out:   events, in order: heads, slices of content, ends of messages.
// Never: copies content, does I/O, or reads on after a fault.

import type { HeadFault } from "../head/fault.js";
import { countOctets, NOTHING, viewOf } from "../head/kernel/latin1.js";
import type { Framing } from "../head/request-head.js";
import type { ResponseFraming } from "../head/response-head.js";
import { BodyReader } from "./body.js";
import { BodyFault, type MessageFault } from "./fault.js";
import type { MessageLimits } from "./limits.js";

/** What `next` returns, for messages of any kind. */
export type MessageReaderEvent<Head> =
  | { readonly kind: "head"; readonly head: Head }
  /** Content, without the chunked coding; other transfer codings are not decoded. A view of the octets that were received. */
  | { readonly kind: "data"; readonly octets: Uint8Array }
  /** The message is complete. `trailers`: name, value, name, value; they are not fields of the head (RFC 9110 §6.5.1). */
  | { readonly kind: "end"; readonly trailers: readonly string[] }
  /** `receive` more octets, or the end. */
  | { readonly kind: "need-data" }
  /** A message has ended; `nextMessage` goes on with the next one, and `takeRest` with another protocol. */
  | { readonly kind: "paused" }
  /** No message follows: the connection has ended, or the message that was read last closes it. */
  | { readonly kind: "closed" }
  /** The octets are not a message, and nothing after them can be read. */
  | { readonly kind: "malformed"; readonly fault: MessageFault };

type Constant = { readonly kind: "need-data" | "paused" | "closed" };
/** An event that every further call returns. */
type LastEvent = Constant | { readonly kind: "malformed"; readonly fault: MessageFault };
const NEED_DATA: Constant = Object.freeze({ kind: "need-data" });
const PAUSED: Constant = Object.freeze({ kind: "paused" });
const CLOSED: Constant = Object.freeze({ kind: "closed" });
const NO_FIELDS: readonly string[] = Object.freeze([]);
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

/** What comes after a message: another one, the end of the connection, or another protocol. */
export type After = "message" | "close" | "switch";

/**
 * Reads messages from the octets of one direction of a connection. `receive` takes octets, and `next` returns what they
 * contain, one event after another, until it returns `need-data`. No I/O, no callbacks, no copies of content: an event refers to
 * the received octets, so do not overwrite them before you have used it.
 */
export abstract class MessageReader<Head extends { readonly size: number }, Event> {
  readonly #heads: HeadSource<Head>;
  readonly #limits: MessageLimits;
  /** Received and unread: `#octets` from `#at` on, then `#queue`. */
  #octets: Uint8Array = NOTHING;
  #at = 0;
  #length = 0;
  readonly #queue: Uint8Array[] = [];
  #ended = false;
  #body: BodyReader | null = null;
  #headSize = 0;
  #follows: After = "message";
  /** A head was read, and no content follows it. */
  #isEmpty = false;
  /** The event that every further call returns, until `nextMessage`. */
  #rest: LastEvent | null = null;

  /** @internal */
  constructor(heads: HeadSource<Head>, limits: MessageLimits) {
    this.#heads = heads;
    this.#limits = limits;
  }

  /** How many octets were received and not read yet; those of an incomplete head or trailer section count as read. */
  get unread(): number {
    return this.#queue.reduce((sum, octets) => sum + countOctets(octets), this.#length - this.#at);
  }

  /** True between messages, while nothing of the next one has been received: the connection may be closed without a loss. */
  get idle(): boolean {
    return this.#body === null && !this.#isEmpty && this.#heads.pending === 0 && this.unread === 0;
  }

  /** True once a response with 101, or a 2xx to CONNECT, is complete: what follows belongs to another protocol. */
  get switched(): boolean {
    return this.#follows === "switch" && this.#rest === PAUSED;
  }

  /** Takes the next octets of the connection. Throws `TypeError` after `receiveEnd`, and for what is not a Uint8Array. */
  receive(octets: Uint8Array): void {
    const length = countOctets(octets);
    if (this.#ended) throw new TypeError("receive was called after receiveEnd");
    if (this.#at < this.#length) {
      if (length > 0) this.#queue.push(octets);
      return;
    }
    this.#octets = octets;
    this.#at = 0;
    this.#length = length;
  }

  /** The connection has ended, or its other side has ended its half. */
  receiveEnd(): void {
    this.#ended = true;
  }

  /** Returns the next event. After `malformed`, `closed` and `paused` the same one again; after `paused` until `nextMessage`. */
  next(): Event | MessageReaderEvent<Head> {
    if (this.#rest !== null) return this.#rest;
    const body = this.#body;
    if (body !== null) return this.#nextOfBody(body);
    return this.#isEmpty ? this.#endOf(NO_FIELDS, this.#follows === "close") : this.#nextOfHead();
  }

  /** Goes on with the next message. Throws `TypeError` unless the last event was `paused`, and if the protocol was switched. */
  nextMessage(): void {
    if (this.#rest !== PAUSED) throw new TypeError("nextMessage was called before the end of a message");
    if (this.#follows === "switch")
      throw new TypeError("no message follows: the connection belongs to another protocol");
    this.#rest = null;
  }

  /** Takes all octets that were received and not read, for the protocol that follows; the reader is closed then. */
  takeRest(): Uint8Array {
    const rest = [viewOf(this.#octets, this.#at, this.#length), ...this.#queue];
    this.#octets = NOTHING;
    this.#at = this.#length = this.#queue.length = 0;
    this.#rest = CLOSED;
    const [only] = rest;
    if (rest.length === 1) return only!;
    const joined = new Uint8Array(rest.reduce((sum, octets) => sum + countOctets(octets), 0));
    let at = 0;
    for (const octets of rest) {
      joined.set(octets, at);
      at += countOctets(octets);
    }
    return joined;
  }

  /**
   * Takes a head: calls `follow`, or returns true for an interim response, after which another head comes, or the fault that the
   * head alone did not show. @internal
   */
  protected abstract take(head: Head): boolean | MessageFault;

  /** How the content is delimited after a head, and what comes after the message. @internal */
  protected follow(framing: Framing | ResponseFraming, after: After): void {
    this.#follows = after;
    this.#isEmpty = framing.kind === "none";
    if (this.#isEmpty) return;
    this.#body = new BodyReader(framing, this.#limits.overheadBytes, this.#limits);
  }

  /** Whatever the head declares that was returned last, no content follows it. @internal */
  protected skipContent(): void {
    if (this.#body === null) return;
    this.#body = null;
    this.#isEmpty = true;
  }

  /** True if there are octets to read. */
  #fill(): boolean {
    while (this.#at === this.#length) {
      const octets = this.#queue.shift();
      if (octets === undefined) return false;
      this.#octets = octets;
      this.#at = 0;
      this.#length = countOctets(octets);
    }
    return true;
  }

  #nextOfHead(): Event | MessageReaderEvent<Head> {
    while (this.#fill()) {
      const octets = this.#at === 0 ? this.#octets : viewOf(this.#octets, this.#at, this.#length);
      const result = this.#heads.read(octets);
      if (result.kind === "malformed") return this.#fail(result.fault);
      if (result.kind === "partial") {
        this.#at = this.#length;
        continue;
      }
      this.#at += result.consumed;
      const { head } = result;
      const taken = this.take(head);
      if (typeof taken === "object") return this.#fail(taken);
      if (taken) return { kind: "interim", head } as Event;
      this.#headSize = head.size;
      return { kind: "head", head };
    }
    if (!this.#ended) return NEED_DATA;
    const { pending } = this.#heads;
    return pending > 0 ? this.#fail(new BodyFault("MESSAGE_INCOMPLETE", pending)) : this.#stay(CLOSED);
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
    this.#body = null;
    return this.#endOf(body.trailers, this.#follows === "close" || !body.done);
  }

  #endOf(trailers: readonly string[], closes: boolean): MessageReaderEvent<Head> {
    this.#isEmpty = false;
    this.#rest = closes ? CLOSED : PAUSED;
    return trailers.length === 0 ? END : { kind: "end", trailers };
  }

  #stay<Last extends LastEvent>(event: Last): Last {
    this.#rest = event;
    return event;
  }

  #fail(fault: MessageFault): MessageReaderEvent<Head> {
    return this.#stay({ kind: "malformed", fault });
  }
}
