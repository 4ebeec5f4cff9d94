// In:    examples/recipes/nest.mjs.
// Out:   what every recipe is tested for.
// Never: has a test of its own.

import { recipe } from "./recipe.js";

recipe("nest", { webSocketPath: "/live", api: "/api" });
