// In:    examples/recipes/hono.mjs.
// Out:   what every recipe is tested for.
// Never: has a test of its own.

import { recipe } from "./recipe.js";

recipe("hono", { webSocketPath: "/live", api: "/api" });
