// In:    octets that a client sends on a connection.
// Out:   its requests, as events.
// Never: decides whether an upgrade is accepted; the caller goes on with `nextMessage` or `takeRest`.

import { checkSettings, withinLimits } from "../head/options.js";
import type { HeadOptions } from "../head/parse.js";
import { HeadReader } from "../head/reader.js";
import type { RequestHead } from "../head/request-head.js";
import { type MessageLimits, messageBounds, messageLimits } from "./limits.js";
import { MessageReader, type MessageReaderEvent, type Taken } from "./reader.js";

/** What `RequestReader.next` returns. */
export type RequestEvent = MessageReaderEvent<RequestHead>;

export interface RequestReaderOptions {
  /** As for a `HeadReader`; `unchecked` leaves Host to the caller. */
  host?: "required" | "optional" | "unchecked" | undefined;
  limits?: { [Name in keyof MessageLimits]?: number | undefined } | undefined;
}

/** Reads requests. After each one it is paused, so that a server may answer it before it reads the next one. */
export class RequestReader extends MessageReader<RequestHead, RequestEvent> {
  /** Throws `TypeError` and `RangeError` for invalid options. */
  constructor(options: RequestReaderOptions = {}) {
    checkSettings(options, ["host", "limits"], "a RequestReader", "", withinLimits(messageBounds));
    const limits = messageLimits(options.limits);
    const { headBytes, fieldLines } = limits;
    const ofHead: HeadOptions = { limits: { headBytes, fieldLines } };
    if (options.host !== undefined) ofHead.host = options.host;
    super(new HeadReader(ofHead), limits);
  }

  /** @internal */
  protected override take(head: RequestHead): Taken {
    this.follow(head.framing, head.keepAlive ? "message" : head.asksForSwitch ? "switch-or-close" : "close");
    return "message";
  }
}
