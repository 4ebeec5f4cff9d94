// In:    the socket of a new connection; the code that is running, which made the connection.
// Out:   the context in which its requests run: stores of AsyncLocalStorage, a resource of async_hooks.
// Never: keeps the stores of an earlier connection, or lends any longer than node:http reads the socket.

import { AsyncResource, executionAsyncResource } from "node:async_hooks";

/** A stream of libuv, or of TLS. */
export interface Handle {
  useUserBuffer?(buffer: Uint8Array): void;
  [member: symbol]: unknown;
}

/** Stores that a handle has for a while. */
export interface LentStores {
  takeBack(): void;
}

/** Since Node 24, and for streams without a handle: each read runs in this resource. */
export function newContext(): AsyncResource {
  return new AsyncResource("HTTPINCOMINGMESSAGE", { requireManualDestroy: true });
}

const storesOf = (resource: Record<symbol, unknown>): symbol[] =>
  Object.getOwnPropertySymbols(resource).filter(({ description }) => description === "kResourceStore");

/** Before Node 24: the code that is running has stores. */
export function hasStores(): boolean {
  return storesOf(executionAsyncResource() as Record<symbol, unknown>).length > 0;
}

/**
 * Before Node 24 stores are properties of resources, and a read runs in the context of its handle: the handle gets the stores of the
 * code that is running. Null if there are none.
 */
export function lendStores(handle: Handle): LentStores | null {
  const from = executionAsyncResource() as Record<symbol, unknown>;
  if ((from as unknown) === handle) return null;
  const stores = storesOf(from);
  if (stores.length === 0) return null;
  const own = stores.map((symbol) => handle[symbol]);
  for (const symbol of stores) handle[symbol] = from[symbol];
  return {
    takeBack: () => {
      for (const [i, symbol] of stores.entries()) handle[symbol] = own[i];
    },
  };
}
