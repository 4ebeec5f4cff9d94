// In:    a report.
// Out:   the same as JUnit XML: a test suite for each address, a test case for each probe.
// Never: counts an unclear answer as passed.

import type { AddressReport, Report, Row } from "./examine.js";
import { groups } from "./probes.js";
import { isAsked, outcomeOf } from "./summary.js";

export function junitOf(report: Report): string {
  const suites = report.addresses.map((each) => suiteOf(each, report));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join("\n")}\n</testsuites>\n`;
}

function suiteOf({ address, problem, isAbsent, rows }: AddressReport, report: Report): string {
  const isSkipped = isAbsent && isAsked(report);
  const count = (...wanted: string[]): number => rows.filter((row) => wanted.includes(outcomeOf(row))).length;
  const cases = rows.map(caseOf);
  if (problem !== null) {
    const kind = isSkipped ? "skipped" : "error";
    cases.push(`    <testcase name="the good request"><${kind} message="${escaped(problem)}"/></testcase>`);
  }
  const counts = [
    `tests="${cases.length}"`,
    `failures="${count("red")}"`,
    `errors="${problem === null || isSkipped ? 0 : 1}"`,
    `skipped="${count("not-asked", "yellow") + (isSkipped ? 1 : 0)}"`,
  ];
  return `  <testsuite name="${escaped(`${report.target.url} at ${address}`)}" ${counts.join(" ")}>\n${cases.join("\n")}\n  </testsuite>`;
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
