// In:    an adopted connection that speaks HTTP/2.
// Out:   an exchange for each stream; to the session's owner: when no stream is open any more, and how the session ended.
// Never: reads a frame; node:http2 does.

import type { ServerHttp2Session, ServerHttp2Stream, ServerOptions } from "node:http2";
import type { Duplex } from "node:stream";
import type { Arrival } from "../../arrival/arrival.js";
import type { FramerLike } from "../../handover/framer.js";
import { http2 } from "../../handover/node-modules.js";
import type { Context, Http2Rules, Opened } from "../../outcome/context.js";
import { abandoned } from "../../outcome/end.js";
import type { GateLimits } from "../../outcome/limits.js";
import { replyTo } from "../../outcome/reply.js";
import type { Ways } from "../../outcome/route.js";
import type { Acceptance } from "../../policy/decision.js";
import { replyOf } from "../../policy/reply.js";
import { onStream, serve } from "./compat.js";
import { ErrorCode, resetStream, respond } from "./respond.js";
import { Exchange, type ExchangeOwner } from "./stream.js";
import { keepPace } from "./stream-pace.js";
import { Streams } from "./streams.js";

/** The connection of a session. */
export interface SessionOwner {
  readonly arrival: Arrival;
  /** The first stream was opened. */
  sessionBegins(): void;
  /** No stream is open any more. */
  sessionIdle(): void;
  /** The session is over; `error`: what broke it. */
  sessionClosed(error: Error | null): void;
}

/**
 * The octets of a server that refuses an HTTP/2 connection, one per character: its SETTINGS, empty, and GOAWAY, last stream
 * 0, ENHANCE_YOUR_CALM (RFC 9113 §3.4, §6.5, §6.8).
 */
export const GOAWAY = `\0\0\0\x04\0${"\0".repeat(4)}\0\0\x08\x07\0${"\0".repeat(4)}${"\0".repeat(4)}\0\0\0\x0b`;

/** Octets that each field adds to what SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 §6.5.2). */
const FIELD_OVERHEAD = 32;
/** :method, :scheme, :authority and :path (RFC 9113 §8.3.1). */
const PSEUDO_FIELDS = 4;
/** nghttp2 reads no larger one. */
const LARGEST_FIELD_SECTION = 65_536;

/**
 * The options for node:http2. A head beyond the limits is answered 431; only one of more than twice the size is not read to its
 * end, and its stream is reset.
 */
function optionsOf({ enableConnectProtocol }: Http2Rules, limits: GateLimits): ServerOptions {
  const { headBytes, fieldLines, streams } = limits;
  const listSize = Math.min(2 * (headBytes + FIELD_OVERHEAD * fieldLines), LARGEST_FIELD_SECTION);
  return {
    maxHeaderListPairs: 2 * (fieldLines + PSEUDO_FIELDS),
    settings: { enableConnectProtocol, maxConcurrentStreams: streams, maxHeaderListSize: listSize },
  };
}

/** One HTTP/2 connection. */
export class Session implements ExchangeOwner {
  readonly #context: Context;
  readonly #owner: SessionOwner;
  readonly #session: ServerHttp2Session;
  readonly #streams: Streams;
  #error: Error | null = null;
  /** The client's SETTINGS have arrived. */
  #hasSpoken = false;
  #hasServed = false;
  /** A PING is on its way. */
  #isAsked = false;

  /** `socket` has no 'data' listener; octets that were already read have been put back. */
  constructor(context: Context, rules: Http2Rules, owner: SessionOwner, socket: Duplex) {
    this.#context = context;
    this.#owner = owner;
    const session = http2().performServerHandshake(socket, optionsOf(rules, context.limits));
    this.#session = session;
    this.#streams = new Streams(session, () => owner.sessionIdle());
    session.once("remoteSettings", () => {
      this.#hasSpoken = true;
    });
    session.on("error", (error) => {
      this.#error = error;
      // Until its stack is read, an Error holds what `this` was in every frame of it: here node:http2's native handle,
      // which holds the session for ever if the client never acknowledged the SETTINGS.
      void error.stack;
    });
    session.once("close", () => owner.sessionClosed(this.#error));
    onStream(session, (opened) => this.#begin(opened));
  }

  get arrival(): Arrival {
    return this.#owner.arrival;
  }

  get ways(): Ways {
    return this.#context.ways;
  }

  /** Streams that are open, or were at the session's end. */
  get open(): number {
    return this.#streams.open;
  }

  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /** At least one stream was opened. */
  get hasServed(): boolean {
    return this.#hasServed;
  }

  #begin(opened: Opened): void {
    this.#streams.opened(opened.stream);
    if (!this.#hasServed) this.#owner.sessionBegins();
    this.#hasServed = true;
    new Exchange(this.#context, this, opened).begin();
  }

  serve(opened: Opened, decision: Acceptance<FramerLike>): void {
    keepPace(this.#context, opened.stream, (code) => this.#late(opened.stream, decision, code));
    try {
      serve(this.#context.requests!, opened, (request) => this.#context.known.set(request, decision));
    } catch (error) {
      // A listener of the server threw; its response may have begun.
      const { stream } = opened;
      if (stream.headersSent) resetStream(stream, ErrorCode.INTERNAL_ERROR);
      else respond(stream, decision.head.method, replyOf(500));
      throw error;
    }
  }

  /** Its client was too slow: the request ends, and the session goes on. */
  #late(stream: ServerHttp2Stream, { arrival, head }: Acceptance, code: "BODY_TIMEOUT" | "SEND_TIMEOUT"): void {
    const end = abandoned(code, "requests", arrival, this.#context.limits);
    this.#context.reports.ended(end);
    const reply = stream.headersSent ? null : replyTo(end, this.#context.expose);
    if (reply === null) resetStream(stream, ErrorCode.CANCEL);
    else respond(stream, head.method, reply);
  }

  /**
   * Sends a PING (RFC 9113 §6.7); false if the last one has not been answered. After nghttp2 has sent GOAWAY for a fault,
   * a session neither reads nor writes any more, and node:http2 does not report it: this detects that, too.
   */
  probe(): boolean {
    if (this.#isAsked || this.#session.destroyed) return false;
    this.#isAsked = this.#session.ping(() => {
      this.#isAsked = false;
    });
    return true;
  }

  end(): void {
    this.#streams.end();
  }

  closeIdle(): void {
    this.#streams.closeIdle();
  }

  destroy(): void {
    this.#session.destroy();
  }

  close(): void {
    this.#streams.close();
  }
}
