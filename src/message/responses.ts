// In:    octets that a server sends on a connection, and the methods of the requests that it answers.
// Out:   its responses, as events.
// Never: reads a response for which there is no request.

import { checkSettings, withinLimits } from "../head/options.js";
import { type ResponseHead, responseHeadReader } from "../head/response-head.js";
import { BodyFault } from "./fault.js";
import { Fifo } from "./fifo.js";
import { type MessageLimits, messageBounds, messageLimits } from "./limits.js";
import { MessageReader, type MessageReaderEvent, type Taken } from "./reader.js";

/** What `ResponseReader.next` returns. */
export type ResponseEvent =
  | MessageReaderEvent<ResponseHead>
  /**
   * A response with 1xx, except 101: the response to the same request is still to come (RFC 9110 §15.2). After one that closes
   * the connection, `closed` follows instead (RFC 9112 §9.6).
   */
  | { readonly kind: "interim"; readonly head: ResponseHead };

export interface ResponseReaderOptions {
  limits?: { [Name in keyof MessageLimits]?: number | undefined } | undefined;
}

/** A request that was sent. */
interface Sent {
  readonly method: string;
  /** Octets of the connection that had been received before: its response is not among them. */
  readonly since: number;
}

/** Reads responses. How a response is delimited depends on its request, so the reader has to know each request's method. */
export class ResponseReader extends MessageReader<ResponseHead, ResponseEvent> {
  /** Requests without a response, in order. */
  readonly #sent = new Fifo<Sent>();

  /** Throws `TypeError` and `RangeError` for invalid options. */
  constructor(options: ResponseReaderOptions = {}) {
    checkSettings(options, ["limits"], "a ResponseReader", "", withinLimits(messageBounds));
    const limits = messageLimits(options.limits);
    super(responseHeadReader(limits), limits);
  }

  /**
   * A request with this method is about to be sent; its response comes after those of earlier ones. Octets that were received
   * before this call are not its response: they are refused if they are not that of an earlier one.
   */
  requested(method: string): void {
    if (typeof method !== "string" || method === "") throw new TypeError("method must be the method of a request");
    this.#sent.push({ method, since: this.received });
  }

  /** How many requests have no response yet, interim ones aside. After `closed` or `malformed` they get none. */
  get unanswered(): number {
    return this.#sent.length;
  }

  /** As of every reader of messages; false while there are unanswered requests. */
  override get idle(): boolean {
    return this.unanswered === 0 && super.idle;
  }

  /** @internal */
  protected override mayBegin(): boolean {
    const sent = this.#sent.first;
    return sent !== undefined && sent.since <= this.received - this.unread;
  }

  /** The method of the request that the next response answers. @internal */
  protected get method(): string {
    return this.#sent.first!.method;
  }

  /** @internal */
  protected override take(head: ResponseHead): Taken {
    const { method } = this;
    const { statusCode } = head;
    if (statusCode < 200 && statusCode !== 101) return head.keepAlive ? "interim" : "last-interim";
    const fault = head.refusalFor(method);
    if (fault !== null) return fault;
    const isSwitch = statusCode === 101;
    if (isSwitch && head.upgrade.length === 0) return new BodyFault("RESPONSE_UPGRADE", head.size - 2);
    this.#sent.shift();
    const framing = head.framing(method);
    if (isSwitch || head.isTunnel(method)) this.follow(framing, "switch");
    else this.follow(framing, head.keepAlive ? "message" : "close");
    return "message";
  }
}
