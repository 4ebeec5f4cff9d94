// In:    GUARD_MODE, "parser"; before a test file: node --import ./dist/test/support/guard-mode.js dist/test/guard.test.js
// Out:   guards of that file whose requests headgate's parser reads, strict or not.
// Never: changes a guard that has a mode already.

import type { Gate, GuardOptions } from "headgate";
import { createGate } from "headgate";
import type { GuardedServer } from "#src/guard/server.js";

if (process.env.GUARD_MODE === "parser") {
  const prototype = Object.getPrototypeOf(createGate({ vhosts: [{ name: "a" }] })) as Gate;
  const { guard } = prototype;
  prototype.guard = function (server: GuardedServer, options?: GuardOptions) {
    if (options !== undefined && (typeof options !== "object" || options === null || "mode" in options)) {
      return guard.call(this, server, options);
    }
    const { strict, ...others } = options ?? {};
    if (strict !== undefined && typeof strict !== "boolean") return guard.call(this, server, options);
    return guard.call(this, server, { ...others, mode: strict ? "strict" : "auto" });
  };
}
