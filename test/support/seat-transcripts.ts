// In:    transcripts: what a client sends to a server with which options and listeners.
// Out:   what came back and which events the server had, with Node's parser or with ours.
// Never: records times, or where a body was cut.

import { once } from "node:events";
import http, { type IncomingMessage, type ServerOptions, type ServerResponse } from "node:http";
import net, { type Socket } from "node:net";
import { turn, until } from "./until.js";

export interface Transcript {
  readonly name: string;
  /** Each piece is sent when the server has read the ones before. */
  readonly pieces: readonly (string | Buffer)[];
  readonly options?: ServerOptions & {
    httpAllowHalfOpen?: boolean;
    maxHeadersCount?: number;
    maxRequestsPerSocket?: number;
  };
  /** Adds listeners. */
  readonly listen?: (server: http.Server, log: string[]) => void;
  /** In place of a response that shows the request. */
  readonly answer?: (request: IncomingMessage, response: ServerResponse, log: string[]) => void;
  /** The client does not end: the server closes, or the upgraded connection does. */
  readonly staysOpen?: boolean;
  /** Why ours has to differ from Node's, and what it is. */
  readonly differs?: { readonly why: string; readonly ours: Recorded };
}

export interface Recorded {
  readonly received: string;
  readonly log: readonly string[];
}

/** Answers with all that a handler can see. */
function show(request: IncomingMessage, response: ServerResponse): void {
  let body = "";
  request.setEncoding("latin1");
  request.on("data", (text: string) => (body += text));
  request.on("end", () => {
    const { method, url, httpVersion, headers, rawHeaders, rawTrailers, trailers, complete } = request;
    const seen = { method, url, httpVersion, headers, rawHeaders, trailers, rawTrailers, body: digest(body), complete };
    response.end(`${JSON.stringify(seen)}\n`);
  });
}

const digest = (body: string): string => (body.length < 200 ? body : `${body.length}:${body.slice(0, 20)}`);

export async function record(transcript: Transcript, prepare: (server: http.Server) => void): Promise<Recorded> {
  const log: string[] = [];
  const { options = {}, pieces, listen, answer = show } = transcript;
  const { httpAllowHalfOpen, maxHeadersCount, maxRequestsPerSocket, ...given } = options;
  const server = http.createServer(given, (request, response) => {
    log.push(`request ${request.method} ${request.url}`);
    request.on("aborted", () => log.push("aborted"));
    answer(request, response, log);
  });
  if (httpAllowHalfOpen !== undefined)
    (server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = httpAllowHalfOpen;
  if (maxHeadersCount !== undefined) server.maxHeadersCount = maxHeadersCount;
  if (maxRequestsPerSocket !== undefined) server.maxRequestsPerSocket = maxRequestsPerSocket;
  listen?.(server, log);
  prepare(server);
  let accepted: Socket | undefined;
  server.on("connection", (socket: Socket) => {
    accepted = socket;
    socket.on("error", (error: NodeJS.ErrnoException) => log.push(`error ${error.code}`));
    socket.on("close", () => log.push("close"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = net.connect({ port: (server.address() as net.AddressInfo).port, host: "127.0.0.1", noDelay: true });
  let received = "";
  client.setEncoding("latin1");
  client.on("data", (text: string) => (received += text));
  client.on("error", () => {});
  await once(client, "connect");
  await until(() => accepted !== undefined, "a connection");
  let sent = 0;
  for (const piece of pieces) {
    const octets = typeof piece === "string" ? Buffer.from(piece, "latin1") : piece;
    if (client.destroyed || !client.writable) break;
    client.write(octets);
    sent += octets.length;
    await until(() => accepted!.bytesRead >= sent || accepted!.destroyed || client.destroyed, `${sent} octets read`);
    await turn();
  }
  if (transcript.staysOpen !== true && !client.destroyed) client.end();
  await until(
    () => client.destroyed && accepted!.destroyed,
    () => `closed after ${received}`,
  );
  await turn();
  await turn();
  server.close();
  server.closeAllConnections();
  return { received: received.replaceAll(/^Date: .*\r\n/gm, ""), log };
}
