// In:    examples/recipes/webpack-dev-server.mjs.
// Out:   what every recipe is tested for; an edit reaches the page in Chromium.
// Never: tests what it sends about compilations; webpack-dev-server.ts does.

import { join } from "node:path";
import { folderOf } from "../support/frameworks.js";
import { editReaches, moduleOf } from "./hot-page.js";
import { recipe } from "./recipe.js";

const files = {
  "public/index.html": '<p>a page</p>\n<h1></h1>\n<script src="/main.js"></script>\n',
  "main.js": `import { text } from "./text.js";
const show = () => (document.querySelector("h1").textContent = text);
show();
module.hot.accept("./text.js", show);
`,
  "text.js": moduleOf("first"),
};
const NAME = "recipe-webpack-dev-server";
const use = (origin: string): Promise<void> => editReaches(NAME, origin, join(folderOf(NAME), "text.js"));
recipe("webpack-dev-server", { webSocketPath: "/ws", echoes: false, files, use });
