// In:    the builds of the kernel in dist/kernel/, and assembly/kernel.sha256, which `sha256sum -c` reads as well.
// Out:   their sizes; exit code 1 where a build has other bytes than those that were committed.
// Never: writes assembly/kernel.sha256 without --update.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const COMMITTED = "assembly/kernel.sha256";

const lines = ["simd.wasm", "scalar.wasm", "javascript.js"].map((name) => {
  const path = `dist/kernel/${name}`;
  const octets = readFileSync(path);
  const sha256 = createHash("sha256").update(octets).digest("hex");
  console.log(`${name} ${octets.length} bytes, sha256 ${sha256}`);
  return `${sha256}  ${path}\n`;
});

if (process.argv.includes("--update")) {
  writeFileSync(COMMITTED, lines.join(""));
} else {
  const committed = readFileSync(COMMITTED, "utf8");
  const others = lines.filter((line) => !committed.includes(line)).map((line) => line.trim().split("  ")[1]);
  if (others.length > 0) {
    console.error(
      `not the bytes of ${COMMITTED}: ${others.join(", ")}\n` +
        "If sources of assembly/ or the pinned compilers were changed, run `node assembly/checksums.mjs --update`, commit\n" +
        `${COMMITTED} with the change, and build again. Otherwise \`npm ci\` installs the compilers that are pinned.`,
    );
    process.exitCode = 1;
  }
}
