// In:    the environment variable PORT; 3000 without it: bun dist/examples/web/bun.js
// Out:   a server of Bun's own, with the policy before the application.
// Never: ends by itself.

import { handle } from "./application.js";

declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    fetch(request: Request, server: { requestIP(request: Request): { address: string } | null }): Response;
  }): { port: number };
};

const { port } = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env.PORT ?? 3000),
  fetch: (request, server) => handle(request, server.requestIP(request)?.address),
});
console.log(`http://localhost:${port}/`);
