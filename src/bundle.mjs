// In:    the entries of package.json's `exports`, their TypeScript sources.
// Out:   dist/lib/: one file for each entry, and one for each group of modules that entries share, with source maps to src/.
// Never: renames a function, a class or a member, or puts a module into two files: the kernel and its state exist once.

import { readFileSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { rolldown } from "rolldown";

const FOLDER = "dist/lib";

const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
/** Names of entries: "index" for dist/lib/index.js. */
const entries = Object.values(exports)
  .map((target) => target.default)
  .filter((path) => path?.startsWith(`./${FOLDER}/`))
  .map((path) => basename(path, ".js"));
const sourceOf = (entry) => resolve("src", `${entry}.ts`);

/** Groups of modules, in the order of their claims: a module belongs to the first one of whose entries imports it. */
const groups = {
  parser: ["parser"],
  policy: ["policy"],
  message: ["message", "http-parser"],
  gate: ["index", "ws", "http-parser-node"],
  intake: ["intake"],
};

/** The modules that entries import at run time. */
function reachedBy(names) {
  const reached = new Set(names.map(sourceOf));
  for (const file of reached) {
    const imports = readFileSync(file, "utf8").matchAll(/^(?:import|export)\s+(?!type\b)[^"';]*?\bfrom "(\.[^"]+)";/gm);
    for (const [, from] of imports) reached.add(join(file, "..", from.replace(/\.js$/, ".ts")));
  }
  return reached;
}

const isEntry = new Set(entries.map(sourceOf));
const chunks = Object.entries(groups).map(([name, names], i, all) => {
  const reached = reachedBy(names);
  return { name, priority: all.length - i, test: (id) => reached.has(id) && !isEntry.has(id) };
});

rmSync(FOLDER, { recursive: true, force: true });
const bundle = await rolldown({
  input: Object.fromEntries(entries.map((name) => [name, sourceOf(name)])),
  platform: "neutral",
  external: [/^node:/, "ws"],
  preserveEntrySignatures: "allow-extension",
  optimization: { inlineConst: true },
  resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
});
await bundle.write({
  dir: FOLDER,
  format: "esm",
  sourcemap: true,
  sourcemapExcludeSources: true,
  entryFileNames: "[name].js",
  chunkFileNames: "chunk-[name].js",
  minify: { mangle: { keepNames: true }, compress: true, codegen: { removeWhitespace: true } },
  codeSplitting: { includeDependenciesRecursively: false, groups: chunks },
});
await bundle.close();
