// In:    requests of the web's kind, and the address of the peer where the runtime has it.
// Out:   the response of the policy where it refuses, otherwise that of the application.
// Never: needs node:, or a global that Bun, Deno or Workers lack.

import { arrivalOf, decide, definePolicy, explain, headOf, localhost, refusalResponse } from "headgate/policy";

const policy = definePolicy({ vhosts: localhost() });

/** The response to a request that the policy refuses; null if it goes on to the application. */
function refuse(request: Request, remoteAddress?: string): Response | null {
  const result = headOf(request);
  if (result.kind === "malformed") return refusalResponse(result.fault);
  const decision = decide(policy, result.head, arrivalOf(policy, { remoteAddress }));
  if (decision.kind === "refused") console.log(explain(decision));
  return decision.kind === "refused" ? refusalResponse(decision) : null;
}

export function handle(request: Request, remoteAddress?: string): Response {
  return refuse(request, remoteAddress) ?? new Response(`${new URL(request.url).pathname} is served\n`);
}
