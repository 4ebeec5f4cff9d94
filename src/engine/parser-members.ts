// In:    the parts of Node.
// Out:   the members of Node's HTTPParser that node:http itself reads and writes, and its callbacks.
// Never: parses.

import { IncomingMessage } from "node:http";
import type { SocketLike } from "./direct-reads.js";
import type { CallbackNumbers, HeaderLines, NodeParts } from "./node-parts.js";

/** What `maxHeaderPairs` is in Node until the server sets it. */
const HEADER_PAIRS = 2000;

type Callback = (this: ParserMembers, ...values: unknown[]) => unknown;
type OnIncoming = (request: IncomingMessage, keepAlive: boolean) => unknown;

/** In the place of the function that node:http has set as `onIncoming`; it is called on the parser as that would be. */
function deliver(this: ParserMembers, request: IncomingMessage, keepAlive: boolean): unknown {
  return this.deliver(request, keepAlive);
}

/** What node:http sees of a parser. Members without a comment are those of HTTPParser. */
export abstract class ParserMembers {
  _headers: string[] = [];
  _url = "";
  _consumed = false;
  socket: SocketLike | null = null;
  incoming: { upgrade?: boolean } | null = null;
  outgoing: unknown = null;
  maxHeaderPairs = HEADER_PAIRS;
  joinDuplicateHeaders: unknown = null;
  [callback: number]: unknown;
  readonly #callbacks: CallbackNumbers;
  readonly #headerLines: HeaderLines | null;
  #onIncoming: OnIncoming | null = null;
  /** `headers` of the request that is about to be made; null if Node is to make them. */
  protected made: Record<string, string> | null = null;

  constructor({ callbacks, headerLines, ...parts }: NodeParts) {
    this.#callbacks = callbacks;
    this.#headerLines = headerLines;
    this[callbacks.messageBegin] = null;
    this[callbacks.headers] = parts.onHeaders;
    this[callbacks.headersComplete] = parts.onHeadersComplete;
    this[callbacks.body] = parts.onBody;
    this[callbacks.messageComplete] = parts.onMessageComplete;
    this[callbacks.execute] = null;
    this[callbacks.timeout] = null;
  }

  get onIncoming(): OnIncoming | null {
    return this.#onIncoming === null ? null : deliver;
  }

  set onIncoming(listener: OnIncoming | null) {
    this.#onIncoming = listener;
  }

  /** Learns which request was made of the head that was read last. */
  protected abstract requestMade(request: IncomingMessage): void;

  /** @internal */
  deliver(request: IncomingMessage, keepAlive: boolean): unknown {
    this.requestMade(request);
    const { made } = this;
    if (made !== null) {
      this.made = null;
      // A class of the application's may have its own idea of headers, and so may what has patched Node's.
      const { prototype } = IncomingMessage as unknown as { prototype: HeaderLines };
      const nodes = this.#headerLines;
      const isAsInNode =
        nodes !== null &&
        Object.getPrototypeOf(request) === prototype &&
        prototype._addHeaderLines === nodes._addHeaderLines &&
        prototype._addHeaderLine === nodes._addHeaderLine;
      if (isAsInNode) request.headers = made;
    }
    return this.#onIncoming!(request, keepAlive);
  }

  /** As in Node's parser, what is in the same read as a request that pauses the connection is parsed nevertheless. */
  pause(): void {}

  resume(): void {}

  close(): void {}

  /** Makes the request; returns what `onIncoming` has answered. */
  protected onHead(
    minor: number,
    raw: string[],
    method: number,
    url: string,
    upgrade: boolean,
    keepAlive: boolean,
  ): unknown {
    const onHeadersComplete = this[this.#callbacks.headersComplete] as Callback;
    return onHeadersComplete.call(this, 1, minor, raw, method, url, undefined, undefined, upgrade, keepAlive);
  }

  /** node:http restarts this timer in each `onExecute`; a socket that is a stream of the application's has none. */
  protected expectTimer(): void {
    const { socket } = this;
    if (socket === null || typeof socket._unrefTimer === "function") return;
    Object.defineProperty(socket, "_unrefTimer", { value: () => {}, configurable: true, writable: true });
  }

  protected onBody(octets: Buffer): void {
    (this[this.#callbacks.body] as Callback).call(this, octets);
  }

  protected onTrailers(trailers: string[]): void {
    (this[this.#callbacks.headers] as Callback).call(this, trailers, "");
  }

  protected onMessageComplete(): void {
    (this[this.#callbacks.messageComplete] as Callback).call(this);
  }

  /** `result`: the count of octets taken of the current read, or a `ParseError`. A freed parser has no such callback. */
  protected onExecute(result: unknown): void {
    (this[this.#callbacks.execute] as Callback | null)?.call(this, result);
  }
}
