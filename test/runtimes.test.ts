// In:    docs/runtimes.md; the lists and the programs of `npm run test:runtimes`.
// Out:   whether the page is the table of those lists, each cell that fails has its reason, and the programs run in this Node.
// Never: fetches a runtime; `npm run test:runtimes` does.

import * as assert from "uvu/assert";
import { readerOf } from "#src/guard/mode.js";
import { checks, declared, runtimes } from "./runtimes/expected.js";
import { versions } from "./runtimes/fetched.js";
import { cases } from "./runtimes/inputs.js";
import { difference, entries } from "./runtimes/project.js";
import { type Cells, declarationOf, markdown, surprises } from "./runtimes/table.js";
import { transcript, transcripts } from "./runtimes/transcripts.js";
import { read, rows } from "./support/document.js";
import { suite } from "./support/suite.js";

const test = suite("runtimes");
const page = read("docs/runtimes.md");
const table = page.slice(page.indexOf("|  | Node 20"));

test("the page has every runtime, every check and every reason", () => {
  assert.equal(
    table
      .split("\n")[0]!
      .split("|")
      .map((cell) => cell.trim())
      .filter((cell) => cell !== ""),
    [...runtimes],
  );
  assert.equal(
    rows(table).map(([check]) => check),
    checks,
  );
  const reasons = table.split("\n").filter((line) => /^\d+\. /.test(line));
  assert.equal(
    reasons,
    declared.map(({ runtime, reason }, i) => `${i + 1}. ${runtime}: ${reason}`),
  );
});

test("a cell of the page fails where it is declared, and nowhere else", () => {
  for (const [check, ...cells] of rows(table)) {
    for (const [i, cell] of cells.entries()) {
      const number = declarationOf(declared, runtimes[i]!, check!);
      if (cell === "-") assert.is(number, 0, `${check} in ${runtimes[i]}`);
      else assert.is(cell, number === 0 ? "yes" : `no (${number})`, `${check} in ${runtimes[i]}`);
    }
  }
});

test("every declaration is for a check that there is", () => {
  for (const { runtime, checks: patterns } of declared) {
    assert.ok((runtimes as readonly string[]).includes(runtime), runtime);
    for (const pattern of patterns) {
      const alone = [{ runtime, checks: [pattern], reason: "" }];
      assert.ok(
        checks.some((check) => declarationOf(alone, runtime, check) === 1),
        pattern,
      );
    }
  }
});

test("a failure that is not declared is reported, and so is a declaration that has become untrue", () => {
  const cells: Cells = new Map([
    [
      "a",
      new Map([
        ["One", null],
        ["Two", "wrong"],
      ]),
    ],
    ["b: c", new Map([["Two", "wrong"]])],
    ["b: d", new Map([["Two", null]])],
  ]);
  const known = [{ runtime: "Two", checks: ["b: *"], reason: "why" }];
  assert.equal(surprises(cells, known), ["Two: a: wrong", "Two: b: d is declared to fail, and passes"]);
  const shown = markdown(cells, ["One", "Two"], known);
  assert.equal(rows(shown), [
    ["a", "yes", "no (0)"],
    ["b: c", "-", "no (1)"],
    ["b: d", "-", "yes"],
  ]);
  assert.match(shown, /^1\. Two: why$/m);
});

test("transcripts show what is read, and a difference between two", () => {
  for (const entry of entries) {
    const { lines } = transcript(entry, cases);
    assert.ok(lines.length > 50, `${entry}: ${lines.length} lines`);
    assert.is(difference(lines, transcripts[entry](cases)), null, entry);
    const other = lines.with(7, "other");
    assert.match(`${difference(other, lines)}`, /^other, not /);
    assert.is(difference([...lines, "one more"], lines), `${lines.length + 1} lines, not ${lines.length}`);
    assert.match(`${difference(lines.slice(0, -1), lines)}`, /^undefined, not /);
  }
  // What each head must be is in the corpus; a transcript has its code and offset.
  const [heads] = [transcripts["headgate/parser"](cases)];
  const repeated = heads.find((line) => line.startsWith('["HOST-02"'))!;
  assert.match(repeated, /\["malformed","HOST_REPEATED",25,/);
});

test("the versions of Node are those that the package allows", () => {
  const { engines } = JSON.parse(read("package.json")) as { engines: { node: string } };
  const [, major] = /^>=(\d+)/.exec(engines.node)!;
  assert.ok(`Node ${major}` in versions);
  for (const [name, [, version]] of Object.entries(versions)) {
    if (name.startsWith("Node ")) assert.is(`Node ${version.split(".")[0]}`, name);
  }
});

test("a server that reads its connections itself, as Bun's does, cannot be guarded by the filter", () => {
  for (const mode of ["filter", "strict"]) {
    assert.throws(
      () => readerOf({} as never, mode, true),
      /this runtime's node:http reads its connections itself; write/,
    );
  }
  assert.is(readerOf({} as never, "auto", true), "events");
});
