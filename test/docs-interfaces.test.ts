// In:    the tables of functions, options and members in the documents; the declarations that they describe.
// Out:   whether they name the same things.
// Never: compares what a table has about each.

import * as assert from "uvu/assert";
import { plain, read, readme, rows, section } from "./support/document.js";
import { variantsOf } from "./support/recipes.js";
import { suite } from "./support/suite.js";

const test = suite("documents: interfaces");

/** The members of an interface, in its order. */
function membersOf(file: string, name: string): string[] {
  const [, body] = new RegExp(`^export interface ${name} \\{\\n(.*?)^\\}`, "ms").exec(read(file))!;
  return [...body!.matchAll(/^ {2}(?:readonly )?(\w+)[?(:]/gm)].map((match) => match[1]!);
}

const firstCells = (text: string): string[] => rows(text).map(([cell]) => plain(cell));

test("docs/abi.md has every function of the kernel, with its arguments", () => {
  const functions = [...read("assembly/index.ts").matchAll(/^export function (\w+)\(([^)]*)\)/gm)];
  const documented = rows(section(read("docs/abi.md"), "## The functions")).map(([name, parameters]) => [
    plain(name),
    parameters!.split(", ").map(plain),
  ]);
  const wanted = functions.map(([, name, list]) => [name, list!.split(", ").map((each) => each.split(":")[0])]);
  assert.equal(documented.sort(), wanted.sort());
});

test("docs/testing.md has every option of the contracts", () => {
  const [framers, waysIn] = read("docs/testing.md").split("## The contract of ways in");
  const options = (text: string): string[] => firstCells(text.slice(text.indexOf("| option |")).split("\n\n")[0]!);
  assert.equal(options(framers!), membersOf("src/testing/framer.ts", "FramerContractOptions"));
  assert.equal(options(waysIn!), membersOf("src/testing/way-in.ts", "WayInContractOptions"));
});

test("docs/intake.md has every member of a handover, and every fact of a decision that a child gets", () => {
  const page = read("docs/intake.md");
  const members = rows(section(page, "## Framers")).flatMap(([cell]) => [...cell!.matchAll(/`(\w+)/g)]);
  const named = members.map((match) => match[1]!).filter((name) => name !== "handover");
  assert.equal(named.sort(), membersOf("src/handover/framer.ts", "Handover").sort());
  const [facts] = /the facts of the parent's ruling: .*? as the parent knows it/s.exec(page)!;
  assert.equal(
    [...facts.matchAll(/`(\w+)`/g)].map((match) => match[1]!).sort(),
    membersOf("src/intake/socket-message.ts", "SentDecision")
      .filter((name) => name !== "kind")
      .sort(),
  );
});

test("README.md and the list of recipes promise as many lines as most recipes add", () => {
  const { added } = variantsOf(read("examples/recipes/node.mjs"));
  const number = ["No", "One", "Two", "Three", "Four", "Five"][added]!;
  const list = read("docs/recipes/README.md");
  assert.match(readme, `${number} lines stop both`);
  assert.match(list, `${number} lines guard most servers`);
  const lines = rows(list).map(([, count]) => Number(count));
  assert.ok(lines.filter((count) => count === added).length > lines.filter(Number.isInteger).length / 2);
});

test("the units of examples/systemd start the programs that are there", () => {
  for (const unit of ["headgate.service", "headgate-each@.service"]) {
    const [, program] = /^ExecStart=\S+ \S+\/(\w+)\.js$/m.exec(read(`examples/systemd/${unit}`))!;
    assert.ok(read(`examples/systemd/${program}.ts`).length > 0, unit);
  }
});
