// In:    package.json.
// Out:   the version of the package.
// Never: keeps it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

export function version(): string {
  const text = readFileSync(createRequire(import.meta.url).resolve("headgate/package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
