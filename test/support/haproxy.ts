// In:    a configuration of HAProxy, a folder to write it to.
// Out:   HAProxy in the foreground; what this machine's lacks of what the tests have it do.
// Never: changes a configuration.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { missing, type Parts, type Program, start } from "./program.js";

/** Why HAProxy cannot do what the tests need; null where it can. `parts`: what a test needs besides a current version. */
export function cannotRunHaproxy(parts: Parts = {}): string | null {
  return missing("haproxy", "-vv", { "version 2.2 or later": /version (?:2\.(?:[2-9]|\d\d)|[3-9])/, ...parts });
}

/** What `cannotRunHaproxy` is asked for where clients speak TLS to it. */
export const WITH_TLS: Parts = { TLS: /\+OPENSSL\b/ };

/** Starts HAProxy; `ports` are those that it listens on. */
export function startHaproxy(folder: string, text: string, ports: readonly number[]): Promise<Program> {
  const file = join(folder, `haproxy-${ports[0]}.cfg`);
  writeFileSync(file, text);
  return start("haproxy", ["-db", "-f", file], ports);
}
