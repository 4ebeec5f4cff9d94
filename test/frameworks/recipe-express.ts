// In:    examples/recipes/express.mjs.
// Out:   what every recipe is tested for.
// Never: has a test of its own.

import { recipe } from "./recipe.js";

recipe("express", { webSocketPath: "/live", api: "/api" });
