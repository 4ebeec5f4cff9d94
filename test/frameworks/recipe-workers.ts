// In:    examples/recipes/workers.mjs.
// Out:   what every recipe is tested for.
// Never: has a test of its own.

import { recipe } from "./recipe.js";

recipe("workers", { webSocketPath: "/live", api: "/api" });
