// In:    major versions of Node (default 20 22 24 26), fetched as the npm package `node`; --out FILE (default
//        bench/results/nodes.json); --here FILE: measures under the Node that runs it, which is what the others are asked to do.
// Out:   under each Node: how long Node's own parser takes beside headgate's, and what upgrades, refusals, guarded requests and imports
//        cost beside those of node:http: a table in Markdown, and rows as JSON.
// Never: compares one Node with another; each figure is a ratio within one process's or one machine's rounds.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fetchRuntime } from "../test/runtimes/fetched.js";
import type { Effort } from "./gate/contest.js";
import { OURS } from "./gate/contest.js";
import { refused } from "./gate/refusal.js";
import { seated } from "./gate/seat.js";
import { compare, type Trial } from "./gate/trial.js";
import { upgrade } from "./gate/upgrade.js";
import { compareHeads, fewContenders } from "./head.js";
import { inputs } from "./inputs.js";
import { machine } from "./machine.js";
import { type NodeRow, type NodesResults, nodesTable } from "./nodes-table.js";
import { readOptions } from "./options.js";
import { compareStart } from "./start-rows.js";

const { values, positionals } = readOptions({
  allowPositionals: true,
  options: { out: { type: "string", default: "bench/results/nodes.json" }, here: { type: "string" } },
});

/** Node 22 has all functions of an upgrade optimized after 8,000 of them, four rounds. */
const effort: Effort = { rounds: 9, warmUp: 6, part: 1 };
const NO_BUN = { reason: "not asked" } as const;

/** Ours beside its base alone. */
async function ratioOf(what: string, trial: Trial, ours: string): Promise<NodeRow> {
  process.stderr.write(`  ${what}\n`);
  const rows = await compare({ ...trial, servers: [trial.base, ours], processes: 3 }, NO_BUN, effort);
  return { what, ratio: rows.find(({ contender }) => contender === ours)!.ratio };
}

/** Of all strings of a head, Node's parser reused. */
async function parserRow(id: string, what: string): Promise<NodeRow> {
  const input = inputs.find((each) => each.id === id)!;
  const timing = { rounds: 31, milliseconds: 20, warmUp: 3 };
  const rows = await compareHeads(input, "simd", fewContenders, false, timing);
  const row = rows.find(({ contender, level }) => level === "L3" && contender.startsWith("Node"));
  return { what, ratio: row?.ratio ?? null };
}

async function measureHere(): Promise<NodeRow[]> {
  const [get, , post] = seated;
  return [
    await parserRow("B", "Node's parser on a browser's handshake, of headgate's time"),
    await parserRow("M", "the same on handshakes of many clients"),
    await ratioOf("an upgrade, of node:http + ws", upgrade, OURS),
    await ratioOf("a refused upgrade, of node:http's", refused, OURS),
    await ratioOf("a browser's GET to a guarded server, of an unguarded one", get!, "headgate guard"),
    await ratioOf("a POST of 1 KiB, of an unguarded server", post!, "headgate guard, POST"),
    ...compareStart(11).flatMap(({ contender, ratio }) =>
      ratio === null ? [] : [{ what: `the import of ${contender}, of that of node:http`, ratio }],
    ),
  ];
}

function measureUnder(major: string, folder: string): NodesResults["nodes"][number] {
  const node = fetchRuntime(`Node ${major}` as "Node 22");
  process.stderr.write(`Node ${major}\n`);
  const file = join(folder, `${major}.json`);
  const { status } = spawnSync(node, [fileURLToPath(import.meta.url), "--here", file], { stdio: "inherit" });
  if (status !== 0) throw new Error(`the bench failed under Node ${major}`);
  return JSON.parse(readFileSync(file, "utf8"));
}

if (values.here !== undefined) {
  writeFileSync(values.here, JSON.stringify({ node: process.versions.node, rows: await measureHere() }));
} else {
  const folder = mkdtempSync(join(tmpdir(), "headgate-nodes-"));
  try {
    const majors = positionals.length > 0 ? positionals : ["20", "22", "24", "26"];
    const nodes = majors.map((major) => measureUnder(major, folder));
    const results = { environment: machine(), nodes };
    writeFileSync(values.out, `${JSON.stringify(results, null, 2)}\n`);
    process.stdout.write(`${nodesTable(results)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
