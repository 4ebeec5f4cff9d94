// In:    examples/recipes/mcp.mjs.
// Out:   what every recipe is tested for; a client initializes.
// Never: tests the SDK.

import * as assert from "uvu/assert";
import { recipe } from "./recipe.js";

/** What a client on this machine sends first. */
async function api(origin: string): Promise<void> {
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  const response = await fetch(`${origin}/mcp`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json, text/event-stream" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params }),
  });
  assert.is(response.status, 200);
  assert.match(await response.text(), '"serverInfo":{"name":"example"');
}

recipe("mcp", { api });
