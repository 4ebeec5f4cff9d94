// In:    a report.
// Out:   the same as JUnit XML: a test suite for each address, a test case for each probe.
// Never: counts an unclear answer as passed.

import type { AddressReport, Report, Row } from "./examine.js";
import { groups } from "./probes.js";
import { outcomeOf } from "./summary.js";

export function junitOf({ target, addresses }: Report): string {
  const suites = addresses.map((each) => suiteOf(each, target.url));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join("\n")}\n</testsuites>\n`;
}

function suiteOf({ address, problem, rows }: AddressReport, url: string): string {
  const count = (...wanted: string[]): number => rows.filter((row) => wanted.includes(outcomeOf(row))).length;
  const cases = rows.map(caseOf);
  if (problem !== null)
    cases.push(`    <testcase name="the good request"><error message="${escaped(problem)}"/></testcase>`);
  const counts = [
    `tests="${cases.length}"`,
    `failures="${count("red")}"`,
    `errors="${problem === null ? 0 : 1}"`,
    `skipped="${count("not-asked", "yellow")}"`,
  ];
  return `  <testsuite name="${escaped(`${url} at ${address}`)}" ${counts.join(" ")}>\n${cases.join("\n")}\n  </testsuite>`;
}

function caseOf(row: Row): string {
  const { probe, reason } = row;
  const { title, why, stop } = groups[probe.group];
  const open = `    <testcase classname="${escaped(title)}" name="${escaped(`${probe.id}: ${probe.title}`)}"`;
  const outcome = outcomeOf(row);
  if (outcome === "green") return `${open}/>`;
  if (outcome !== "red") return `${open}><skipped message="${escaped(reason)}"/></testcase>`;
  return `${open}><failure message="${escaped(reason)}">${escaped(`${why}; ${stop}`)}</failure></testcase>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
