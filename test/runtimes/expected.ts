// In:    nothing.
// Out:   the runtimes, the checks, and what is known to fail where.
// Never: holds a declaration that has become untrue: test:runtimes fails on it.

import { gateChecks, ways } from "./gate-checks.js";
import { entries } from "./project.js";
import type { Declared } from "./table.js";

/** The columns of the table. */
export const runtimes = [
  ...["Node 20", "Node 22", "Node 24", "Node 26", "Bun", "Deno"],
  ...["Chromium, page", "Chromium, worker", "workerd"],
] as const;
export type Runtime = (typeof runtimes)[number];

/** The rows of the table. */
export const checks: readonly string[] = [
  ...entries,
  "without WebAssembly",
  "without a kernel",
  "examples/message.ts",
  "examples/web.ts",
  ...ways.flatMap((way) => gateChecks.map((check) => `${way}: ${check}`)),
];

export const declared: readonly Declared[] = [
  {
    runtime: "Bun",
    checks: ["guard, filter: *"],
    reason:
      "servers of `node:http` read their connections themselves; `guard` throws a `TypeError` for the modes `filter` and `strict`.",
  },
  {
    runtime: "Bun",
    checks: ["adopt: a second request"],
    reason:
      "`node:http` publishes no diagnostics channels, from which the gate learns that a response has ended; an adopted connection serves one request, and then waits until its deadline.",
  },
  {
    runtime: "Bun",
    checks: ["adopt, HTTP/2: *"],
    reason: "`node:http2` does not read what was put back into a socket with `unshift`, and resets the connection.",
  },
  {
    runtime: "Deno",
    checks: ["adopt: a second request"],
    reason:
      "`node:http` reads from a connection that it was given by `emit` only what comes before its first response; the connection closes after it. Requests over HTTP/2 and guarded servers are not affected.",
  },
];
