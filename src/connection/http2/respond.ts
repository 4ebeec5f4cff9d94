// In:    a stream whose request is refused, and the response.
// Out:   that response, and the end of the stream; the session and its other streams go on.
// Never: waits for a request body that is not needed.

import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Reply } from "../../policy/reply.js";

/** RFC 9113 §7. */
export const enum ErrorCode {
  NO_ERROR = 0x0,
  INTERNAL_ERROR = 0x2,
  CANCEL = 0x8,
}

/** Fields that HTTP/2 does not use (RFC 9113 §8.2.2), and the answer to a key that is not processed (RFC 8441 §5). */
const omitted = new Set(
  "connection keep-alive proxy-connection sec-websocket-accept transfer-encoding upgrade".split(" "),
);

/** Field lines, name, value, name, value, as Node's HTTP/2 takes them: names in lower case, repeated ones in lists. */
export function withoutConnectionFields(fields: readonly string[]): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase();
    const value = fields[i + 1]!;
    if (omitted.has(name)) continue;
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

/** A stream may be reset at any time, and has no other error listener. */
export function ignoreError(): void {}

/**
 * Resets a stream once nghttp2 has finished its current read (RFC 9113 §6.4). Within 'stream', and in the ticks and microtasks that
 * follow it, nghttp2 is still inside that read; a reset submitted there, while another stream of the same read is destroyed, corrupts
 * the heap of Node 20.
 */
export function resetStream(stream: ServerHttp2Stream, code: number): void {
  setImmediate(() => {
    if (!stream.closed && !stream.destroyed) stream.close(code);
  });
}

/** Answers a request on its stream. */
export function respond(stream: ServerHttp2Stream, method: string | undefined, reply: Reply): void {
  stream.on("error", ignoreError);
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  const headers = { ...withoutConnectionFields(reply.fields), ":status": reply.statusCode };
  const hasBody = method !== "HEAD";
  stream.respond(headers, { endStream: !hasBody });
  if (hasBody) stream.end(reply.body, "latin1");
  // The response is complete, so the rest of the request is not needed (RFC 9113 §8.1).
  if (!stream.endAfterHeaders) resetStream(stream, ErrorCode.NO_ERROR);
}
