// In:    README.md.
// Out:   its programs, outputs and commands are those that run.
// Never: follows its links; docs.test.ts does, for every document.

import { execFileSync, spawnSync } from "node:child_process";
import * as assert from "uvu/assert";
import { blocks, read, readme, section } from "./support/document.js";
import { suite } from "./support/suite.js";

const test = suite("README.md");

const recipe = read("docs/recipes/node.md");
const only = (text: string, heading: string, language: string): string => {
  const [block] = blocks(section(text, heading), language);
  assert.ok(block !== undefined, `${heading} has a block of ${language}`);
  return block;
};

test("is short", () => {
  assert.ok(readme.split("\n").length < 220);
});

test("guards the server of the recipe for node:http, and has doctor's totals of it", () => {
  assert.is(only(readme, "## Guard a server", "diff"), blocks(recipe, "diff")[0]);
  const totals = [...recipe.matchAll(/^\d+ got through, .*$/gm)].map(([line]) => line);
  assert.is(totals.length, 2, "before and after");
  const [command, ...lines] = only(readme, "## Guard a server", "text").trimEnd().split("\n");
  assert.equal(lines, totals);
  assert.match(command!, "npx headgate doctor");
});

for (const [heading, block, example] of [
  ["## Guard a server", 1, "guard"],
  ["## Sockets accepted elsewhere", 0, "adopt"],
] as const) {
  test(`"${heading.slice(3)}" has lines that examples/${example} prints`, () => {
    const printed = execFileSync(process.execPath, [`dist/examples/${example}.js`], {
      encoding: "utf8",
      timeout: 60_000,
    }).split("\n");
    const shown = blocks(section(readme, heading), "text")[block]!.trimEnd().split("\n");
    assert.ok(shown.length > 0);
    for (const line of shown) assert.ok(printed.includes(line), line);
  });
}

test('"Guard a server" logs as examples/guard.ts does, whose lines it has', () => {
  const logged = (text: string): string | undefined =>
    /gate\.on\("refused", (.*) => console\.\w+\((.*)\)\);/.exec(text)?.[2];
  assert.is(logged(only(readme, "## Guard a server", "diff")), "explain(decision)");
  assert.is(logged(read("examples/guard.ts")), "explain(decision)");
});

test('"Sockets accepted elsewhere" has the gate of examples/adopt.ts', () => {
  const gate = only(readme, "## Sockets accepted elsewhere", "ts").replace(/^gate\.adopt\(socket\);\n/m, "");
  assert.ok(read("examples/adopt.ts").includes(gate));
});

test('"The parser alone" prints what its comment has', () => {
  const program = only(readme, "## The parser alone", "ts");
  const printed = execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  assert.is(printed.trim(), /console\.log\(.*\); \/\/ (.*)$/m.exec(program)![1]);
});

test('"The command" has commands that run, with the exit codes that it names', () => {
  const commands = only(readme, "## The command", "sh").trimEnd().split("\n");
  const run = commands.filter((command) => !command.includes("doctor")); // which recipes.test.ts runs
  assert.is(run.length, 2);
  for (const command of run) {
    const { status, stdout } = spawnSync("sh", ["-c", command.replace("npx headgate", "node dist/lib/cli.js")], {
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.is(status, 1, command);
    assert.ok(stdout.length > 0, command);
  }
});
