// In:    a recipe of examples/recipes, with and without the gate's lines; its real packages.
// Out:   whether doctor is red before and green after, and ordinary use works; docs/recipes has both tables.
// Never: lets the application be called for a hostile request.

import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { examine, type Report } from "#src/cli/doctor/examine.js";
import { countsOf, exitCodeOf } from "#src/cli/doctor/summary.js";
import { tableOf } from "#src/cli/doctor/table.js";
import { addressesOf, targetOf } from "#src/cli/doctor/target.js";
import { plain } from "#src/cli/terminal.js";
import { blocks, read } from "../support/document.js";
import { folderOf, versionsOf } from "../support/frameworks.js";
import { freePort, start, stopAll } from "../support/program.js";
import { variantsOf } from "../support/recipes.js";
import { suite } from "../support/suite.js";
import { until } from "../support/until.js";

export interface RecipeOptions {
  /** Of its WebSockets; where it depends on the page, a function of the page's origin. Left out: it has none. */
  readonly webSocketPath?: string | ((origin: string) => Promise<string>);
  readonly protocol?: string;
  /** Whether its WebSockets send back what they get, after "echo: "; otherwise they send something by themselves. */
  readonly echoes?: boolean;
  /** A path that takes POST, or a call of the API. */
  readonly api?: string | ((origin: string) => Promise<void>);
  readonly page?: RegExp;
  /** Files of the application. */
  readonly files?: Readonly<Record<string, string>>;
}

const hasIpv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === "::1"));
/** Node's own parser answers some malformed heads differently in other versions, and the tables have those of this one. */
const hasTables = hasIpv6 && process.version.startsWith("v20.");

/** The folder of the recipe's packages, from which this project can be imported as well. */
function prepare(name: string, files: Readonly<Record<string, string>>): string {
  const folder = folderOf(`recipe-${name}`);
  const modules = join(folder, "node_modules");
  mkdirSync(modules, { recursive: true });
  rmSync(join(modules, "headgate"), { force: true });
  symlinkSync(resolve("."), join(modules, "headgate"));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

interface Ran {
  readonly report: Report;
  readonly table: string;
  /** The probes that the application was called for. */
  readonly handled: string[];
}

/** Runs one variant, uses it if it is to be used, and lets doctor ask it. */
async function run(name: string, program: string, options: RecipeOptions, isUsed: boolean): Promise<Ran> {
  const folder = prepare(name, options.files ?? {});
  const file = join(folder, "recipe.mjs");
  writeFileSync(file, program);
  const port = await freePort();
  const flags = ["--import", pathToFileURL(resolve("dist/test/support/both-addresses.js")).href];
  const child = await start(process.execPath, [...flags, file], [port], { PORT: `${port}`, ROOT: folder });
  try {
    const origin = `http://localhost:${port}`;
    const { webSocketPath: given, protocol } = options;
    // Vite opens the port for a moment, to see whether it is free.
    await until(() => answers(origin), "a page");
    const path = typeof given === "function" ? await given(origin) : given;
    if (isUsed) await use(origin, path, options);
    const target = targetOf(`${origin}/`, path, protocol);
    const limits = { unsafe: true, timeout: 10_000, totalTimeout: 120_000, progress: () => {} };
    const report = await examine(target, await addressesOf(target, false), limits);
    const handled = [...child.printed().matchAll(/handled headgate-doctor \((.*)\)/g)].map((match) => match[1]!);
    return { report, table: tableOf(report, plain), handled: handled.filter((id) => id !== "baseline") };
  } finally {
    await child.stop();
  }
}

const answers = (origin: string): Promise<boolean> =>
  fetch(origin).then(
    ({ ok }) => ok,
    () => false,
  );

/** A page, a call of its API and a WebSocket, as its own pages ask for them. */
async function use(origin: string, path: string | undefined, options: RecipeOptions): Promise<void> {
  const { protocol, echoes = true, api, page = /a page/ } = options;
  const response = await fetch(`${origin}/`, { headers: { Accept: "text/html" } });
  assert.is(response.status, 200);
  assert.match(await response.text(), page);
  if (typeof api === "function") await api(origin);
  else if (api !== undefined) {
    const posted = await fetch(`${origin}${api}`, { method: "POST", headers: { Origin: origin } });
    assert.is(posted.status, 200);
    await posted.text();
  }
  if (path === undefined) return;
  const webSocket = new WebSocket(`${origin.replace("http", "ws")}${path}`, protocol, { origin });
  // Some greet before they are asked.
  const [message] = await Promise.all([
    once(webSocket, "message"),
    once(webSocket, "open").then(() => echoes && webSocket.send("hello")),
  ]);
  if (echoes) assert.is(String(message[0]), "echo: hello");
  webSocket.close();
  await once(webSocket, "close");
}

/** Compares a table of the recipe's document; with UPDATE_RECIPES=1, writes it. */
function documented(name: string, index: number, table: string): void {
  const file = `docs/recipes/${name}.md`;
  const content = read(file);
  if (process.env.UPDATE_RECIPES === "1") {
    let at = -1;
    const updated = content.replace(/^(```text\n).*?^(```)$/gms, (block, open, close) => {
      at++;
      return at === index ? `${open}${table}${close}` : block;
    });
    writeFileSync(file, updated);
  } else assert.is(blocks(content, "text")[index], table, `${file}: UPDATE_RECIPES=1 writes it`);
}

/** Tests the recipe of that name. */
export function recipe(name: string, options: RecipeOptions): void {
  const test = suite(`frameworks: recipe ${name}`);
  test.after(stopAll);
  const versions = Object.entries(versionsOf(`recipe-${name}`)).map((each) => each.join(" "));
  console.log(`NOTE recipe ${name}: Node ${process.version.slice(1)}, ${versions.join(", ") || "ws of this project"}`);
  const { before, after } = variantsOf(readFileSync(`examples/recipes/${name}.mjs`, "utf8"));

  test("before, doctor is red", async () => {
    const { report, table, handled } = await run(name, before, options, false);
    assert.is(exitCodeOf(report), 1, table);
    assert.ok(handled.length > 0);
    if (hasTables) documented(name, 0, table);
  });

  test("after, it is green, the application is called for none of it, and ordinary use works", async () => {
    const { report, table, handled } = await run(name, after, options, true);
    assert.equal(handled, []);
    const { red, yellow } = countsOf(report);
    assert.equal([red, yellow, exitCodeOf(report)], [0, 0, 0], table);
    if (hasTables) documented(name, 1, table);
  });
}
