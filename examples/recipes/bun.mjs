// Bun.serve, ruled on by the policy. The lines that end with "// +", or are between two "// ++", are the gate's.

import { arrivalOf, decide, definePolicy, headOf, localhost, refusalResponse } from "headgate/policy"; // +

// ++
const policy = definePolicy({ vhosts: localhost({ upgrades: { "/live": "live" } }) });
function refuse(request, remoteAddress) {
  const result = headOf(request);
  if (result.kind === "malformed") return refusalResponse(result.fault);
  const decision = decide(policy, result.head, arrivalOf(policy, { remoteAddress }));
  return decision.kind === "refused" ? refusalResponse(decision) : null;
}
// ++

function handle(request, server) {
  const refused = refuse(request, server.requestIP(request)?.address); // +
  if (refused) return refused; // +
  console.log("handled", request.headers.get("user-agent"));
  const { pathname } = new URL(request.url);
  if (pathname === "/live" && server.upgrade(request)) return undefined;
  if (pathname === "/api") return Response.json({ done: true });
  return pathname === "/" ? new Response("a page\n") : new Response(null, { status: 404 });
}

Bun.serve({
  port: Number(process.env.PORT ?? 3000),
  fetch: handle,
  websocket: { message: (webSocket, data) => void webSocket.send(`echo: ${data}`) },
});
