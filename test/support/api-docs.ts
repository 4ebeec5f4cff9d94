// In:    the declarations that the package ships.
// Out:   docs/api: the reference of every entry, as pages of HTML; exit code 1 for a link that leads nowhere, and for a type
//        in a public signature that no entry exports.
// Never: installs into the project. TypeDoc reads programs by TypeScript's own interface, which the project's TypeScript no longer
//        has, and comes with an older one into a cache below node_modules.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const CACHE = resolve("node_modules/.cache/headgate-typedoc");
const packages = { typedoc: "0.28.20", typescript: "6.0.3" };

const { exports, version } = JSON.parse(readFileSync("package.json", "utf8")) as {
  exports: Record<string, string | { types?: string }>;
  version: string;
};

/** Declarations of the entries, in the order of package.json. */
const entryPoints = Object.values(exports).flatMap((target) => {
  return typeof target === "object" && target.types?.startsWith("./dist/src/") ? [resolve(target.types)] : [];
});

const manifest = `${JSON.stringify({ private: true, dependencies: packages })}\n`;
const complete = join(CACHE, "complete.json");
if (!existsSync(complete) || readFileSync(complete, "utf8") !== manifest) {
  rmSync(CACHE, { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(join(CACHE, "package.json"), manifest);
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
  execFileSync("npm", ["install", ...options], { cwd: CACHE, stdio: ["ignore", "ignore", "inherit"] });
  writeFileSync(complete, manifest);
}

const tsconfig = join(CACHE, "tsconfig.json");
writeFileSync(
  tsconfig,
  JSON.stringify({
    compilerOptions: {
      ...{ target: "es2023", lib: ["es2023"], module: "nodenext", strict: true, skipLibCheck: true, noEmit: true },
      ...{ types: ["node"], typeRoots: [resolve("node_modules/@types")] },
    },
    files: entryPoints,
  }),
);
const settings = join(CACHE, "typedoc.json");
writeFileSync(
  settings,
  JSON.stringify({
    ...{ entryPoints, tsconfig, basePath: resolve("dist/src"), out: resolve("docs/api"), readme: "none" },
    ...{ name: `headgate ${version}`, disableSources: true, disableGit: true, hideGenerator: true },
    // The build has checked the types. What Node declares is in Node's reference.
    ...{ skipErrorChecking: true, excludeExternals: true, excludePrivate: true, excludeInternal: true },
    validation: { notExported: true, invalidLink: true, notDocumented: false },
    treatWarningsAsErrors: true,
  }),
);
rmSync("docs/api", { recursive: true, force: true });
execFileSync(process.execPath, [join(CACHE, "node_modules/typedoc/bin/typedoc"), "--options", settings], {
  stdio: ["ignore", "inherit", "inherit"],
});
for (const path of ["index.html", "modules/index.html", "modules/parser.html", "modules/policy.html"]) {
  if (!existsSync(join("docs/api", path))) throw new Error(`docs/api has no ${path}`);
}
console.log(`docs/api: the reference of ${entryPoints.length} entries`);
