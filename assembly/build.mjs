// In:    the AssemblyScript sources beside this file, asconfig.json.
// Out:   dist/kernel/{simd,scalar}.wasm, and src/kernel.ts, which carries the same bytes for src/wasm.ts.
// Never: changes what asc made; the same sources give the same bytes.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";

const variants = ["simd", "scalar"];

mkdirSync("dist/kernel", { recursive: true });
const lines = [
  "// In:    nothing; written by assembly/build.mjs, not by hand.",
  "// Out:   the kernel's modules, as base64.",
  "// Never: compiles them; src/wasm.ts does that.",
  "",
];
for (const variant of variants) {
  const { error, stderr } = await asc.main(["--config", "asconfig.json", "--target", variant]);
  if (error) {
    console.error(stderr.toString());
    throw error;
  }
  const octets = readFileSync(`dist/kernel/${variant}.wasm`);
  lines.push(`export const ${variant}: string =\n  "${octets.toString("base64")}";`);
  const sha256 = createHash("sha256").update(octets).digest("hex");
  console.log(`${variant}.wasm ${octets.length} bytes, sha256 ${sha256}`);
}
writeFileSync("src/kernel.ts", `${lines.join("\n")}\n`);
