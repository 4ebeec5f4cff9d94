// In:    the socket of a new connection; the code that is running, which made the connection.
// Out:   the context in which its requests run: stores of AsyncLocalStorage, a resource of async_hooks.
// Never: makes a resource where stores can be given to the socket's own.

import { AsyncResource, executionAsyncResource } from "node:async_hooks";
import type { NodeParts } from "./node-parts.js";

/** A stream of libuv, or of TLS. */
export interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
  [member: symbol]: unknown;
}

/**
 * Before Node 24, stores are properties of resources: they are copied to the handle, whose context reads run in, and null is
 * returned. Since Node 24, each read runs in the resource that is returned.
 */
export function contextOf(parts: NodeParts, handle: Handle | null | undefined): AsyncResource | null {
  if (!parts.storesOnResources) return new AsyncResource("HTTPINCOMINGMESSAGE", { requireManualDestroy: true });
  const from = executionAsyncResource() as Record<symbol, unknown>;
  if (!handle || (from as unknown) === handle) return null;
  for (const symbol of Object.getOwnPropertySymbols(from)) {
    if (symbol.description === "kResourceStore") handle[symbol] = from[symbol];
  }
  return null;
}
