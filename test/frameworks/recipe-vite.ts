// In:    examples/recipes/vite.mjs.
// Out:   what every recipe is tested for.
// Never: tests updates of a page; vite.ts does.

import { recipe } from "./recipe.js";

/** Vite's client has a token, in its script. */
async function webSocketPath(origin: string): Promise<string> {
  const script = await (await fetch(`${origin}/@vite/client`)).text();
  return `/?token=${/wsToken = "([^"]+)"/.exec(script)![1]}`;
}

const files = { "index.html": "<p>a page</p>\n" };
recipe("vite", { webSocketPath, protocol: "vite-hmr", echoes: false, files });
