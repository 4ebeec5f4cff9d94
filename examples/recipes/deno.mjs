// Deno.serve, ruled on by the policy. The lines that end with "// +", or are between two "// ++", are the gate's.

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

function handle(request, { remoteAddr }) {
  const refused = refuse(request, remoteAddr.hostname); // +
  if (refused) return refused; // +
  console.log("handled", request.headers.get("user-agent"));
  const { pathname } = new URL(request.url);
  if (pathname === "/live") {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(`echo: ${data}`);
    return response;
  }
  if (pathname === "/api") return Response.json({ done: true });
  return pathname === "/" ? new Response("a page\n") : new Response(null, { status: 404 });
}

Deno.serve({ port: Number(Deno.env.get("PORT") ?? 3000) }, handle);
