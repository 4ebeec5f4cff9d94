// Hono on Deno, ruled on by the policy in a middleware before all others. The lines that end with "// +", or are between two "// ++",
// are the gate's.

import { arrivalOf, decide, definePolicy, headOf, localhost, refusalResponse } from "headgate/policy"; // +
import { Hono } from "hono";
import { upgradeWebSocket } from "hono/deno";

const policy = definePolicy({ vhosts: localhost({ upgrades: { "/live": "live" } }) }); // +
const app = new Hono();
// ++
app.use((context, next) => {
  const result = headOf(context.req.raw);
  if (result.kind === "malformed") return refusalResponse(result.fault);
  const decision = decide(policy, result.head, arrivalOf(policy));
  return decision.kind === "refused" ? refusalResponse(decision) : next();
});
// ++
app.use((context, next) => {
  console.log("handled", context.req.header("user-agent"));
  return next();
});
app.get("/", (context) => context.text("a page\n"));
app.post("/api", (context) => context.json({ done: true }));
app.get(
  "/live",
  upgradeWebSocket(() => ({ onMessage: ({ data }, webSocket) => webSocket.send(`echo: ${data}`) })),
);

Deno.serve({ port: Number(Deno.env.get("PORT") ?? 3000) }, app.fetch);
