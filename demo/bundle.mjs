// In:    demo/playground/, and the package as it ships in dist/lib/.
// Out:   dist/playground/: a page, its style sheets and one script, which work from any server and without one.
// Never: changes the package.

import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { basename } from "node:path";
import { rolldown } from "rolldown";

const FOLDER = "dist/playground";

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
for (const path of ["theme.css", "playground/index.html", "playground/playground.css", "playground/editor.css"]) {
  copyFileSync(`demo/${path}`, `${FOLDER}/${basename(path)}`);
}

const bundle = await rolldown({
  input: "demo/playground/main.ts",
  platform: "browser",
  // Only asked for on Node, to find the spare kernels.
  transform: { define: { "import.meta": "{}" } },
});
// Browsers load modules from servers only, and this script from a file as well.
await bundle.write({ file: `${FOLDER}/playground.js`, format: "iife", minify: true });
await bundle.close();
