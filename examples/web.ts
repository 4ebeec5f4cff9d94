// In:    nothing; requests are made here as a runtime makes them: node dist/examples/web.js
// Out:   the decision on each, and the responses.
// Never: needs node:; the handler runs wherever there are Request and Response.

import { arrivalOf, decide, definePolicy, explain, headOf, localhost, refusalResponse } from "headgate/policy";

const policy = definePolicy({ vhosts: localhost({ upgrades: { "/live": "live" } }) });

/** The response to a request that the policy refuses; null if it goes on to the application. */
function refuse(request: Request, remoteAddress?: string): Response | null {
  const result = headOf(request);
  if (result.kind === "malformed") return refusalResponse(result.fault);
  const decision = decide(policy, result.head, arrivalOf(policy, { remoteAddress }));
  console.log(explain(decision));
  return decision.kind === "refused" ? refusalResponse(decision) : null;
}

const application = (request: Request): Response => new Response(`${new URL(request.url).pathname} is served\n`);

// Bun:     Bun.serve({ port: 3000, fetch: (request, server) =>
//            refuse(request, server.requestIP(request)?.address) ?? application(request) });
// Deno:    Deno.serve({ port: 3000 }, (request, { remoteAddr }) =>
//            refuse(request, remoteAddr.hostname) ?? application(request));
// Workers: export default { fetch: (request) => refuse(request) ?? application(request) };
const handle = (request: Request): Response => refuse(request, "127.0.0.1") ?? application(request);

const webSocket = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13" };
const key = { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" };
const requests: [path: string, headers: Record<string, string>][] = [
  ["/", { Host: "localhost:3000" }],
  ["/", { Host: "rebound.example:3000" }],
  ["/api", { Host: "localhost:3000", Origin: "https://evil.example", Accept: "application/json" }],
  ["/live", { Host: "localhost:3000", Origin: "http://localhost:3000", ...webSocket, ...key }],
];
for (const [path, headers] of requests) {
  const response = handle(new Request(`http://${headers.Host}${path}`, { headers }));
  console.log("the client:", response.status, (await response.text()).trim());
}
