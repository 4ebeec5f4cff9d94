// In:    examples/recipes/webpack-dev-server.mjs.
// Out:   what every recipe is tested for.
// Never: tests what it sends about compilations; webpack-dev-server.ts does.

import { recipe } from "./recipe.js";

const files = { "index.html": "<p>a page</p>\n", "main.js": "console.log(1);\n" };
recipe("webpack-dev-server", { webSocketPath: "/ws", echoes: false, files });
