// In:    options of a gate.
// Out:   that gate, which adopts connections of HTTP/2, with what it reported; requests of node:http2's client, WebSockets that echo.
// Never: leaves a road open that was opened here, once `closeOpened` is called.

import type http2 from "node:http2";
import { WebSocketServer } from "ws";
import { createGate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { wsFramer } from "#src/handover/ws.js";
import type { ConnectionEnd } from "#src/outcome/end.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import type { Fields } from "./http2-frames.js";
import { openRoad, type RoadEnd, roads } from "./roads.js";

export const [, overTls1, overTls] = roads;
export const vhosts: GateOptions["vhosts"] = [{ name: "localhost", port: NO_LISTEN_SERVER }];
export const CONNECT: Fields = [
  [":method", "CONNECT"],
  [":protocol", "websocket"],
  [":scheme", "https"],
  [":authority", "localhost"],
  [":path", "/live"],
  ["sec-websocket-version", "13"],
];
export const GET: Fields = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "localhost"],
  [":path", "/"],
];

/** A request with another value of one field. */
export const but = (fields: Fields, name: string, value: string): Fields =>
  fields.map(([each, said]) => [each, each === name ? value : said] as const);

interface Answer {
  readonly status: number | undefined;
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: string;
}

/** One request of node:http2's client. */
export async function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: string,
): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  let answered: (http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader) | undefined;
  let text = "";
  stream.on("response", (response) => (answered = response));
  stream.on("data", (octets) => (text += octets));
  stream.on("error", () => {});
  if (body !== undefined) stream.end(body);
  await new Promise((resolve) => stream.once("close", resolve));
  return { status: answered?.[":status"], headers: answered ?? {}, body: text };
}

const opened: RoadEnd[] = [];

/** A road that `closeOpened` closes. */
export async function openKept(...of: Parameters<typeof openRoad>): Promise<RoadEnd> {
  const end = await openRoad(...of);
  opened.push(end);
  return end;
}

export async function adopting(options: Omit<GateOptions, "vhosts"> & Partial<GateOptions>, road = overTls!) {
  const gate = createGate({ vhosts, ...options });
  const said: string[] = [];
  gate.on("accepted", ({ upgrade }) => said.push(upgrade ? "upgrade" : "request"));
  gate.on("refused", ({ code }) => said.push(code));
  gate.on("malformed", ({ fault: { code } }) => said.push(code));
  gate.on("abandoned", ({ code, stage }) => said.push(`${code} ${stage}`));
  const end = await openKept(road, "adopted");
  end.put(gate);
  return { gate, said, end };
}

export async function endOf(ends: Promise<ConnectionEnd>[]): Promise<string> {
  const end = await ends.at(-1)!;
  return end.kind === "abandoned" ? `${end.code} ${end.stage}` : end.kind;
}

/** Of one suite; the next opens its own. */
export async function closeOpened(): Promise<void> {
  for (const end of opened.splice(0)) await end.close();
}

const wss = new WebSocketServer({ noServer: true });
wss.on("connection", (webSocket) => {
  webSocket.on("error", () => {});
  webSocket.on("message", (data) =>
    String(data) === "terminate" ? webSocket.terminate() : webSocket.send(String(data)),
  );
});
export const upgrades = { "/live": wsFramer(wss) };
export const live: GateOptions["vhosts"] = [{ name: "localhost", port: NO_LISTEN_SERVER, upgrades }];
