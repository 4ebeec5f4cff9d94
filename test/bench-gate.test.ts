// In:    the bench of the gate, as built; this repository's last commit.
// Out:   whether a wrong answer stops it, what its report shows of losses and goals, what small runs write, and whether
//        a run against a revision shows what it found and leaves nothing where it built.
// Never: looks at a figure but to see that it is one.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { type AgainstRow, compareAgainst, comparisonOf } from "../bench/gate/against.js";
import { type Act, BUN, contest, processorTime, SERVERS } from "../bench/gate/contest.js";
import { goals } from "../bench/gate/goals.js";
import { HANDSHAKE, MALFORMED } from "../bench/gate/octets.js";
import { malformed } from "../bench/gate/refusal.js";
import { report, reportAgainst } from "../bench/gate/report.js";
import { BuildFault, findRevision, withBuild } from "../bench/gate/revision.js";
import { type Row, rowsOf } from "../bench/gate/row.js";
import { missing } from "./support/program.js";
import { skip, suite } from "./support/suite.js";

const test = suite("bench of the gate");

test("a wrong answer stops the run", async () => {
  const order = { act: "refusal", octets: HANDSHAKE, count: 1, concurrency: 1, status: 421 } as const;
  const act = processorTime((port) => ({ ...order, port, octets: "GET / HTTP/1.1\r\n Host : a\r\n\r\n" }));
  const effort = { rounds: 1, warmUp: 0, part: 1 };
  try {
    await contest(["headgate + ws"], { reason: "none" }, effort, act);
  } catch (error) {
    assert.match((error as Error).message, /headgate \+ ws: no whole 421: "HTTP\/1\.1 400/);
    return;
  }
  assert.unreachable();
});

test("the report shows losing rows, rows that were not measured, and goals that were missed", () => {
  const rows = [
    ...rowsOf("upgrade", "µs", "node:http + ws", [
      { name: "node:http + ws", samples: [100, 100] },
      { name: "headgate + ws", samples: [90, 92] },
      { name: BUN, samples: [], reason: "no registry" },
    ]),
    ...rowsOf("refused", "µs", "node:http + ws", [
      { name: "node:http + ws", samples: [100] },
      { name: "headgate + ws", samples: [130] },
      { name: "control: net + end", samples: [70] },
    ]),
    ...rowsOf("guard", "µs a request", "unguarded", [
      { name: "unguarded", samples: [50] },
      { name: "headgate guard, events", samples: [49] },
      { name: "headgate guard, filter", samples: [55] },
    ]),
    ...rowsOf("messages", "messages a second", "node:http + ws", [
      { name: "node:http + ws", samples: [1000] },
      { name: "headgate + ws", samples: [900] },
    ]),
  ];
  const text = report(rows, goals(rows));
  assert.match(text, /headgate \+ ws +91\.0 .*0\.910 \(0\.905-0\.915\) of node:http \+ ws/);
  assert.match(text, /Bun\.serve +not measured: no registry/);
  const losses = [
    "refused: headgate + ws to node:http + ws, 130.0 against 100.0 µs",
    "guard: headgate guard, filter to unguarded, 55.0 against 50.0 µs a request",
    "messages: headgate + ws to node:http + ws, 900.0 against 1000 messages a second",
  ];
  assert.ok(text.includes(`headgate loses:\n${losses.map((loss) => `  ${loss}\n`).join("")}\n`), text);
  assert.match(text, /missed {2}an upgrade.*: 0\.91, at most 0\.88/);
  assert.match(text, /not measured {2}octets of a pending connection/);
});

test("a quick run exits 0 and writes every row and a chart", () => {
  const folder = mkdtempSync(join(tmpdir(), "headgate-bench-gate-"));
  try {
    const out = join(folder, "results", "gate.json");
    const args = ["dist/bench/gate/main.js", "--quick", "--out", out];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.is(status, 0, stderr);
    const { rows, goals: checked } = JSON.parse(readFileSync(out, "utf8")) as { rows: Row[]; goals: object[] };
    const steps = ["pending", "malformed", "refused", "upgrade", "open", "messages", "guard", "seat"];
    assert.equal([...new Set(rows.map(({ step }) => step))], steps);
    for (const { step, contender, value, reason } of rows) {
      if (contender === BUN) assert.ok(value === null && reason !== undefined, step);
      else assert.ok(Number.isFinite(value?.median), `${step} ${contender}`);
    }
    assert.is(checked.length, 14);
    assert.match(readFileSync(out.replace(".json", ".svg"), "utf8"), /headgate \+ ws<\/text>/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a small run with many connections writes a row for each server, and why there is none", () => {
  const folder = mkdtempSync(join(tmpdir(), "headgate-bench-growth-"));
  try {
    const out = join(folder, "growth.json");
    const args = ["dist/bench/growth.js", "--rounds", "1", "--part", "100", "--out", out];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.is(status, 0, stderr);
    const { rows } = JSON.parse(readFileSync(out, "utf8")) as { rows: Row[] };
    // Three figures of three numbers of WebSockets, two of waiting connections, and two processes beside one: two servers each.
    assert.is(rows.length, 2 * (3 * 3 + 2 + 1));
    for (const { step, contender, value, reason } of rows) {
      assert.ok(value === null ? reason !== undefined : value.median > 0, `${step} ${contender}`);
    }
    assert.ok(rows.some(({ step, value }) => step === "10,000 open WebSockets" && value !== null));
    assert.match(readFileSync(out.replace(".json", ".svg"), "utf8"), /headgate \+ ws, two processes<\/text>/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const program = "dist/bench/gate/main.js";

/** A tree may have been unpacked and not cloned. */
const noCommits = findRevision("HEAD") === undefined ? "there is no git repository" : null;

/** When each committed result was last written. */
function committed(): [string, number][] {
  return readdirSync("bench/results").map((name) => [name, statSync(join("bench/results", name)).mtimeMs]);
}

test.needing(noCommits, "a run against a revision prints ratios and a control, and leaves nothing but FILE", () => {
  const folder = mkdtempSync(join(tmpdir(), "headgate-bench-gate-"));
  const before = committed();
  try {
    const out = join(folder, "against.json");
    const args = [program, "--quick", "--only", "malformed", "--against", "HEAD", "--out", out];
    const options = { encoding: "utf8", env: { ...process.env, TMPDIR: folder } } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
    assert.is(status, 0, stderr);
    const spreads = "[\\d.]+ \\([\\d.]+-[\\d.]+\\) +";
    assert.match(stdout, /^ +now +before +now ÷ before +control: now ÷ now$/m);
    assert.match(stdout, new RegExp(`^ {2}headgate \\+ ws +(?:${spreads}){4}(?:no )?dearer$`, "m"));
    assert.match(stdout, /^[01] of 1 rows are dearer than at HEAD$/m);
    const { rows, against } = JSON.parse(readFileSync(out, "utf8")) as {
      rows: AgainstRow[];
      against: { commit: string };
    };
    assert.match(against.commit, /^[0-9a-f]{40,}$/);
    assert.equal(
      rows.map(({ step, contender }) => [step, contender]),
      [["malformed", "headgate + ws"]],
    );
    assert.ok(Number.isFinite(rows[0]!.comparison?.ratio.median));
    assert.equal(readdirSync(folder), ["against.json"]);
    assert.equal(committed(), before);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.needing(noCommits, "an interrupted run against a revision leaves nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "headgate-bench-gate-"));
  try {
    const child = spawn(process.execPath, [program, "--quick", "--against", "HEAD"], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const [line] = await once(child.stderr, "data");
    assert.match(String(line), /^building HEAD, [0-9a-f]{9}, in /);
    assert.is(readdirSync(folder).length, 1);
    child.kill("SIGINT");
    const [status] = await once(child, "exit");
    assert.is(status, 130);
    assert.equal(readdirSync(folder), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a wrong option ends with 2, and a revision that cannot be built is a fault of its own", async () => {
  const wrong = [
    [["--against", "no-such-revision"], /^--against no-such-revision: there is no such revision$/m],
    [["--against"], /--against/],
    [["--only", "nothing"], /^--only nothing: the steps are pending, /],
    [["--nothing"], /--nothing/],
  ] as const;
  for (const [args, message] of wrong) {
    const { status, stderr } = spawnSync(process.execPath, [program, "--quick", ...args], { encoding: "utf8" });
    assert.is(status, 2, stderr);
    assert.match(stderr, message);
  }
  const noGit = missing("git", "--version");
  if (noGit !== null) return skip("a revision that cannot be built", noGit);
  try {
    await withBuild({ name: "lost", commit: "0".repeat(40) }, async () => {});
  } catch (error) {
    assert.instance(error, BuildFault);
    assert.match((error as Error).message, /^lost cannot be built: git .* failed\n/);
    return;
  }
  assert.unreachable();
});

test("a server that the revision does not have is told from one that answers wrongly there", async () => {
  const effort = { rounds: 1, warmUp: 0, part: 1000 };
  const revision = { revision: "old", servers: SERVERS };
  const row = await compareAgainst(malformed, "headgate at sea", revision, effort);
  assert.is(row.comparison, null);
  assert.match(reportAgainst([row], "old"), /headgate at sea +not at old: there is no server headgate at sea$/m);
  const order = { act: "refusal", octets: MALFORMED, count: 1, concurrency: 1 } as const;
  const act: Act = (client, { port, label }) =>
    client.obey({ ...order, port, status: label.endsWith(" at old") ? 421 : 400 }, label);
  try {
    await compareAgainst({ ...malformed, act: () => act }, "headgate + ws", revision, effort);
  } catch (error) {
    assert.match((error as Error).message, /^headgate \+ ws at old: no whole 421: "HTTP\/1\.1 400/);
    return;
  }
  assert.unreachable();
});

test("a row is dearer only beyond the tolerance and beyond what the control shows", () => {
  const verdict = (now: number[], before: number[], again: number[]) => comparisonOf(now, before, again).verdict;
  assert.is(verdict([103, 206, 309], [100, 200, 300], [103, 206, 309]), "no dearer");
  assert.is(verdict([104, 208, 312], [100, 200, 300], [104, 208, 312]), "dearer");
  assert.is(verdict([104, 208, 312], [100, 200, 300], [104, 200, 300]), "no dearer");
  assert.is(verdict([90, 90, 90], [100, 100, 100], [100, 100, 100]), "no dearer");
  const comparison = comparisonOf([110, 110], [100, 100], [110, 110]);
  const rows = [{ step: "upgrade", contender: "headgate + ws", unit: "µs", comparison }];
  assert.match(reportAgainst(rows, "old"), /1\.100 \(1\.100-1\.100\) +1\.000 \(1\.000-1\.000\) +dearer\n/);
  assert.match(reportAgainst(rows, "old"), /1 of 1 rows are dearer than at old\n {2}upgrade: headgate \+ ws$/);
});
