// In:    the origin of a server, the fields that a browser adds for a page of another origin.
// Out:   whether its calls are served: the preflight, then the call that it is about.
// Never: runs a browser.

import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import * as assert from "uvu/assert";

const FETCH = { "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty" };

async function send(origin: string, method: string, headers: Record<string, string>): Promise<IncomingMessage> {
  const sent = request(`${origin}/api`, { method, agent: false, headers }).end();
  const [response]: IncomingMessage[] = await once(sent, "response");
  response!.resume();
  await once(response!, "end");
  return response!;
}

/** What `fetch` with a body of JSON sends from a page of `page`: first the question, then the call. */
export async function callFrom(page: string, site: "same-site" | "cross-site", origin: string): Promise<void> {
  const fields = { Origin: page, "Sec-Fetch-Site": site, ...FETCH };
  const asks = { "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type" };
  for (const [method, more] of [
    ["OPTIONS", asks],
    ["POST", { "Content-Type": "application/json" }],
  ] as const) {
    const { statusCode, headers } = await send(origin, method, { ...fields, ...more });
    assert.equal([statusCode, headers["access-control-allow-origin"]], [200, page], method);
  }
  for (const other of ["null", "https://evil.example", `${page}.evil.example`]) {
    const { statusCode } = await send(origin, "POST", { ...fields, Origin: other });
    assert.is(statusCode, 403, other);
  }
}
