// In:    package.json.
// Out:   the version of the package.
// Never: keeps it.

import { createRequire } from "node:module";

export function version(): string {
  // By its public name, which a bundle finds as well.
  return (createRequire(import.meta.url)("headgate/package.json") as { version: string }).version;
}
