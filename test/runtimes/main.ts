// In:    names of runtimes, or none for all; `--write`: a table of all, if it is as declared, goes to docs/runtimes.md.
// Out:   the table of what runs where; exit code 1 for a cell that failed and is not declared, or is declared and passed.
// Never: runs in the tests; runtimes are fetched into a cache below node_modules, in the versions of fetched.ts.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openPages } from "./chromium.js";
import { checks, declared, type Runtime, runtimes } from "./expected.js";
import { fetchRuntime } from "./fetched.js";
import { ways } from "./gate-checks.js";
import { cases } from "./inputs.js";
import { type Command, gateBy, printedBy, type Transcript, transcriptBy } from "./programs.js";
import { difference, entries, makeProject } from "./project.js";
import { markdown, surprises } from "./table.js";
import { type Entry, transcripts } from "./transcripts.js";
import { transcriptInWorker, withoutKernel } from "./workers.js";

const { values, positionals } = parseArgs({ options: { write: { type: "boolean" } }, allowPositionals: true });
const unknown = positionals.filter((name) => !(runtimes as readonly string[]).includes(name));
if (unknown.length > 0) throw new TypeError(`${unknown} is not a runtime; the runtimes are ${runtimes.join(", ")}`);
const chosen = runtimes.filter((name) => positionals.length === 0 || positionals.includes(name));

const cells = new Map(checks.map((check) => [check, new Map<string, string | null>()]));
/** What the tests of this Node have found right. */
const wanted = Object.fromEntries(entries.map((entry) => [entry, transcripts[entry](cases)])) as Record<
  Entry,
  string[]
>;
const folder = makeProject();

async function check(
  runtime: Runtime,
  name: string,
  find: () => string | null | Promise<string | null>,
): Promise<void> {
  let found: string | null;
  try {
    found = await find();
  } catch (error) {
    found = (error as Error).message;
  }
  cells.get(name)!.set(runtime, found);
  console.error(`${found === null ? "ok" : "FAILED"} ${runtime}: ${name}${found === null ? "" : `: ${found}`}`);
}

async function transcriptsOf(
  runtime: Runtime,
  kernel: string,
  read: (entry: Entry) => Transcript | Promise<Transcript>,
): Promise<void> {
  for (const entry of entries) {
    await check(runtime, entry, async () => {
      const found = await read(entry);
      if (found.kernel !== kernel) return `the kernel is ${found.kernel}, not ${kernel}`;
      return difference(found.lines, wanted[entry]);
    });
  }
}

/** A runtime that has node:, or a layer of it. */
async function byCommand(runtime: Runtime, command: Command): Promise<void> {
  await transcriptsOf(runtime, "simd", (entry) => transcriptBy(command, folder, entry));
  await check(runtime, "without WebAssembly", () => {
    const { kernel, lines } = transcriptBy(command, folder, "headgate/parser", "without.js");
    return kernel === "javascript" ? difference(lines, wanted["headgate/parser"]) : `the kernel is ${kernel}`;
  });
  for (const [name, printed] of Object.entries(examples)) {
    await check(runtime, `examples/${name}.ts`, () => {
      return difference(printedBy(command, folder, `${name}.js`).split("\n"), printed);
    });
  }
  for (const way of ways) {
    for (const [name, found] of await gateBy(command, folder, way))
      await check(runtime, `${way}: ${name}`, () => found);
  }
}

async function byChromium(): Promise<void> {
  const pages = await openPages(folder);
  if (chosen.includes("Chromium, page")) await transcriptsOf("Chromium, page", "simd", pages.inPage);
  if (chosen.includes("Chromium, worker")) await transcriptsOf("Chromium, worker", "simd", pages.inWorker);
  await pages.close();
}

async function byWorkers(): Promise<void> {
  const program = fetchRuntime("workerd");
  await transcriptsOf("workerd", "module", (entry) => transcriptInWorker(program, folder, entry));
  await check("workerd", "without a kernel", () => withoutKernel(program, folder));
}

const here: Command = { program: process.execPath, flags: [] };
/** Lines that the examples print in this Node. */
const examples = Object.fromEntries(
  ["message", "web"].map((name) => [name, printedBy(here, folder, `${name}.js`).split("\n")]),
);
try {
  for (const runtime of chosen) {
    if (runtime.startsWith("Chromium") || runtime === "workerd") continue;
    const flags = runtime === "Deno" ? ["run", "--allow-all", "--quiet"] : [];
    await byCommand(runtime, { program: fetchRuntime(runtime as "Node 20"), flags });
  }
  if (chosen.some((runtime) => runtime.startsWith("Chromium"))) await byChromium();
  if (chosen.includes("workerd")) await byWorkers();
} finally {
  rmSync(folder, { recursive: true });
}

const table = markdown(cells, chosen, declared);
console.log(table);
const red = surprises(cells, declared);
for (const line of red) console.log(line);
console.log(`${red.length} cells are not as declared`);
process.exitCode = red.length > 0 ? 1 : 0;

const DOCUMENT = "docs/runtimes.md";
if (values.write && red.length === 0 && chosen.length === runtimes.length) {
  const [before] = readFileSync(DOCUMENT, "utf8").split(/^\| {2}\| Node/m);
  writeFileSync(DOCUMENT, `${before}${table}`);
}
