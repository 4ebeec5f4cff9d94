// In:    a folder with the built package: dist/lib and dist/kernel.
// Out:   what a user downloads: octets, and octets after gzip.
// Never: counts ws, which headgate does not carry.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

export interface Size {
  readonly name: string;
  readonly octets: number;
  /** With `gzip -9`. */
  readonly gzipped: number;
}

function sizeOf(name: string, content: Buffer): Size {
  return { name, octets: content.length, gzipped: gzipSync(content, { level: 9 }).length };
}

/** A module with all modules of the package that it imports, one after another. */
function withImports(file: string): Buffer {
  const reached = new Set([file]);
  const all: Buffer[] = [];
  for (const each of reached) {
    const code = readFileSync(each);
    all.push(code);
    for (const [, from] of code.toString().matchAll(/(?:from|import) ?"(\.[^"]+)"/g))
      reached.add(join(each, "..", from!));
  }
  return Buffer.concat(all);
}

/** `folder` is the package's own. `headgate/parser` carries the SIMD kernel, as base64. */
export function sizes(folder: string): Size[] {
  const dist = join(folder, "dist");
  return [
    ...["simd", "scalar"].map((name) => sizeOf(`${name}.wasm`, readFileSync(join(dist, "kernel", `${name}.wasm`)))),
    sizeOf("headgate/parser", withImports(join(dist, "lib", "parser.js"))),
    sizeOf("headgate", withImports(join(dist, "lib", "index.js"))),
  ];
}
