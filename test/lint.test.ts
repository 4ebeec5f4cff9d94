// In:    the sources and the lock file.
// Out:   whether the linter, the formatter and the rules of this repository are content.
// Never: changes a file.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { suite } from "./support/suite.js";

const test = suite("lint");

test("biome has nothing to say", () => {
  const { status, stdout, stderr } = spawnSync("node_modules/.bin/biome", ["check", "--error-on-warnings", "."], {
    encoding: "utf8",
  });
  assert.is(status, 0, `${stdout}${stderr}`);
});

test("the lock file holds no download addresses", () => {
  assert.not.match(readFileSync("package-lock.json", "utf8"), /"resolved"/);
});

test("every test file runs its suites", () => {
  const files = readdirSync("test", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".test.ts"));
  assert.ok(files.length > 5);
  for (const name of files) {
    const text = readFileSync(`test/${name}`, "utf8");
    const own = /from "(?:\.\.?\/)+support\/suite\.js"/.test(text);
    assert.ok(own || /^\s*\w+\.run\(\);/m.test(text), `${name} makes a suite that never runs`);
  }
});
