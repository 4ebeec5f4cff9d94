// In:    examples/recipes/vite.mjs.
// Out:   what every recipe is tested for; an edit reaches the page in Chromium.
// Never: tests HMR on a server of its own; vite.ts does.

import { join } from "node:path";
import { folderOf } from "../support/frameworks.js";
import { editReaches, moduleOf } from "./hot-page.js";
import { recipe } from "./recipe.js";

/** Vite's client has a token, in its script. */
async function webSocketPath(origin: string): Promise<string> {
  const script = await (await fetch(`${origin}/@vite/client`)).text();
  return `/?token=${/wsToken = "([^"]+)"/.exec(script)![1]}`;
}

const files = {
  "index.html": '<p>a page</p>\n<h1></h1>\n<script type="module" src="/main.js"></script>\n',
  "main.js": `import { text } from "./text.js";
const show = (shown) => (document.querySelector("h1").textContent = shown);
show(text);
import.meta.hot.accept("./text.js", (updated) => show(updated.text));
`,
  "text.js": moduleOf("first"),
};
const use = (origin: string): Promise<void> =>
  editReaches("recipe-vite", origin, join(folderOf("recipe-vite"), "text.js"));
recipe("vite", { webSocketPath, protocol: "vite-hmr", echoes: false, files, use });
