// In:    examples/recipes/h3.mjs.
// Out:   what every recipe is tested for.
// Never: has a test of its own.

import { recipe } from "./recipe.js";

recipe("h3", { webSocketPath: "/live", api: "/api" });
