// In:    examples/recipes/hono-bun.mjs.
// Out:   what every recipe is tested for.
// Never: has a test of its own.

import { recipe } from "./recipe.js";

recipe("hono-bun", { webSocketPath: "/live", api: "/api" });
