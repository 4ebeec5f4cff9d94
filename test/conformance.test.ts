// In:    the requirements of docs/conformance.md, the corpora, the tests that it names, the tables of codes.
// Out:   whether each requirement has a case, each case is refused with a code of its requirement, and each code has a requirement
//        or a reason.
// Never: judges whether the list is complete; the RFCs do.

import { existsSync } from "node:fs";
import * as assert from "uvu/assert";
import { headFaults } from "#src/head/fault.js";
import { bodyFaults } from "#src/message/fault.js";
import { refusalStatusCodes } from "#src/policy/decision.js";
import { readCorpus, readMessageCorpus } from "./support/corpus.js";
import { conformance, plain, read, rows, section } from "./support/document.js";
import { suite } from "./support/suite.js";

const test = suite("conformance");
const chapter = section(conformance, "## Requirements of the RFCs");
const WITHOUT = "### Codes without a requirement";

/** The code with which each case is refused; null where it is not. */
const outcomes = new Map<string, string | null>(
  [...readCorpus(), ...readMessageCorpus()].map(({ id, expected }) => {
    const { refused } = expected as { refused?: string };
    return [id, refused ?? null];
  }),
);

interface Requirement {
  readonly name: string;
  /** As the RFC has it; "rule" where it has neither word. */
  readonly level: string;
  /** Cases of the corpus. */
  readonly ids: readonly string[];
  /** Tests: their file and title. */
  readonly tests: readonly (readonly [file: string, title: string])[];
  readonly codes: readonly string[];
}

const codesIn = (cell: string): string[] => [...cell.matchAll(/`([A-Z0-9_]+)`/g)].map(([, code]) => code!);

const requirements: Requirement[] = rows(chapter.replace(section(chapter, WITHOUT), "")).map(
  ([of, level, what, cases, codes]) => ({
    name: `§${of} ${what}`,
    level: level!,
    ids: cases!.match(/\b[A-Z]+-\d+\b/g) ?? [],
    tests: [...cases!.matchAll(/([\w-]+) "([^"]+)"/g)].map(([, file, title]) => [file!, title!] as const),
    codes: codesIn(codes!),
  }),
);

const grammar: readonly string[] = [...headFaults(), ...bodyFaults()].map(({ code }) => code);
/** Those of an opening handshake; the other refusals follow from a policy. */
const handshake = Object.keys(refusalStatusCodes).filter((code) => /^(?:WEBSOCKET_|METHOD_|PROTOCOL_)/.test(code));

test("each requirement has a level and a case that there is", () => {
  assert.ok(requirements.length > 50, `${requirements.length} requirements`);
  for (const { name, level, ids, tests } of requirements) {
    assert.ok(["MUST", "SHOULD", "rule"].includes(level), `${name}: ${level}`);
    assert.ok(ids.length + tests.length > 0, `${name} has no case`);
    for (const id of ids) assert.ok(outcomes.has(id), `${name}: ${id} is not in the corpus`);
    for (const [file, title] of tests) {
      const found = [`test/${file}.test.ts`, `test/support/${file}.ts`].find((path) => existsSync(path));
      assert.ok(found !== undefined, `${name}: there is no ${file}`);
      const text = read(found!);
      assert.ok(text.includes(`"${title}"`) || text.includes(`  ${title}:`), `${name}: ${file} has no "${title}"`);
    }
  }
});

test("each case is refused with a code of its requirement, and each code by a case of it", () => {
  for (const { name, ids, tests, codes } of requirements) {
    const found = new Set(ids.map((id) => outcomes.get(id)!).filter((code) => code !== null));
    for (const code of found) assert.ok(codes.includes(code), `${name}: a case is refused with ${code}`);
    if (tests.length > 0) continue;
    for (const code of codes) assert.ok(found.has(code), `${name}: no case is refused with ${code}`);
  }
});

test("each code has a requirement, or a reason why there is none, and not both", () => {
  const required = new Set(requirements.flatMap(({ codes }) => codes));
  const reasons = rows(section(chapter, WITHOUT));
  const excused = reasons.flatMap(([cell]) => cell!.split(", ").map(plain));
  for (const [cell, reason] of reasons) assert.match(reason!, /\w/, cell);
  for (const code of [...grammar, ...handshake]) {
    assert.ok(required.has(code) !== excused.includes(code), `${code} has a requirement or a reason`);
  }
  const known = new Set([...grammar, ...Object.keys(refusalStatusCodes)]);
  for (const code of [...required, ...excused]) assert.ok(known.has(code), `there is no code ${code}`);
  assert.equal(new Set(excused).size, excused.length);
});

test("each refused case of a code with a requirement could be named: the corpus has one for every code", () => {
  const refused = new Set(outcomes.values());
  for (const code of grammar) assert.ok(refused.has(code), `no case is refused with ${code}`);
});
