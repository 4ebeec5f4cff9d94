// In:    examples/recipes/node.mjs.
// Out:   what every recipe is tested for.
// Never: has a test of its own.

import { recipe } from "./recipe.js";

recipe("node", { webSocketPath: "/live", api: "/api" });
