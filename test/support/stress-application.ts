// In:    requests, upgrades, connections and events of the stress test's gates.
// Out:   whatever an application may do wrong with them; the errors that it threw and nothing but the process may catch.
// Never: leaves a socket that it has kept out of its account.

import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocketServer } from "ws";
import type { Gate } from "#src/gate.js";
import type { Handover } from "#src/handover/framer.js";
import type { RawConnection } from "#src/handover/passthrough.js";
import { wsFramer } from "#src/handover/ws.js";
import type { RequestHead } from "#src/head/request-head.js";
import type { Authorization } from "#src/outcome/authorization.js";

/** Errors that were thrown where the process has to hear of each, once. */
const outstanding = new Set<string>();
/** Errors that reached the process, and are not among those. */
export const strays: string[] = [];
let thrown = 0;

function owed(what: string): Error {
  const error = new Error(`${what} ${++thrown}`);
  outstanding.add(error.message);
  return error;
}

function surface(error: Error): void {
  if (!outstanding.delete(error?.message)) strays.push(error?.stack ?? String(error));
}

process.on("uncaughtException", surface);
process.on("unhandledRejection", surface);

/** How many the process has to hear of in all, and of which it has not heard yet. */
export const owing = (): { thrown: number; unheard: string[] } => ({ thrown, unheard: [...outstanding] });

/** Sockets that the application keeps: those that framers and passthroughs do not read, and those of requests without a response. */
export const held = new Set<Duplex>();
/** Handovers of adopted sockets whose promise is never kept. */
export let unsettled = 0;

function keep(socket: Duplex): void {
  held.add(socket);
  socket.on("error", () => {}).once("close", () => held.delete(socket));
}

/** An error that a framer, a passthrough or `authorize` throws: the gate has to deal with it. */
const given = (what: string): Error => new Error(`thrown by ${what}`);

/** Paths of requests that get no response. Node does not read a socket on which responses wait for their turn. */
const unanswered = new Set<string | undefined>(["/never", "/throws", "/rejects"]);

export function respond(request: IncomingMessage, response: ServerResponse): void | Promise<void> {
  request.on("error", () => {});
  response.on("error", () => {});
  request.resume();
  if (unanswered.has(request.url)) keep((request as { stream?: Duplex }).stream ?? request.socket);
  switch (request.url) {
    case "/ok":
      return void response.end("ok");
    case "/big":
      return void response.end("x".repeat(300_000));
    case "/parts":
      return inParts(response);
    case "/never":
      return;
    case "/throws":
      throw owed("a request listener");
    case "/rejects":
      return Promise.reject(owed("an asynchronous request listener"));
    case "/destroys":
      return void response.destroy();
    default:
      response.statusCode = 404;
      response.end();
  }
}

async function inParts(response: ServerResponse): Promise<void> {
  for (let part = 0; part < 3; part++) {
    response.write(`part ${part}`);
    await sleep(5);
  }
  response.end();
}

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

const webSocketServer = new WebSocketServer({ noServer: true });
webSocketServer.on("connection", (webSocket) => {
  webSocket.on("error", () => {});
  webSocket.on("message", (message) => webSocket.send(message));
});
const ws = wsFramer(webSocketServer);

/** The last segment of a path decides what the framer does. */
export function take(handover: Handover): void | Promise<void> {
  const { socket, head, rest } = handover;
  switch (head.path?.split("/").at(-1)) {
    case "ws":
      return ws.take(handover);
    case "throws":
      throw given("a framer");
    case "throws-late":
      socket.on("error", () => {}).write(SWITCHING);
      throw given("a framer that has answered");
    case "rejects":
      return sleep(3).then(() => Promise.reject(given("a framer")));
    case "never":
      keep(socket);
      unsettled++;
      return new Promise<void>(() => {});
    case "destroys":
      return void socket.destroy();
    default:
      socket.on("error", () => {});
      socket.write(SWITCHING);
      socket.write(rest);
      socket.pipe(socket);
  }
}

/** Takes what is not HTTP; its first octet decides what becomes of it. */
export function passThrough({ socket, rest }: RawConnection): void | Promise<void> {
  const kind = (rest[0] ?? 0) % 4;
  if (kind === 0) throw given("a passthrough");
  if (kind === 1) return Promise.reject(given("a passthrough"));
  if (kind === 2) {
    keep(socket);
    return;
  }
  socket
    .on("error", () => {})
    .resume()
    .end("taken");
}

export function authorize({ path }: RequestHead): Authorization | Promise<Authorization> {
  switch (path?.split("/").at(-2)) {
    case "yes-late":
      return sleep(3, true);
    case "no":
      return false;
    case "no-late":
      return sleep(3, { statusCode: 401, fields: { "WWW-Authenticate": "Basic" } });
    case "throws":
      throw given("authorize");
    case "rejects":
      return Promise.reject(given("authorize"));
    case "never":
      return new Promise(() => {});
    case "nonsense":
      return "yes" as never;
    default:
      return true;
  }
}

const events = ["refused", "reported", "malformed", "passed", "abandoned"] as const;

/** Puts listeners on a gate of which some calls throw, and others reject. */
export function listen(gate: Gate, hearsAccepted: boolean): void {
  let heard = 0;
  const listener = (): void | Promise<void> => {
    heard++;
    if (heard % 5 === 1) throw owed("a listener");
    if (heard % 5 === 3) return Promise.reject(owed("an asynchronous listener"));
  };
  for (const event of events) gate.on(event, listener);
  // Without a listener a guard does not rule on each request again.
  if (hearsAccepted) gate.on("accepted", listener);
}

/** The same on the channels of the process, but for that of what is accepted. */
export function subscribeAll(): void {
  let heard = 0;
  for (const event of events) {
    subscribe(`headgate:${event}`, () => {
      if (++heard % 7 === 1) throw owed("a subscriber");
    });
  }
}
