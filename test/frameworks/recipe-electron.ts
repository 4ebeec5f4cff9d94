// In:    examples/recipes/electron.mjs.
// Out:   what every recipe is tested for; calls with the fields that Chromium adds for a page of app://main.
// Never: runs Electron.

import { callFrom } from "./page-call.js";
import { recipe } from "./recipe.js";

const pageOrigin = "app://main";
const use = (origin: string): Promise<void> => callFrom(pageOrigin, "cross-site", origin);
recipe("electron", { webSocketPath: "/live", api: "/api", pageOrigin, use });
