// In:    rows and goals.
// Out:   tables for people, and the rows in which headgate is dearer than others, or than it was.
// Never: measures.

import type { Spread } from "../spread.js";
import type { AgainstRow } from "./against.js";
import type { Goal } from "./goals.js";
import type { Row } from "./row.js";

const NAME_WIDTH = 37;

function number(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 1000 ? value.toFixed(1) : value.toFixed(0);
}

const quartiles = ({ median, lower, upper }: Spread, shown: (value: number) => string): string =>
  `${shown(median)} (${shown(lower)}-${shown(upper)})`;
const ratioOf = (value: number): string => value.toFixed(3);

function line(row: Row): string {
  const name = `  ${row.contender}`.padEnd(NAME_WIDTH);
  if (row.value === null) return `${name}not measured: ${row.reason}`;
  const { value, ratio } = row;
  const cell = quartiles(value, number).padEnd(28);
  if (ratio === null) return `${name}${cell.trimEnd()}`;
  return `${name}${cell}${quartiles(ratio, ratioOf)} of ${ratio.to}`;
}

/** A row of headgate's, and one of another server in the same table that cost less, or did more. */
interface Loss {
  readonly row: Row;
  readonly to: Row;
}

/** "headgate + ws", "headgate guard, POST", "headgate's parser". */
const isOurs = ({ contender }: Row): boolean => contender.startsWith("headgate");
/** A control answers without having read or ruled on anything. */
const isControl = ({ contender }: Row): boolean => contender.startsWith("control");

/** Every loss, by headgate's row. */
export function lossesOf(rows: readonly Row[]): Loss[] {
  const others = rows.filter((row) => !isOurs(row) && !isControl(row));
  return rows.filter(isOurs).flatMap((row) => {
    const table = others.filter(({ step, unit }) => step === row.step && unit === row.unit);
    return table.filter((to) => isBetter(to, row)).map((to) => ({ row, to }));
  });
}

/** False if one of them was not measured. */
function isBetter(one: Row, than: Row): boolean {
  if (one.value === null || than.value === null) return false;
  const isMoreBetter = one.unit.includes("a second");
  return isMoreBetter ? one.value.median > than.value.median : one.value.median < than.value.median;
}

export function report(rows: readonly Row[], goals: readonly Goal[]): string {
  const parts: string[] = [];
  for (const title of new Set(rows.map(({ step, unit }) => `${step}: ${unit}, median and quartiles`))) {
    const some = rows.filter(({ step, unit }) => title === `${step}: ${unit}, median and quartiles`);
    parts.push([title, ...some.map(line), ""].join("\n"));
  }
  const losses = lossesOf(rows).map(({ row, to }) => {
    const figures = `${number(row.value!.median)} against ${number(to.value!.median)} ${row.unit}`;
    return `  ${row.step}: ${row.contender} to ${to.contender}, ${figures}`;
  });
  parts.push([losses.length === 0 ? "headgate loses no row" : "headgate loses:", ...losses, ""].join("\n"));
  const verdicts = goals.map(({ what, most, measured }) => {
    if (measured === null) return `  not measured  ${what}: at most ${most}`;
    return `  ${measured <= most ? "met   " : "missed"}  ${what}: ${number(measured)}, at most ${most}`;
  });
  if (goals.length > 0) parts.push(["goals", ...verdicts].join("\n"));
  return parts.join("\n");
}

/** `revision` is its name: in the tables, "before". */
export function reportAgainst(rows: readonly AgainstRow[], revision: string): string {
  const cells = (name: string, ...others: string[]): string =>
    [name.padEnd(NAME_WIDTH), ...others.map((cell) => cell.padEnd(22))].join("").trimEnd();
  const lines = (title: string): string[] => {
    const some = rows.filter(({ step, unit }) => title === `${step}: ${unit}`);
    return some.map(({ contender, comparison, reason }) => {
      if (comparison === null) return cells(`  ${contender}`, `not at ${revision}: ${reason}`);
      const { now, before, ratio, control, verdict } = comparison;
      const costs = [quartiles(now, number), quartiles(before, number)];
      return cells(`  ${contender}`, ...costs, quartiles(ratio, ratioOf), quartiles(control, ratioOf), verdict);
    });
  };
  const head = cells("", "now", "before", "now ÷ before", "control: now ÷ now");
  const parts = [...new Set(rows.map(({ step, unit }) => `${step}: ${unit}`))].map((title) =>
    [`${title}, median and quartiles`, head, ...lines(title), ""].join("\n"),
  );
  const compared = rows.filter(({ comparison }) => comparison !== null);
  const dearer = compared.filter(({ comparison }) => comparison!.verdict === "dearer");
  parts.push(`${dearer.length} of ${compared.length} rows are dearer than at ${revision}`);
  return [...parts, ...dearer.map(({ step, contender }) => `  ${step}: ${contender}`)].join("\n");
}
