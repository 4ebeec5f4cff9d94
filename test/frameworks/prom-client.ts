// In:    examples/prom-client.mjs, and the real prom-client.
// Out:   whether what it exposes is what the gate counts.
// Never: reads the format itself, beyond whole lines.

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as assert from "uvu/assert";
import { read } from "../support/document.js";
import { folderOf } from "../support/frameworks.js";
import { freePort, start, stopAll } from "../support/program.js";
import { suite } from "../support/suite.js";

const test = suite("prom-client");
test.after(stopAll);

const example = read("examples/prom-client.mjs");

test("its metrics are those of the gate", async () => {
  const folder = folderOf("prom-client");
  const modules = join(folder, "node_modules");
  mkdirSync(modules, { recursive: true });
  rmSync(join(modules, "headgate"), { force: true });
  symlinkSync(resolve("."), join(modules, "headgate"));
  const program = join(folder, "prom-client.mjs");
  writeFileSync(program, example);
  const port = await freePort();
  const child = await start(process.execPath, [program], [port], { PORT: `${port}` });
  const origin = `http://127.0.0.1:${port}`;
  assert.is(await (await fetch(origin)).text(), "a page\n");
  assert.is((await fetch(origin, { method: "POST", headers: { Origin: "http://evil.example" } })).status, 403);
  const text = await (await fetch(`${origin}/metrics`)).text();
  const lines = text.split("\n");
  for (const line of [
    "headgate_open 1",
    'headgate_refused_total{code="ORIGIN_FOREIGN"} 1',
    "headgate_adopted_total 0",
    'headgate_connections{kind="pendingHeads"} 0',
    "# TYPE headgate_duration_seconds histogram",
  ]) {
    assert.ok(lines.includes(line), `${line} is missing in ${text}`);
  }
  assert.match(text, /^headgate_connections\{kind="guarded"\} [1-9]/m);
  await child.stop();
});
