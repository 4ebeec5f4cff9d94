// A Worker, ruled on by the policy, on a kernel that was compiled before. The lines that end with "// +", or are between two "// ++",
// are the gate's.

import kernel from "headgate/kernel/simd.wasm"; // +
import { useKernel } from "headgate/parser"; // +
import { arrivalOf, decide, definePolicy, headOf, localhost, refusalResponse } from "headgate/policy"; // +

useKernel(kernel); // +
const policy = definePolicy({ vhosts: localhost({ upgrades: { "/live": "live" } }) }); // +

export default {
  fetch(request) {
    // ++
    const result = headOf(request);
    if (result.kind === "malformed") return refusalResponse(result.fault);
    const decision = decide(policy, result.head, arrivalOf(policy));
    if (decision.kind === "refused") return refusalResponse(decision);
    // ++
    console.log("handled", request.headers.get("user-agent"));
    const { pathname } = new URL(request.url);
    if (pathname === "/live") {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept();
      server.addEventListener("message", ({ data }) => server.send(`echo: ${data}`));
      return new Response(null, { status: 101, webSocket: client });
    }
    if (pathname === "/api") return Response.json({ done: true });
    return pathname === "/" ? new Response("a page\n") : new Response(null, { status: 404 });
  },
};
