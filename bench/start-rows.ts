// In:    a number of rounds.
// Out:   rows: milliseconds that a fresh process takes for imports of the package, and the first parse, beside that of node:http.
// Never: measures the start of the process itself, which is the same for all.

import { spawnSync } from "node:child_process";
import { type Row, rowsOf } from "./gate/row.js";

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

function millisecondsOf(program: string): number {
  const timed = `const begin = performance.now(); ${program}; console.log(performance.now() - begin); process.exit()`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", timed], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

/** In turns, as a processor's speed varies. */
export function compareStart(rounds: number): Row[] {
  const names = Object.keys(programs);
  const samples = names.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const turn = (i + round) % names.length;
      samples[turn]!.push(millisecondsOf(programs[names[turn]!]!));
    }
  }
  const measured = names.map((name, i) => ({ name, samples: samples[i]! }));
  return rowsOf("start", "milliseconds of a fresh process", BASE, measured);
}
