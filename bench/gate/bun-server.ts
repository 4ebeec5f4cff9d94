// In:    lines on stdin; runs under Bun.
// Out:   the port, then the processor time for each line, as server.ts, of Bun.serve with its own WebSockets.
// Never: imports what Bun has not built in.

import { createInterface } from "node:readline";

/** What is used of Bun. */
interface BunLike {
  serve(options: object): { readonly port: number; upgrade(request: object): boolean };
}
const { Bun } = globalThis as unknown as { Bun: BunLike };

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 255,
  fetch(request: { headers: Map<string, string> }): Response | undefined {
    if (request.headers.get("host") !== "live.example.com") return new Response("Forbidden\n", { status: 403 });
    return server.upgrade(request) ? undefined : new Response("no upgrade\n", { status: 400 });
  },
  websocket: {
    message(webSocket: { send(data: unknown): void }, data: unknown) {
      webSocket.send(data);
    },
  },
});

const answer = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
answer(server.port);
createInterface(process.stdin).on("line", () => answer(process.cpuUsage()));
process.stdin.on("end", () => process.exit());
