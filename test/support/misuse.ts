// In:    calls, and values in place of settings.
// Out:   what a call threw; gates and guards of such values.
// Never: takes an error of another kind for a TypeError.

import http from "node:http";
import { WebSocketServer } from "ws";
import { createGate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";

export function errorOf(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

/** The message of a TypeError. */
export function messageOf(call: () => unknown): string {
  const error = errorOf(call);
  if (!(error instanceof TypeError)) throw error;
  return error.message;
}

export const gateOf = (options: unknown) => createGate(options as GateOptions);
export const vhostOf = (settings: object) => gateOf({ vhosts: [{ name: "a", ...settings }] });
export const gate = createGate({ vhosts: [{ name: "a" }, { name: "b" }] });
export const wss = new WebSocketServer({ noServer: true });
export const server = http.createServer();
export const guard = (value: unknown) => gate.guard(value as http.Server);
