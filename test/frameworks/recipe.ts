// In:    a recipe of examples/recipes, with and without the gate's lines; its real packages.
// Out:   whether doctor is red before and green after, and ordinary use works; docs/recipes has both tables.
// Never: lets the application be called for a hostile request, but for those that its page lists: a runtime has hidden what is wrong.

import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { examine, type Report } from "#src/cli/doctor/examine.js";
import { allRows, countsOf, exitCodeOf, outcomeOf } from "#src/cli/doctor/summary.js";
import { tableOf } from "#src/cli/doctor/table.js";
import { addressesOf, targetOf } from "#src/cli/doctor/target.js";
import { plain } from "#src/cli/terminal.js";
import { blocks, read } from "../support/document.js";
import { folderOf, versionsOf } from "../support/frameworks.js";
import { freePort, start, stopAll } from "../support/program.js";
import { programOf } from "../support/recipe-program.js";
import { hiddenOf, nameOf, variantsOf } from "../support/recipes.js";
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
  /** The origin of its pages; left out: the server's. */
  readonly pageOrigin?: string;
  /** Further variables of its environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What else its pages do, with the server's origin. */
  readonly use?: (origin: string) => Promise<void>;
}

const hasIpv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === "::1"));
/** Node's own parser answers some malformed heads differently in other versions, and the tables have those of this one. */
const hasTables = hasIpv6 && process.version.startsWith("v20.");

interface Ran {
  readonly report: Report;
  readonly table: string;
  /** The probes that the application was called for. */
  readonly handled: string[];
}

/** Runs one variant, uses it if it is to be used, and lets doctor ask it. */
async function run(name: string, program: string, options: RecipeOptions, isUsed: boolean): Promise<Ran> {
  const folder = folderOf(`recipe-${name}`);
  for (const [file, text] of Object.entries(options.files ?? {})) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const port = await freePort();
  const [command, ...rest] = programOf(`recipe-${name}`, program, port);
  const child = await start(command, rest, [port], {
    ...options.environment,
    PORT: `${port}`,
    ROOT: folder,
  });
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
  const { protocol, echoes = true, api, page = /a page/, pageOrigin = origin } = options;
  const response = await fetch(`${origin}/`, { headers: { Accept: "text/html" } });
  assert.is(response.status, 200);
  assert.match(await response.text(), page);
  if (typeof api === "function") await api(origin);
  else if (api !== undefined) {
    const posted = await fetch(`${origin}${api}`, { method: "POST", headers: { Origin: pageOrigin } });
    assert.ok(posted.ok, `${posted.status}`);
    await posted.text();
  }
  await options.use?.(origin);
  if (path === undefined) return;
  const webSocket = new WebSocket(`${origin.replace("http", "ws")}${path}`, protocol, { origin: pageOrigin });
  // Some greet before they are asked.
  const [message] = await Promise.all([
    once(webSocket, "message"),
    once(webSocket, "open").then(() => echoes && webSocket.send("hello")),
  ]);
  if (echoes) assert.is(String(message[0]), "echo: hello");
  webSocket.close();
  await once(webSocket, "close");
}

/** Compares a block of the recipe's document; with UPDATE_RECIPES=1, writes it. */
function documented(name: string, language: "diff" | "text", index: number, text: string): void {
  const file = `docs/recipes/${name}.md`;
  const content = read(file);
  if (process.env.UPDATE_RECIPES === "1") {
    let at = -1;
    const pattern = new RegExp(`^(\`\`\`${language}\\n).*?^(\`\`\`)$`, "gms");
    const updated = content.replace(pattern, (block, open, close) => {
      at++;
      return at === index ? `${open}${text}${close}` : block;
    });
    writeFileSync(file, updated);
  } else assert.is(blocks(content, language)[index], text, `${file}: UPDATE_RECIPES=1 writes it`);
}

/** Tests the recipe of that name. */
export function recipe(name: string, options: RecipeOptions): void {
  const test = suite(`frameworks: recipe ${name}`);
  test.after(stopAll);
  const versions = Object.entries(versionsOf(`recipe-${name}`)).map((each) => each.join(" "));
  const day = new Date().toISOString().slice(0, 10);
  console.log(
    `NOTE recipe ${name}, ${day}: Node ${process.version.slice(1)}, ${versions.join(", ") || "ws of this project"}`,
  );
  const { before, after, diff } = variantsOf(readFileSync(`examples/recipes/${name}.mjs`, "utf8"));

  test("its page has the lines", () => documented(name, "diff", 0, diff));

  test("before, doctor is red", async () => {
    const { report, table, handled } = await run(name, before, options, false);
    assert.is(exitCodeOf(report), 1, table);
    assert.ok(handled.length > 0);
    if (hasTables) documented(name, "text", 0, table);
  });

  test("after, it is green but for what its page lists, the application is called for nothing else, and ordinary use works", async () => {
    const { report, table, handled } = await run(name, after, options, true);
    const hidden = hiddenOf(read(`docs/recipes/${name}.md`));
    const reds = allRows(report).filter((row) => outcomeOf(row) === "red");
    assert.equal([...new Set(reds.map(({ probe }) => nameOf(probe)))].sort(), hidden, table);
    assert.is(countsOf(report).yellow, 0, table);
    assert.is(exitCodeOf(report), hidden.length === 0 ? 0 : 1);
    const ids = new Set(reds.map(({ probe }) => probe.id));
    assert.equal(
      handled.filter((id) => !ids.has(id)),
      [],
    );
    if (hasTables) documented(name, "text", 1, table);
  });
}
