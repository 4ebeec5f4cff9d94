// In:    octets that a server sends on a connection, and the methods of the requests that it answers.
// Out:   its responses, as events.
// Never: reads a response for which there is no request.

import { checkSettings } from "../head/options.js";
import { type ResponseHead, responseHeadReader } from "../head/response-head.js";
import { BodyFault, type MessageFault } from "./fault.js";
import { type MessageLimits, messageLimits } from "./limits.js";
import { MessageReader, type MessageReaderEvent } from "./reader.js";

/** What `ResponseReader.next` returns. */
export type ResponseEvent =
  | MessageReaderEvent<ResponseHead>
  /** A response with 1xx, except 101: the response to the same request is still to come (RFC 9110 §15.2). */
  | { readonly kind: "interim"; readonly head: ResponseHead };

export interface ResponseReaderOptions {
  limits?: Partial<MessageLimits>;
}

/** Reads responses. How a response is delimited depends on its request, so the reader has to know each request's method. */
export class ResponseReader extends MessageReader<ResponseHead, ResponseEvent> {
  /** Methods of requests without a response, in order. */
  readonly #methods: string[] = [];

  /** Throws `TypeError` and `RangeError` for invalid options. */
  constructor(options: ResponseReaderOptions = {}) {
    checkSettings(options, ["limits"], "a ResponseReader");
    const limits = messageLimits(options.limits);
    super(responseHeadReader(limits), limits);
  }

  /** A request with this method was sent, or is about to be; its response comes after those of earlier ones. */
  requested(method: string): void {
    if (typeof method !== "string" || method === "") throw new TypeError("method must be the method of a request");
    this.#methods.push(method);
  }

  /** The method of the request that the next response answers. @internal */
  protected get method(): string | undefined {
    return this.#methods[0];
  }

  /** @internal */
  protected override take(head: ResponseHead): boolean | MessageFault {
    const { method } = this;
    if (method === undefined) return new BodyFault("RESPONSE_UNEXPECTED", 0);
    const { statusCode } = head;
    if (statusCode < 200 && statusCode !== 101) return true;
    const fault = head.refusalFor(method);
    if (fault !== null) return fault;
    this.#methods.shift();
    const framing = head.framing(method);
    if (statusCode === 101 || head.isTunnel(method)) this.follow(framing, "switch");
    else this.follow(framing, head.keepAlive ? "message" : "close");
    return false;
  }
}
