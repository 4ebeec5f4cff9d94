// In:    --rounds N (31 by default), --out FILE (default bench/results/start.json).
// Out:   what a fresh process waits for: a table, rows as JSON, and a chart.
// Never: measures; start-rows.ts does.

import { writeFileSync } from "node:fs";
import { drawChart } from "./gate/chart.js";
import { machine } from "./machine.js";
import { countOf, readOptions } from "./options.js";
import { compareStart } from "./start-rows.js";

const { values } = readOptions({
  options: { rounds: { type: "string", default: "31" }, out: { type: "string", default: "bench/results/start.json" } },
});

/** By contender: the most that its ratio is meant to be. */
const goals: Readonly<Record<string, number>> = { headgate: 5, "headgate/parser, a parse": 1.3 };

const rounds = countOf("rounds", values.rounds);
const rows = compareStart(rounds);
for (const { contender, value, ratio } of rows) {
  const goal = goals[contender];
  const verdict = goal === undefined ? "" : `, ${ratio!.median <= goal ? "met" : "missed"}: at most ${goal}`;
  const compared = ratio === null ? "" : `  ${ratio.median.toFixed(2)} of ${ratio.to}${verdict}`;
  console.log(`${contender.padEnd(28)}${value!.median.toFixed(1).padStart(7)} ms${compared}`);
}
const environment = {
  node: process.versions.node,
  ...machine(),
};
writeFileSync(values.out, `${JSON.stringify({ environment, rounds, rows, goals }, null, 2)}\n`);
const title = "What a fresh process waits for: medians and quartiles";
writeFileSync(values.out.replace(/(?:\.json)?$/, ".svg"), drawChart(rows, environment, title));
