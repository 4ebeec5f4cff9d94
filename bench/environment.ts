// In:    this process and its machine.
// Out:   what a figure depends on: versions and processor.
// Never: names the machine or its user.

import { createRequire } from "node:module";
import { miloVersion } from "./contenders/milo.js";
import { natives } from "./contenders/native.js";
import { nodeParserVersion } from "./contenders/node-parser.js";
import { undiciVersion } from "./contenders/undici.js";
import { type Machine, machine } from "./machine.js";

export interface Environment extends Machine {
  readonly node: string;
  readonly v8: string;
  /** Node's; null where it is hidden. */
  readonly llhttp: string | null;
  readonly httpParserJs: string;
  readonly undici: string;
  readonly milo: string;
  /** Package and compiler of each native contender; null where it was not built. */
  readonly natives: Readonly<Record<string, string | null>>;
}

export function environment(): Environment {
  const require = createRequire(import.meta.url);
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    llhttp: nodeParserVersion ?? null,
    httpParserJs: (require("http-parser-js/package.json") as { version: string }).version,
    undici: undiciVersion,
    milo: miloVersion,
    natives: Object.fromEntries(natives.map(({ name, version }) => [name, version()])),
    ...machine(),
  };
}
