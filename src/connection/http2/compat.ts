// In:    an accepted request on a stream, an http.Server.
// Out:   to the listeners of that server: request and response objects of node:http2's compatibility API.
// Never: rules on anything.

import type { Server } from "node:http";
import type { Http2ServerRequest, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { http2 } from "../../handover/node-modules.js";
import type { Opened } from "../../outcome/context.js";

type StreamListener = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: string[],
) => void;

/** Listens for the streams of a session. */
export function onStream(session: ServerHttp2Session, take: (opened: Opened) => void): void {
  const listener: StreamListener = (stream, headers, flags, rawHeaders) => take({ stream, headers, flags, rawHeaders });
  session.on("stream", listener as never);
}

/** Gives a request to a server's listeners, as node:http2 does for its own servers; `begins` gets the request before them. */
export function serve(server: Server, opened: Opened, begins: (request: Http2ServerRequest) => void): void {
  const { Http2ServerRequest, Http2ServerResponse } = http2();
  const request = new Http2ServerRequest(opened.stream, opened.headers, {}, opened.rawHeaders);
  const response = new Http2ServerResponse(opened.stream);
  begins(request);
  const expectation = opened.headers.expect;
  if (expectation === undefined) server.emit("request", request, response);
  else if (expectation.toLowerCase() === "100-continue") {
    if (server.emit("checkContinue", request, response)) return;
    response.writeContinue();
    server.emit("request", request, response);
  } else if (!server.emit("checkExpectation", request, response)) {
    response.statusCode = 417;
    response.end();
  }
}
