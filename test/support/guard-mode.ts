// In:    before a test file: HEADGATE_GUARD_MODE=events node --import ./dist/test/support/guard-mode.js dist/test/guard.test.js
// Out:   guards of that file with this mode, unless they have one already.
// Never: changes what else they are given.

import type { GuardedServer } from "#src/guard/server.js";
import { createGate, type Gate, type GuardOptions } from "#src/index.js";

const mode = process.env.HEADGATE_GUARD_MODE as GuardOptions["mode"];
const prototype = Object.getPrototypeOf(createGate({ vhosts: [{ name: "a" }] })) as Gate;
const { guard } = prototype;

prototype.guard = function (server: GuardedServer, options: GuardOptions = {}) {
  const isOptions =
    typeof options === "object" && options !== null && Object.getPrototypeOf(options) === Object.prototype;
  const isOpen = isOptions && (options.mode === undefined || options.mode === "auto");
  return guard.call(this, server, isOpen && mode !== undefined ? { ...options, mode } : options);
};
