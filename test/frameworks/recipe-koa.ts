// In:    examples/recipes/koa.mjs.
// Out:   what every recipe is tested for.
// Never: has a test of its own.

import { recipe } from "./recipe.js";

recipe("koa", { webSocketPath: "/live", api: "/api" });
