// In:    requests, from a gate's guard or from a server without one.
// Out:   a local tool, which gives its notes to every request that reaches it.
// Never: checks where a request comes from; that is the guard's task.

import type { RequestListener } from "node:http";

const NOTES = "door code 4711, passport in the blue folder\n";

/** A request listener, as node:http takes it. Pages of these origins may read the notes as well (Fetch, CORS protocol). */
export function createTool(origins: readonly string[]): RequestListener {
  return (request, response) => {
    const { origin } = request.headers;
    if (origin !== undefined && origins.includes(origin)) response.setHeader("Access-Control-Allow-Origin", origin);
    response.setHeader("Vary", "Origin");
    // After a change in DNS a browser connects again; without this, the rebinding page would reach the server it reached before.
    response.setHeader("Connection", "close");
    response.setHeader("Cache-Control", "no-store");
    response.setHeader("Content-Type", "text/plain; charset=utf-8");
    const found = /^\/(?:guarded\/|unguarded\/)?notes(?:\?|$)/.test(request.url ?? "");
    response.writeHead(found ? 200 : 404).end(found ? NOTES : "not found\n");
  };
}
