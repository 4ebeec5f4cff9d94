// In:    the import lines of assembly/ and src/, the table of rooms in docs/architecture.md.
// Out:   whether every arrow points down, and the few rules on what may import what.
// Never: parses TypeScript; import lines have one form here.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import * as assert from "uvu/assert";
import { moduleState } from "./support/module-state.js";
import { suite } from "./support/suite.js";

const test = suite("layers");

/** Files with what they import, by paths from the project root; packages by name. */
const imports = new Map<string, string[]>();
for (const folder of ["assembly", "src"]) {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    const file = join(folder, name);
    const text = readFileSync(file, "utf8");
    const found = [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)";|^import "([^"]+)";/gms)];
    const from = found.map((match) => (match[1] ?? match[2])!);
    imports.set(
      file,
      from.map((each) =>
        each.startsWith(".") ? `${normalize(join(dirname(file), each)).replace(/\.js$/, "")}.ts` : each,
      ),
    );
  }
}

const architecture = readFileSync("docs/architecture.md", "utf8");

interface Room {
  readonly floor: number;
  readonly usesNode: boolean;
}

/** By the name in the table: a folder of src/, a file, or `entries`. */
const rooms = new Map<string, Room>();
for (const [, floor, room, node] of architecture.matchAll(/^\| (\d+) \| `?([\w/.-]+)`? \|.*\| (yes|no) \|$/gm)) {
  rooms.set(room!.replace(/\/$/, ""), { floor: Number(floor), usesNode: node === "yes" });
}

const entries = [
  "index",
  "parser",
  "policy",
  "message",
  "http-parser",
  "http-parser-node",
  "ws",
  "intake",
  "testing",
].map((name) => `src/${name}.ts`);

/** The room of a file, by its name in the table. */
function roomOf(file: string): string {
  const parts = file.split("/");
  if (file === "assembly/abi.ts") return file;
  if (parts.length > 2) return parts[1]!;
  if (entries.includes(file)) return "entries";
  return file === "src/gate-options.ts" ? "gate.ts" : parts[1]!;
}

const ours = [...imports.keys()].filter((file) => file.startsWith("src/"));

test("docs/architecture.md has a row for every room, and no other", () => {
  assert.equal([...rooms.keys()].sort(), [...new Set([...ours.map(roomOf), "assembly/abi.ts"])].sort());
});

test("a file imports only from its own room and from lower floors", () => {
  for (const file of ours) {
    for (const target of imports.get(file)!.filter((each) => each.endsWith(".ts"))) {
      assert.ok(imports.has(target), `${file} imports ${target}, which does not exist`);
      const [from, to] = [roomOf(file), roomOf(target)];
      if (from === to) continue;
      assert.ok(rooms.get(to)!.floor < rooms.get(from)!.floor, `${file} imports ${target}: the arrow points up`);
      if (target.startsWith("assembly/")) assert.is(`${from} ${target}`, "head assembly/abi.ts", file);
    }
  }
});

test("within a room no imports run in a circle", () => {
  const done = new Set<string>();
  const follow = (file: string, path: readonly string[]): void => {
    assert.not.ok(path.includes(file), `a circle: ${[...path, file].join(" → ")}`);
    if (done.has(file)) return;
    for (const target of imports.get(file) ?? []) if (target.endsWith(".ts")) follow(target, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) follow(file, []);
});

test("assembly/ imports downwards, in the order of docs/architecture.md", () => {
  const order = /```layers\n(.*?)```/s.exec(architecture)![1]!.trim().split("\n");
  const layerOf = new Map<string, number>(
    order.flatMap((line, i) => line.split(" ").map((name) => [`assembly/${name}`, i] as const)),
  );
  const files = [...imports.keys()].filter((file) => file.startsWith("assembly/"));
  assert.equal([...layerOf.keys()].sort(), files.sort());
  for (const file of files) {
    for (const target of imports.get(file)!) assert.ok(layerOf.get(target)! < layerOf.get(file)!, `${file} ${target}`);
  }
});

test("node: appears only in the rooms that may have it", () => {
  for (const file of ours) {
    const uses = imports.get(file)!.some((each) => each.startsWith("node:"));
    assert.ok(!uses || rooms.get(roomOf(file))!.usesNode, `${file} imports node:`);
  }
});

test("no file but the gate and the entries is loose in src/", () => {
  const loose = ours.filter((file) => file.split("/").length === 2);
  assert.equal(loose.sort(), [...entries, "src/gate.ts", "src/gate-options.ts"].sort());
});

test("a connection changes its state in src/connection/ alone, and nothing asks for a class to know what octets mean", () => {
  for (const file of ours) {
    const code = readFileSync(file, "utf8").replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, "");
    if (!file.startsWith("src/connection/")) assert.not.match(code, /\.become\(/, file);
    if (file.startsWith("src/connection/phases/") || /\/(connection|input|socket)\.ts$/.test(file)) {
      assert.not.match(code, /\binstanceof\b/, file);
    }
  }
});

/** What a file imports or re-exports: `file name`, for each name. */
function importedNames(file: string, text: string): string[] {
  const found: string[] = [];
  const add = (from: string, names: string): void => {
    const target = from.startsWith("#") ? from.slice(1) : normalize(join(dirname(file), from));
    // asc's imports have no extension.
    const path = target.replace(/\.js$|(?<!\.m?js|\.ts)$/, ".ts");
    found.push(...[...names.matchAll(/[\w$]+/g)].map(([name]) => `${path} ${name}`));
  };
  for (const [, names, from] of text.matchAll(/^(?:import|export)\b([^;]*?)\bfrom "([.#][^"]+)";/gms))
    add(from!, names!);
  // (await import("./a.js")).a, and const { a } = await import("./a.js")
  for (const [, names, from, name] of text.matchAll(
    /(?:\{([^}]+)\} = |\()await import\("([.#][^"]+)"\)(?:\)\.(\w+))?/g,
  )) {
    add(from!, names ?? name!);
  }
  return found;
}

test("what a file of assembly/, src/ or test/support/ exports is imported by another file", () => {
  const texts = new Map<string, string>();
  for (const folder of ["assembly", "bench", "demo", "examples", "src", "test"]) {
    for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (/\.m?[jt]s$/.test(name)) texts.set(join(folder, name), readFileSync(join(folder, name), "utf8"));
    }
  }
  const imported = new Set([...texts].flatMap(([file, text]) => importedNames(file, text)));
  let exported = 0;
  for (const [file, text] of texts) {
    if (!/^(?:assembly|src|test\/support)\//.test(file)) continue;
    // These are imported from outside.
    if (file === "assembly/index.ts" || entries.includes(file)) continue;
    for (const [, name] of text.matchAll(/^export (?:async |abstract )?(?:const enum|function\*?|[a-z]+) ([\w$]+)/gm)) {
      assert.ok(imported.has(`${file} ${name}`), `${file} exports ${name}, which nothing imports`);
      exported++;
    }
  }
  assert.ok(exported > 500, `${exported} exports`);
});

test("only the entries re-export", () => {
  for (const file of ours.filter((each) => !entries.includes(each))) {
    assert.not.match(readFileSync(file, "utf8"), /^export (?:type )?[{*]/m, file);
  }
});

test("entries for any runtime reach nothing of node: or ws", () => {
  for (const entry of ["parser", "policy", "message", "http-parser"].map((name) => `src/${name}.ts`)) {
    const reached = new Set([entry]);
    for (const file of reached) {
      for (const target of imports.get(file) ?? []) reached.add(target);
    }
    const packages = [...reached].filter((each) => !each.endsWith(".ts"));
    assert.equal(packages, [], entry);
  }
});

test("packages: ws in its framer alone, nothing else at run time", () => {
  for (const [file, from] of imports) {
    for (const each of from.filter((name) => !name.endsWith(".ts") && !name.startsWith("node:"))) {
      assert.is(each, "ws", `${file} imports ${each}`);
      assert.is(file, "src/handover/ws.ts");
    }
  }
});

/** A setting of the process that users of http-parser-js write: a limit for parsers that are made later. */
const setting = "  static maxHeaderSize: number = 80 * 1024;";

test("WebAssembly is touched by src/head/kernel/instance.ts alone, and state is kept by no other module", () => {
  for (const file of imports.keys()) {
    if (file === "src/head/kernel/instance.ts") continue;
    const text = readFileSync(file, "utf8");
    const code = text.replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, "");
    if (file.startsWith("src/")) assert.not.match(code, /\bWebAssembly\b/, file);
    const allowed = file === "src/engine/http-parser.ts" ? [setting] : [];
    assert.equal(moduleState(text), allowed, `${file} has module-level state`);
  }
  // That it would be seen, in whatever way it is kept.
  const table = "const table: Record<string, number[]> = {};\n";
  for (const state of [
    "export let count = 0;",
    "var count = 0;",
    "const known = new WeakMap<object, string>();",
    "const next = (() => {\n  let n = 0;\n  return () => n++;\n})();",
    "class One {\n  static count = 0;\n}",
    "class One {\n  static readonly all = [];\n  constructor() {\n    One.all.push(this);\n  }\n}",
    "const known = new Map<string, string>();\nexport function know(name: string): void {\n  known.set(name, name);\n}",
    "export const know = (name: string): void => void known.add(name);\nconst known = new Set<string>();",
    `${table}function know(name: string): void {\n  table[name] = [];\n}`,
    `${table}function know(name: string): void {\n  table[name]?.push(1);\n}`,
    `${table}function know(name: string): void {\n  table[name]![0]! += 1;\n}`,
    `${table}function forget(name: string): void {\n  delete table[name];\n}`,
    `${table}function know(name: string): void {\n  Object.assign(table, { [name]: [] });\n}`,
    'import { table } from "./table.js";\nfunction know(name: string): void {\n  table.last = name;\n}',
    'import http from "node:http";\nfunction know(): void {\n  http.globalAgent.maxSockets++;\n}',
    "function know(name: string): void {\n  globalThis.last = name;\n}",
  ]) {
    assert.ok(moduleState(`${state}\n`).length > 0, state);
  }
  const made = `${table}for (const name of ["a", "b"]) {\n  table[name] = [];\n}\n`;
  const read =
    "function read(name: string): number[] {\n  const list: number[] = [];\n  if (table[name] === list) return list;\n  list.push(1);\n  return table[name]!;\n}\n";
  assert.equal(moduleState(made + read), []);
});

test("every file states what comes in, what goes out, and what it never does", () => {
  for (const file of imports.keys()) {
    if (file === "src/head/kernel/simd.ts") continue;
    const text = readFileSync(file, "utf8");
    assert.match(
      text,
      /^(?:#![^\n]*\n)?\/\/ In: {4}\S[^\n]*\n(?:\/\/ {8}\S[^\n]*\n)*\/\/ Out: {3}\S[^\n]*\n(?:\/\/ {8}\S[^\n]*\n)*\/\/ Never: \S/,
      file,
    );
  }
});
