// In:    --rounds N (31 by default), --out FILE (default bench/results/start.json).
// Out:   milliseconds that a fresh process takes for imports of the package, and the first parse, beside that of node:http: a table,
//        rows as JSON, and a chart.
// Never: measures the start of the process itself, which is the same for all.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { drawChart } from "./gate/chart.js";
import { type Row, rowsOf } from "./gate/row.js";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "31" }, out: { type: "string", default: "bench/results/start.json" } },
});

const BASE = "node:http";
const octets = 'new TextEncoder().encode("GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")';
const programs: Record<string, string> = {
  [BASE]: 'await import("node:http")',
  headgate: 'await import("headgate")',
  "headgate, a server guarded":
    'const { createGate, localhost } = await import("headgate"); createGate({ vhosts: localhost() }).guard((await import("node:http")).createServer())',
  "headgate/parser, a parse": `const { parseRequestHead } = await import("headgate/parser"); if (parseRequestHead(${octets}).kind !== "complete") throw new Error("not read")`,
  "headgate/policy": 'await import("headgate/policy")',
  "headgate/message": 'await import("headgate/message")',
};

/** By contender: the most that its ratio is meant to be. */
const goals: Readonly<Record<string, number>> = { headgate: 5, "headgate/parser, a parse": 1.3 };

function millisecondsOf(program: string): number {
  const timed = `const begin = performance.now(); ${program}; console.log(performance.now() - begin); process.exit()`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", timed], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

const names = Object.keys(programs);
const samples = names.map(() => [] as number[]);
const rounds = Number(values.rounds);
for (let round = 0; round < rounds; round++) {
  // In turns, as a processor's speed varies.
  for (let i = 0; i < names.length; i++) {
    const turn = (i + round) % names.length;
    samples[turn]!.push(millisecondsOf(programs[names[turn]!]!));
  }
}
const rows: Row[] = rowsOf(
  "start",
  "milliseconds of a fresh process",
  BASE,
  names.map((name, i) => ({ name, samples: samples[i]! })),
);
for (const { contender, value, ratio } of rows) {
  const goal = goals[contender];
  const verdict = goal === undefined ? "" : `, ${ratio!.median <= goal ? "met" : "missed"}: at most ${goal}`;
  const compared = ratio === null ? "" : `  ${ratio.median.toFixed(2)} of ${ratio.to}${verdict}`;
  console.log(`${contender.padEnd(28)}${value!.median.toFixed(1).padStart(7)} ms${compared}`);
}
const environment = {
  node: process.versions.node,
  platform: `${process.platform} ${process.arch}`,
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
};
writeFileSync(values.out, `${JSON.stringify({ environment, rounds, rows, goals }, null, 2)}\n`);
const title = "What a fresh process waits for: medians and quartiles";
writeFileSync(values.out.replace(/(?:\.json)?$/, ".svg"), drawChart(rows, environment, title));
