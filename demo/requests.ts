// In:    accepted requests that are not upgrades.
// Out:   the live page and the playground; and raw octets sent to our own port, on behalf of the page.
// Never: takes a path of the file system from a request.

import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { Decision } from "headgate";
import { type File, type Neighbours, REBOUND_NAME, readFiles } from "./files.js";

/** The vhosts that serve the page; the others have WebSockets only. */
export const PAGE_NAMES = ["localhost", "127.0.0.1"] as const;

/** Other hosts that the page opens WebSockets to; no vhost has foreign.localhost. */
const FOREIGN_NAME = "foreign.localhost";
const KNOCKED_NAMES = ["echo.localhost", "chat.localhost", "declared.localhost", FOREIGN_NAME];

/** Two Host lines: which one would an application believe? No browser sends this, so the demo does. */
const MALFORMED = "GET /echo HTTP/1.1\r\nHost: echo.localhost\r\nHost: chat.localhost\r\n\r\n";
/** Milliseconds to wait for the answer to it. */
const PATIENCE = 5000;

interface Answer {
  readonly statusCode: number;
  readonly body: string | Buffer;
  /** In addition to those of every answer. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** Answers requests for the live page and the playground, by the gate's decision on each. */
export function createPages(
  neighbours: Neighbours | null,
): (request: IncomingMessage, response: ServerResponse, decision: Decision) => Promise<void> {
  const files = readFiles(neighbours);
  return async (request, response, decision) => {
    const { statusCode, body, fields } = await answerTo(request, decision, files, neighbours);
    response.writeHead(statusCode, {
      "Content-Type": "text/plain; charset=utf-8",
      "Content-Length": Buffer.byteLength(body),
      "Cache-Control": "no-store",
      "Cross-Origin-Resource-Policy": "same-origin",
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
      ...fields,
    });
    response.end(body);
  };
}

async function answerTo(
  request: IncomingMessage,
  { vhost, port }: Decision,
  files: ReadonlyMap<string, File>,
  neighbours: Neighbours | null,
): Promise<Answer> {
  if (!PAGE_NAMES.some((known) => known === vhost!.name)) {
    return { statusCode: 404, body: `${vhost!.name} has WebSockets only; the page is on localhost\n` };
  }
  const path = request.url?.split("?")[0] ?? "";
  if (path === "/malformed") return request.method === "POST" ? sendMalformed(request) : wrongMethod("POST");
  if (path === "/playground") return { statusCode: 308, body: "", fields: { Location: "/playground/" } };
  const file = files.get(path);
  if (file === undefined) return { statusCode: 404, body: "not found\n" };
  if (request.method !== "GET" && request.method !== "HEAD") return wrongMethod("GET, HEAD");
  const fields = {
    "Content-Type": file.contentType,
    "Content-Security-Policy": contentSecurityPolicy(port!, file, neighbours),
  };
  return { statusCode: 200, body: file.content, fields };
}

function wrongMethod(allowed: string): Answer {
  return { statusCode: 405, body: "method not allowed\n", fields: { Allow: allowed } };
}

/** Nothing but this site's own files, and connections to the hosts that the buttons name. */
function contentSecurityPolicy(port: number, { compiles = false }: File, neighbours: Neighbours | null): string {
  const sources = [...PAGE_NAMES, ...KNOCKED_NAMES].map((name) => `ws://${name}:${port}`);
  const frames: string[] = [];
  if (neighbours !== null) {
    sources.push(...[...PAGE_NAMES, FOREIGN_NAME].map((name) => `http://${name}:${neighbours.guarded}`));
    frames.push(`http://${REBOUND_NAME}:${neighbours.rebinding}`);
  }
  return [
    "default-src 'none'",
    `script-src 'self'${compiles ? " 'wasm-unsafe-eval'" : ""}`,
    "style-src 'self'",
    "img-src data:",
    `connect-src 'self' ${sources.join(" ")}`,
    `frame-src ${frames.join(" ") || "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** Sends MALFORMED to the port that this request came in on, and answers with the response. */
async function sendMalformed(request: IncomingMessage): Promise<Answer> {
  const socket = connect({ port: request.socket.localPort ?? 0, host: "127.0.0.1" });
  socket.setTimeout(PATIENCE, () => socket.destroy(new Error("no answer in time")));
  socket.write(MALFORMED, "latin1");
  try {
    const statusLine = (await text(socket)).split("\r\n")[0];
    return { statusCode: 200, body: `${statusLine}\n` };
  } catch (error) {
    return { statusCode: 500, body: `${(error as Error).message}\n` };
  }
}
