// In:    examples/scale: nginx before two gates, in each of its ways; clients that ask without pause.
// Out:   what is lost when a gate is killed, and when one is drained and replaced.
// Never: changes more of a configuration than ports, paths, and what docs/scale.md has a reader change.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { blocks, read, section } from "./support/document.js";
import { drill } from "./support/drill.js";
import { stopLoads } from "./support/load.js";
import { cannotRunNginx } from "./support/nginx.js";
import { stopAll } from "./support/program.js";
import { Fleet } from "./support/scale.js";
import type { Failure } from "./support/scale-clients.js";
import { suite } from "./support/suite.js";

/** Nothing checks the gates' health: a port that is closed is the notice. */
const GATES = { CHECKS: "none", NOTICE: "1", SPREAD: "3" };
const CONNECTIONS = 120;

const folder = mkdtempSync(join(tmpdir(), "headgate-scale-nginx-"));
const reason = cannotRunNginx(folder);
const test = suite("scale: nginx");
test.after(async () => {
  stopLoads();
  await stopAll();
  rmSync(folder, { recursive: true });
});

/** nginx logs what has failed, with the address of the gate. */
const loggedGate =
  (fleet: Fleet) =>
  ({ method, path }: Failure): string | null => {
    const lines = fleet.balancer.printed().split("\n");
    const found = lines.filter((line) => line.includes(`"${method} ${path} `) && line.includes("upstream: "));
    const port = /upstream: "http:\/\/127\.0\.0\.1:(\d+)/.exec(found.at(-1) ?? "")?.[1];
    return ["a", "b"].find((name) => `${fleet.portOf(name)}` === port) ?? null;
  };

/** The lines of docs/scale.md in the place of Forwarded. */
function withXForwarded(text: string): string {
  const [lines] = blocks(section(read("docs/scale.md"), "### X-Forwarded"), "nginx");
  const line = /^ *proxy_set_header Forwarded .*\n/m;
  assert.match(text, line);
  return text.replace(line, lines!);
}

for (const [file, trust, change, title] of [
  ["nginx.conf", "forwarded", (text: string) => text, "Forwarded"],
  ["nginx.conf", "x-forwarded", withXForwarded, "X-Forwarded"],
] as const) {
  test.needing(reason, `two gates, ${title}: one is drained and replaced, one is killed`, async () => {
    const fleet = await Fleet.start(file, { ...GATES, TRUST: trust }, change);
    const gateOf = loggedGate(fleet);
    await drill(fleet, { killed: "b", drained: "a", first: "drain", connections: CONNECTIONS, gateOf, repeats: true });
    await fleet.stop();
  });
}

test.needing(reason, "two gates, octets passed unread: one is drained and replaced, one is killed", async () => {
  // PROXY headers of version 1 do not state that TLS ended in nginx.
  const fleet = await Fleet.start("nginx-stream.conf", { ...GATES, TRUST: "proxy", SCHEME: "https" });
  await drill(fleet, { killed: "b", drained: "a", first: "drain", connections: CONNECTIONS, repeats: false });
  await fleet.stop();
});
