// In:    examples/recipes/hono-deno.mjs.
// Out:   what every recipe is tested for.
// Never: has a test of its own.

import { recipe } from "./recipe.js";

recipe("hono-deno", { webSocketPath: "/live", api: "/api" });
