// In:    nothing; it plays the clients itself, on a free port of the loopback interface: node dist/examples/middleware.js
// Out:   what the middleware lets through, and what it refuses.
// Never: sees upgrades or what Node's parser has hidden; a guard does.

import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { arrivalOf, decide, definePolicy, headOf, localhost, type PolicyRules, refusalResponse } from "headgate/policy";

/** For `app.use(...)` of Express, Connect or Polka, before everything else. */
function hostAndOrigin(rules: PolicyRules) {
  const policy = definePolicy(rules);
  return async (request: IncomingMessage, response: ServerResponse, next: () => void): Promise<void> => {
    const result = headOf(request);
    const refused =
      result.kind === "malformed" ? result.fault : decide(policy, result.head, arrivalOf(policy, request.socket));
    if ("kind" in refused && refused.kind === "accepted") return next();
    const refusal = refusalResponse(refused);
    response.writeHead(refusal.status, Object.fromEntries(refusal.headers)).end(await refusal.text());
  };
}

const middleware = hostAndOrigin({ vhosts: localhost() });
const server = createServer((request, response) => {
  void middleware(request, response, () => response.end("from the application"));
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;

for (const headers of [{ Host: "localhost" }, { Host: "rebound.example" }, { Host: "[::1]", Origin: "null" }]) {
  const [response] = await once(request({ port, host: "127.0.0.1", headers }).end(), "response");
  const [body] = await once(response, "data");
  console.log("the client:", response.statusCode, String(body).trim());
}
server.close();
