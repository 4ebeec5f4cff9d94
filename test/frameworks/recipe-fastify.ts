// In:    examples/recipes/fastify.mjs.
// Out:   what every recipe is tested for.
// Never: has a test of its own.

import { recipe } from "./recipe.js";

recipe("fastify", { webSocketPath: "/live", api: "/api" });
