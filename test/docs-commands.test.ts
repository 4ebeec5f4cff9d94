// In:    the documents, package.json, the programs that the documents have people run.
// Out:   whether each command, option, step and variable that a document names is there, and each that is there is named.
// Never: runs a command.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { steps } from "../bench/gate/steps.js";
import { documents, plain, read, rows, section } from "./support/document.js";
import { suite } from "./support/suite.js";

const test = suite("documents: commands");
const contributing = read("CONTRIBUTING.md");
const measuring = section(contributing, "## Measuring");
const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
/** npm runs these by names of its own. */
const BY_NAME = ["prepack", "start", "test"];

test("every script that a document names is in package.json, and CONTRIBUTING.md names every one", () => {
  const named = new Set<string>();
  for (const file of documents) {
    for (const [, name] of read(file).matchAll(/npm run ([a-z][a-z:-]*)/g)) {
      assert.ok(Object.hasOwn(scripts, name!), `${file}: npm run ${name}`);
      if (file === "CONTRIBUTING.md") named.add(name!);
    }
  }
  assert.equal([...named, ...BY_NAME].sort(), Object.keys(scripts).sort());
});

test("every program that a document has people run is built", () => {
  let found = 0;
  for (const file of documents) {
    for (const [, path] of read(file).matchAll(/node (dist\/[\w/.-]+\.js)/g)) {
      assert.ok(existsSync(path!), `${file}: node ${path}`);
      found++;
    }
  }
  assert.ok(found > 30, `${found} programs`);
});

test("every variable that a document sets for a command is one that a program reads", () => {
  const folders = ["bench", "demo", "examples", "test"];
  const programs = folders.flatMap((folder) => {
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
    return names.filter((name) => /\.(?:ts|mjs|cfg)$/.test(name)).map((name) => read(join(folder, name)));
  });
  const names = new Set<string>();
  for (const file of documents) {
    for (const [, name] of read(file).matchAll(/(?:^|[`\s])([A-Z][A-Z_]+)=[^\s`]+(?=[ `])/gm)) names.add(name!);
  }
  // Given to the tests of this project, and not to a program of theirs alone.
  for (const name of names)
    assert.ok(
      programs.some((program) => new RegExp(`\\b${name}\\b`).test(program)),
      name,
    );
  assert.ok(names.size > 5, [...names].join());
});

/** The options of a program that reads them by `parseArgs`; of the fuzzers, their kinds. */
const optionsOf = (file: string): string[] => {
  const [, body] = /options: \{\n(.*?)^ {2,6}\},?\n(?: {4}\})?/ms.exec(read(file))!;
  return [...body!.matchAll(/^ {4,8}(\w+): (?:\{ type|\{ \.\.\.|number)/gm)].map((match) => match[1]!);
};

/** The options in the first column of the tables of a text. */
const documentedIn = (text: string): string[] =>
  rows(text).flatMap(([cell]) => [...cell!.matchAll(/--(\w+)/g)].map((match) => match[1]!));

test("CONTRIBUTING.md has every option of the fuzzers and of the benches", () => {
  const fuzzing = section(contributing, "## Fuzzing");
  for (const option of ["seed", "hours"]) assert.match(fuzzing, `--${option} N`);
  assert.equal(documentedIn(fuzzing).sort(), optionsOf("test/support/fuzz.ts").sort());
  const [parser, gate] = measuring.split("`npm run bench:gate` takes longer");
  assert.equal(documentedIn(parser!).sort(), optionsOf("bench/main.ts").sort());
  assert.equal(documentedIn(gate!).sort(), optionsOf("bench/gate/main.ts").sort());
});

test("CONTRIBUTING.md has every step of the benches, in their order", () => {
  const [, ofParser] = /^const steps = \[(.*?)\]/m.exec(read("bench/main.ts"))!;
  const [first, second] = [...measuring.matchAll(/^The steps are (.*?)\.(?: |$)/gms)].map((match) => match[1]!);
  const named = (sentence: string): string[] => sentence.match(/`[a-z-]+`/g)!.map(plain);
  assert.equal(
    named(first!.replaceAll("`--only`", "")),
    [...ofParser!.matchAll(/"([^"]+)"/g)].map((match) => match[1]!),
  );
  assert.equal(named(second!), Object.keys(steps));
});
