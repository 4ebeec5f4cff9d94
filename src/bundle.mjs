// In:    the entries of package.json's `exports` and its `bin`, their TypeScript sources.
// Out:   dist/lib/: one file for each entry, and one for each group of modules that entries share, with source maps to src/.
// Never: renames a function, a class or a member, or puts a module into two files: the kernel and its state exist once.

import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { transform } from "esbuild";
import { rolldown } from "rolldown";

const FOLDER = "dist/lib";

const { exports, bin } = JSON.parse(readFileSync("package.json", "utf8"));
/** Names of entries: "index" for dist/lib/index.js. */
const entries = Object.values(exports)
  .map((target) => target.default)
  .filter((path) => path?.startsWith(`./${FOLDER}/`))
  .map((path) => basename(path, ".js"));
/** The command, whose source is in a room of its own; its parts are loaded when they run, and are files of their own. */
const command = { [basename(bin.headgate, ".js")]: resolve("src/cli/main.ts") };
const sourceOf = (entry) => resolve("src", `${entry}.ts`);

/** Groups of modules, in the order of their claims: a module belongs to the first one of whose entries imports it. */
const groups = {
  parser: ["parser"],
  // The command rules as a gate does, and needs no more of a gate than this.
  policy: ["policy", "policy/road"],
  message: ["message", "http-parser"],
  gate: ["index", "ws", "http-parser-node"],
  intake: ["intake"],
  testing: ["testing"],
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

/** A chunk of nothing but re-exports is empty once they lead elsewhere, and would be one more file to load. */
const withoutEmptyChunks = {
  name: "without-empty-chunks",
  generateBundle(_options, files) {
    const all = Object.values(files).filter(({ type }) => type === "chunk");
    for (const { fileName } of all.filter(({ code, isEntry }) => !isEntry && code.trim() === "")) {
      for (const chunk of all) chunk.code = chunk.code.replaceAll(`import"./${fileName}";`, "");
      delete files[fileName];
    }
  },
};

rmSync(FOLDER, { recursive: true, force: true });
const bundle = await rolldown({
  input: { ...Object.fromEntries(entries.map((name) => [name, sourceOf(name)])), ...command },
  platform: "neutral",
  external: [/^node:/, "ws"],
  preserveEntrySignatures: "allow-extension",
  optimization: { inlineConst: true },
  resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
  plugins: [withoutEmptyChunks],
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

/** Node prints the whole line of an error that nothing catches: a module in one line would bury the message. */
const LONG = 500;
for (const name of readdirSync(FOLDER).filter((name) => name.endsWith(".js.map"))) {
  const [mapFile, file] = [join(FOLDER, name), join(FOLDER, basename(name, ".map"))];
  const [code] = readFileSync(file, "utf8").split("//# sourceMappingURL=");
  const url = `data:application/json;base64,${readFileSync(mapFile, "base64")}`;
  const short = await transform(`${code}//# sourceMappingURL=${url}`, {
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: LONG,
    charset: "utf8",
    sourcemap: "external",
    sourcesContent: false,
  });
  writeFileSync(file, `${short.code}//# sourceMappingURL=${name}\n`);
  writeFileSync(mapFile, short.map);
}
