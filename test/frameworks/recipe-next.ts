// In:    examples/recipes/next.mjs.
// Out:   what every recipe is tested for. The WebSockets are those of its HMR.
// Never: has a test of its own.

import { recipe } from "./recipe.js";

const files = {
  "app/layout.js":
    "export default function Layout({ children }) {\n  return <html><body>{children}</body></html>;\n}\n",
  "app/page.js": "export default function Page() {\n  return <p>a page</p>;\n}\n",
  "app/api/route.js": "export function POST() {\n  return Response.json({ done: true });\n}\n",
};
recipe("next", { webSocketPath: "/_next/hmr?id=doctor", echoes: false, api: "/api", files });
