// In:    test/cases/traffic.json: connections with one request or several.
// Out:   whether report mode, up to the first refusal of each connection, counts exactly what enforce mode refuses.
// Never: judges what enforce mode rules; other tests do.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import type { FramerLike } from "#src/handover/framer.js";
import { suite } from "./support/suite.js";
import { formatTraffic, makeTraffic, type Traffic } from "./support/traffic.js";
import { openWorld } from "./support/world.js";

const file = readFileSync("test/cases/traffic.json", "utf8");
const traffic = JSON.parse(file) as Traffic;
const test = suite("report mode against traffic");

const take: FramerLike = ({ socket }) => void socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
const rules = {
  scheme: "https",
  vhosts: [
    { name: "app.example.com", port: 443, upgrades: { "/live": take } },
    { name: "*.api.example.com", port: 443, origins: ["https://app.example.com"], upgrades: { "/live": take } },
    // This vhost takes what is let through.
    { name: "taker.example", port: "any", default: true, origins: "any", upgrades: { "/live": take } },
  ],
} as const;

/** The first refusal of each connection, softened or not: its code; "malformed" or "none". */
async function firstRefusals(mode: "enforce" | "report"): Promise<string[]> {
  const options: GateOptions = { ...rules, mode, requests: (_, response) => response.end("served") };
  let gate: Gate | undefined;
  const world = await openWorld(() => gate!);
  const firsts: string[] = [];
  for (const connection of traffic) {
    const said: string[] = [];
    gate = createGate(options);
    for (const event of ["refused", "reported"] as const) gate.on(event, ({ code }) => said.push(code));
    gate.on("malformed", ({ fault: { code } }) => said.push(`malformed ${code}`));
    await world.send(connection.join(""));
    firsts.push(said[0] ?? "none");
  }
  await world.close();
  return firsts;
}

function countOf(codes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

test("the file is what its generator makes", () => {
  assert.ok(file === formatTraffic(makeTraffic()), "node dist/test/support/traffic.js writes it again");
});

test("report mode counts what enforce mode refuses", async () => {
  const enforced = await firstRefusals("enforce");
  const reported = await firstRefusals("report");
  assert.equal(countOf(reported), countOf(enforced));
  assert.equal(reported, enforced);
  const counts = countOf(enforced);
  for (const code of ["NAME_UNKNOWN", "PORT_MISMATCH", "ORIGIN_FOREIGN", "ORIGIN_NULL", "PATH_UNCLAIMED", "none"]) {
    assert.ok((counts[code] ?? 0) > 3, `${code}: ${JSON.stringify(counts)}`);
  }
});
