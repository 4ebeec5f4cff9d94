// In:    examples/recipes/bun.mjs.
// Out:   what every recipe is tested for.
// Never: has a test of its own.

import { recipe } from "./recipe.js";

recipe("bun", { webSocketPath: "/live", api: "/api" });
