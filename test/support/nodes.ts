// In:    versions of Node (default 22 24 26), fetched as the npm package `node`; bun and deno likewise.
// Out:   the tests under each Node, the parser and the policy under Bun and Deno, with WebAssembly and without; exit
//        code 1 where any failed.
// Never: runs in the tests; nothing of it is installed with the project.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";

/** Files that do not depend on the engine, or would install again what is there. */
const SAME_EVERYWHERE = ["bench", "chromium", "lint", "package"];

const program = `
import { HeadReader, kernelVariant, parseRequestHead } from ${JSON.stringify(resolve("dist/src/parser.js"))};
import { decide, definePolicy, explain } from ${JSON.stringify(resolve("dist/src/policy.js"))};
const octets = new TextEncoder().encode("GET /x HTTP/1.1\\r\\nHost: a:8080\\r\\nX: \\u00e9\\r\\n\\r\\n");
const { head } = parseRequestHead(octets);
const reader = new HeadReader();
let last;
for (const octet of octets) last = reader.read(Uint8Array.of(octet));
if (last.kind !== "complete" || head.field("x") !== "\\u00c3\\u00a9") throw new Error("read wrongly");
console.log(kernelVariant(), explain(decide(definePolicy({ vhosts: [{ name: "a", port: 80 }] }), head, { scheme: "http" })));
`;

/** examples/message.ts, which needs nothing of Node, and what it prints. */
const example = readFileSync("dist/examples/message.js", "utf8").replace(
  '"headgate/message"',
  JSON.stringify(resolve("dist/src/message.js")),
);
const printed = execFileSync(process.execPath, ["dist/examples/message.js"], { encoding: "utf8" });

const folder = mkdtempSync(join(tmpdir(), "headgate-nodes-"));
let failed = false;

function report(name: string, status: number | null): void {
  console.log(`${status === 0 ? "ok" : "FAILED"} ${name}`);
  failed ||= status !== 0;
}

/** Installs one package in a folder of its own; the path of its program. */
function fetch(name: string, version: string): string {
  const own = join(folder, `${name}-${version}`);
  execFileSync("npm", ["install", "--prefix", own, "--no-save", `${name}@${version}`], { stdio: "ignore" });
  return join(own, "node_modules/.bin", name);
}

try {
  const versions = process.argv.slice(2);
  const { files } = await import("./run.js");
  const wanted = files([]).filter((file) => !SAME_EVERYWHERE.some((word) => file.startsWith(word)));
  for (const version of versions.length > 0 ? versions : ["22", "24", "26"]) {
    const node = fetch("node", version);
    const PATH = `${dirname(node)}${delimiter}${process.env.PATH}`;
    const { status } = spawnSync(node, ["dist/test/support/run.js", ...wanted], {
      stdio: "inherit",
      env: { ...process.env, PATH },
    });
    report(`Node ${version}`, status);
    const events = spawnSync(node, ["dist/test/support/run.js", "--guards", "events"], {
      stdio: "inherit",
      env: { ...process.env, PATH },
    });
    report(`Node ${version}, guards by events`, events.status);
  }
  writeFileSync(join(folder, "program.mjs"), program);
  writeFileSync(join(folder, "message.mjs"), example);
  writeFileSync(join(folder, "without.mjs"), 'delete globalThis.WebAssembly;\nawait import("./program.mjs");\n');
  for (const [name, ...flags] of [["bun"], ["deno", "run", "--allow-read"]] as const) {
    const runtime = fetch(name, "latest");
    for (const file of ["program.mjs", "without.mjs"]) {
      const { status } = spawnSync(runtime, [...flags, join(folder, file)], { stdio: "inherit" });
      report(`${name}, ${file}`, status);
    }
    const { status, stdout } = spawnSync(runtime, [...flags, join(folder, "message.mjs")], { encoding: "utf8" });
    report(`${name}, examples/message`, stdout === printed ? status : 1);
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = failed ? 1 : 0;
