// In:    a folder of Node's source as the argument; else Debian's source package of nodejs, through apt.
// Out:   Node's tests of http and https that pass with Node's parser, and of those the ones that fail with ours; exit code 1 where
//        docs/drop-in.md does not list one, or lists one that passes, or fewer than 97 % of those that make a server's parser pass.
// Never: runs in the tests, or with tests of another major version of Node.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";

/** Milliseconds; no test takes a tenth of it. */
const PATIENCE = 40_000;
const SHARE = 0.97;
const FOLDERS = ["test/parallel", "test/common", "test/fixtures"];

/** The newest orig tarball of nodejs that apt's lists have, unpacked as far as the tests need it. */
function fetchSource(): string {
  const folder = resolve("dist/node-core");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // In this package files are ES modules, and Node's tests are CommonJS.
  writeFileSync(join(folder, "package.json"), "{}\n");
  try {
    execFileSync("apt-get", ["-qq", "source", "--download-only", "--tar-only", "nodejs"], {
      cwd: folder,
      stdio: "inherit",
    });
  } catch {
    throw new Error(
      "needs Debian's source package of nodejs: a deb-src line for a suite that has this major version of Node " +
        `(${process.version}), and apt-get update; or the folder of Node's source as the argument`,
    );
  }
  const tarball = readdirSync(folder).find((name) => /\.orig\.tar\./.test(name))!;
  const patterns = FOLDERS.map((each) => `*/${each}/*`);
  execFileSync("tar", ["-xf", tarball, "--wildcards", ...patterns], { cwd: folder });
  return join(folder, readdirSync(folder).find((name) => /^node-v/.test(name))!);
}

const source = resolve(process.argv[2] ?? fetchSource());
const version = /^node-v(\d+)\./.exec(basename(source))?.[1];
const [major] = process.versions.node.split(".");
if (version !== major) {
  console.error(
    `${basename(source)} has tests of another Node than ${process.version}; the folder is called node-vN.N.N`,
  );
  process.exit(2);
}

const parallel = join(source, "test/parallel");
const files = readdirSync(parallel).filter((name) => /^test-https?-.*\.m?js$/.test(name));
const folder = mkdtempSync(join(tmpdir(), "headgate-node-core-"));

/** True if the test passes. `mark`: with our parser, which makes that file if a server has taken it. */
async function passes(file: string, thread: number, mark?: string): Promise<boolean> {
  const flags =
    /^\/\/ Flags: (.*)$/m
      .exec(readFileSync(join(parallel, file), "utf8"))?.[1]
      ?.trim()
      .split(/\s+/) ?? [];
  const preload = mark === undefined ? [] : ["--require", resolve("dist/test/support/seat-installed.js")];
  const child = spawn(process.execPath, [...flags, ...preload, join(parallel, file)], {
    cwd: source,
    stdio: "ignore",
    env: { ...process.env, TEST_THREAD_ID: String(thread), NODE_TEST_DIR: folder, ...(mark && { SEAT_MARK: mark }) },
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  const code = await new Promise((done) => child.on("close", done));
  clearTimeout(timer);
  return code === 0;
}

const failed: string[] = [];
const passed: string[] = [];
let [plain, seated, passing] = [0, 0, 0];
const waiting = [...files];
const workers = Array.from({ length: Math.min(2, availableParallelism()) }, async (_, thread) => {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    if (!(await passes(file, thread))) continue;
    plain++;
    const mark = join(folder, `${file}.mark`);
    const isPassing = await passes(file, thread, mark);
    (isPassing ? passed : failed).push(file);
    if (!existsSync(mark)) continue;
    seated++;
    if (isPassing) passing++;
  }
});
await Promise.all(workers);
rmSync(folder, { recursive: true });

const listed = new Set(
  [...readFileSync("docs/drop-in.md", "utf8").matchAll(/^\| `(test-https?-[\w-]+)` \|/gm)].map(([, name]) => name),
);
const nameOf = (file: string): string => file.replace(/\.m?js$/, "");
const unlisted = failed.filter((file) => !listed.has(nameOf(file)));
const outdated = passed.filter((file) => listed.has(nameOf(file)));
console.log(`${files.length} tests, ${plain} pass with Node's parser, ${plain - failed.length} of them with ours`);
console.log(
  `${seated} make a parser of a server, ${passing} of them pass (${((100 * passing) / seated).toFixed(1)} %)`,
);
for (const file of failed.sort()) console.log(`${unlisted.includes(file) ? "NOT LISTED " : ""}${file}`);
for (const file of outdated.sort()) console.log(`LISTED, BUT PASSES ${file}`);
const isEnough = seated > 0 && passing >= SHARE * seated;
process.exitCode = unlisted.length + outdated.length > 0 || !isEnough ? 1 : 0;
