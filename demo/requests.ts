// In:    accepted requests that are not upgrades.
// Out:   the page, its style sheet and script; and raw octets sent to our own port, on behalf of the page.
// Never: takes a path of the file system from a request.

import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { parseAuthority } from "headgate";

/** The vhosts that serve the page; the others have WebSockets only. */
export const PAGE_NAMES = ["localhost", "127.0.0.1"] as const;

/** Other hosts that the page opens WebSockets to; no vhost has foreign.localhost. */
const KNOCKED_NAMES = ["echo.localhost", "chat.localhost", "declared.localhost", "foreign.localhost"];

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

/** From dist/demo, where this file runs, to demo, where the page's files are. */
const FOLDER = new URL("../../demo/", import.meta.url);

const files = new Map([
  ["/", readPart("page.html", "text/html")],
  ["/page.css", readPart("page.css", "text/css")],
  ["/page.js", readPart("page.js", "text/javascript")],
]);

function readPart(name: string, mediaType: string): { contentType: string; content: Buffer } {
  return { contentType: `${mediaType}; charset=utf-8`, content: readFileSync(new URL(name, FOLDER)) };
}

/** A request listener, as node:http takes it. */
export async function serveRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { statusCode, body, fields } = await answerTo(request);
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
}

async function answerTo(request: IncomingMessage): Promise<Answer> {
  // The gate has ruled on Host, so this reads it and does not judge it.
  const result = parseAuthority(request.headers.host ?? "");
  const name = result.kind === "complete" ? result.authority.uriHost : "";
  if (result.kind === "malformed" || !PAGE_NAMES.some((known) => known === name)) {
    return { statusCode: 404, body: `${name} has WebSockets only; the page is on localhost\n` };
  }
  const path = request.url?.split("?")[0] ?? "";
  if (path === "/malformed") return request.method === "POST" ? sendMalformed(request) : wrongMethod("POST");
  const file = files.get(path);
  if (file === undefined) return { statusCode: 404, body: "not found\n" };
  if (request.method !== "GET" && request.method !== "HEAD") return wrongMethod("GET, HEAD");
  const fields = {
    "Content-Type": file.contentType,
    "Content-Security-Policy": contentSecurityPolicy(result.authority.effectivePort("http")),
  };
  return { statusCode: 200, body: file.content, fields };
}

function wrongMethod(allowed: string): Answer {
  return { statusCode: 405, body: "method not allowed\n", fields: { Allow: allowed } };
}

/** Nothing but this site's own files, and WebSockets to the hosts that the buttons name. */
function contentSecurityPolicy(port: number): string {
  const sources = [...PAGE_NAMES, ...KNOCKED_NAMES].map((name) => `ws://${name}:${port}`);
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src data:",
    `connect-src 'self' ${sources.join(" ")}`,
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
