// In:    a refused request of an http.Server, not answered yet; or the socket of one whose head is malformed.
// Out:   the complete response; then the connection closes in a way that lets the response arrive.
// Never: makes a client wait that has not sent its body, or resets one within `lingerTimeout` that is sending it.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Deadlines, Timed } from "../outcome/deadlines.js";
import type { Reply } from "../policy/reply.js";

/**
 * Answers through Node's ServerResponse, which keeps the order of pipelined responses. A server destroys its socket
 * after the last response; octets of a body that still arrive would then reset the connection, and the client
 * could lose the response. So the response is written completely and the socket half closed; it is destroyed when the body has been
 * read, or when its time in `lingering` is up.
 */
export function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { statusCode, phrase, fields, body }: Reply,
  lingering: Deadlines,
): void {
  response.writeHead(statusCode, phrase, fields as string[]);
  if (request.headers["content-length"] === undefined && request.headers["transfer-encoding"] === undefined) {
    response.end(body, "latin1");
    return;
  }
  if (request.method === "HEAD") response.flushHeaders();
  else response.write(body, "latin1");
  const { socket } = request;
  // At once, because Node discards what is corked in a socket if its parser finds a fault in the same read.
  socket.end();
  linger(socket, lingering);
  request.once("end", () => response.end());
  request.resume();
}

/** Sends the last response of a connection from which no request was made. `message`: one octet per character. */
export function endWith(socket: Duplex, message: string, lingering: Deadlines): void {
  socket.end(message, "latin1");
  linger(socket, lingering);
  socket.resume();
}

function linger(socket: Duplex, lingering: Deadlines): void {
  const reading = new ReadOn(socket);
  lingering.add(reading);
  socket.once("close", () => lingering.remove(reading));
}

/** A connection that is still read after its last response. */
class ReadOn implements Timed {
  due = 0;
  list: object | null = null;
  previous: Timed | null = null;
  next: Timed | null = null;
  readonly #socket: Duplex;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  expire(): void {
    this.#socket.destroy();
  }
}

/**
 * Continues when every response that the connection owes is written and has let go of the socket, which it does after `writableFinished`:
 * until then Node keeps what a later response writes, and would lose it with the socket's end. Never, if the connection closes before.
 */
export function whenAnswered(newest: ServerResponse | null, socket: Duplex, goOn: () => void): void {
  if (newest === null) {
    goOn();
    return;
  }
  newest.once("close", () => {
    if (newest.writableFinished && !socket.destroyed && !socket.writableEnded) goOn();
  });
}
