// In:    a report.
// Out:   the table that a person reads, and the advice below it.
// Never: has an escape sequence but those of `paint`.

import type { Paint, Style } from "../terminal.js";
import type { AddressReport, Report, Row } from "./examine.js";
import { type Group, groups } from "./probes.js";
import { allRows, countsOf, differs, outcomeOf, redGroups } from "./summary.js";

const styles = { red: "red", green: "green", yellow: "yellow", "not-asked": "dim" } as const;

/** The report as text; without colours it is the same text. */
export function tableOf(report: Report, paint: Paint): string {
  const asked = report.addresses.filter(({ rows }) => rows.length > 0);
  const parts = [
    problems(report, paint),
    ...(asked.length > 0 ? [rowsOf(asked, paint), advice(report, paint)] : []),
    total(report, paint),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function problems({ addresses }: Report, paint: Paint): string {
  return addresses
    .filter(({ problem }) => problem !== null)
    .map(({ address, problem }) => paint("yellow", `${address}: ${problem}`))
    .join("\n");
}

/** A row for each probe, a column for each address. */
function rowsOf(asked: readonly AddressReport[], paint: Paint): string {
  const rows = asked[0]!.rows;
  const titles = Math.max(...rows.map(({ probe }) => probe.title.length));
  const width = Math.max(
    ...asked.flatMap((each) => [each.address.length, ...each.rows.map((row) => cellOf(row).length)]),
  );
  const lines = [`${" ".repeat(titles + 4)}${asked.map(({ address }) => address.padEnd(width)).join("  ")}`.trimEnd()];
  for (const group of Object.keys(groups) as Group[]) {
    const of = rows.map((_, i) => asked.map((each) => each.rows[i]!)).filter(([row]) => row!.probe.group === group);
    if (of.length === 0) continue;
    const reasons = new Set(of.flat().map((row) => (row.verdict === null ? row.reason : null)));
    const [reason] = reasons;
    if (reasons.size === 1 && reason != null) {
      lines.push(`${paint("bold", groups[group].title)}: ${paint("dim", `not asked, ${reason}`)}`);
      continue;
    }
    lines.push(paint("bold", groups[group].title));
    for (const cells of of) {
      const texts = cells.map((row) => paint(styles[outcomeOf(row)] satisfies Style, cellOf(row).padEnd(width)));
      lines.push(`  ${cells[0]!.probe.title.padEnd(titles)}  ${texts.join("  ")}`.trimEnd());
    }
  }
  return lines.join("\n");
}

/** A verdict in a few words. */
function cellOf(row: Row): string {
  switch (outcomeOf(row)) {
    case "red":
      return `got through (${row.statusCode})`;
    case "green":
      return row.statusCode === null ? "closed" : `refused (${row.statusCode})`;
    case "yellow":
      return `unclear (${row.reason})`;
    case "not-asked":
      return "not asked";
  }
}

function advice(report: Report, paint: Paint): string {
  const parts = redGroups(report).map((group) => {
    const { title, why, stop } = groups[group];
    const count = allRows(report).filter((row) => row.probe.group === group && outcomeOf(row) === "red").length;
    return `${paint("bold", title)}: ${count} got through\n  why it matters: ${why}\n  what stops it:  ${stop}`;
  });
  if (differs(report)) {
    parts.push(
      "The addresses answer differently: one of them has a server that is not guarded, or is guarded otherwise.",
    );
  }
  return parts.join("\n\n");
}

function total(report: Report, paint: Paint): string {
  const { red, green, yellow, "not-asked": missing } = countsOf(report);
  const line = `${red} got through, ${green} refused, ${yellow} unclear, ${missing} not asked`;
  return paint(red > 0 ? "red" : yellow + missing > 0 || green === 0 ? "yellow" : "green", line);
}
