// In:    examples/recipes/socket.io.mjs.
// Out:   what every recipe is tested for.
// Never: speaks the protocol of socket.io; socket.io.ts does.

import { recipe } from "./recipe.js";

recipe("socket.io", { webSocketPath: "/socket.io/?EIO=4&transport=websocket", echoes: false });
