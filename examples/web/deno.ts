// In:    the environment variable PORT; 3000 without it: deno run --allow-net --allow-env --allow-read dist/examples/web/deno.js
// Out:   a server of Deno's own, with the policy before the application.
// Never: ends by itself.

import { handle } from "./application.js";

declare const Deno: {
  env: { get(name: string): string | undefined };
  serve(
    options: { hostname: string; port: number; onListen(address: { port: number }): void },
    handler: (request: Request, info: { remoteAddr: { hostname: string } }) => Response,
  ): void;
};

Deno.serve(
  {
    hostname: "127.0.0.1",
    port: Number(Deno.env.get("PORT") ?? 3000),
    onListen: ({ port }) => console.log(`http://localhost:${port}/`),
  },
  (request, { remoteAddr }) => handle(request, remoteAddr.hostname),
);
