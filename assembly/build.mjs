// In:    the AssemblyScript sources beside this file, asconfig.json.
// Out:   dist/kernel/{simd,scalar}.wasm; dist/kernel/javascript.js, one that reads octets singly in JavaScript, with its types;
//        and src/head/kernel/simd.ts, which carries the SIMD one for src/head/kernel/instance.ts.
// Never: changes what a kernel does; the same sources give the same bytes, and assembly/checksums.mjs compares them.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";

const FOLDER = "dist/kernel";
const BINARYEN = "node_modules/binaryen/bin";

/**
 * How the modules are optimised. asc's own levels either leave small functions of the hot loop out of line, which doubles
 * its time, or copy those that refuse a head to wherever they are called, which makes the module half as large again.
 */
const OPTIMISE = [
  // None of those that common heads never reach goes in line (passes run in this order),
  ...[
    "stop/*",
    "octets/equalsWord",
    "octets/build*",
    "octets/mark*",
    "octets/fill*",
    "scan/*End",
    "scan/*At",
    "scan/*Start",
    "ip-address/*",
    "*/*Refusal",
    "*/whitespaceOr",
  ].map((functions) => `--no-inline=assembly/${functions}`),
  // but any other of this size, or that is called once.
  "--always-inline-max-function-size=12",
  "--one-caller-inline-max-function-size=1000",
  "-O3",
  "--shrink-level=1",
  // The names of functions have served.
  "--strip-debug",
  "--strip-producers",
  "--strip-target-features",
];

mkdirSync(FOLDER, { recursive: true });
for (const variant of ["simd", "scalar", "octets"]) {
  const { error, stderr } = await asc.main(["--config", "asconfig.json", "--target", variant]);
  if (error) {
    console.error(stderr.toString());
    throw error;
  }
  const path = `${FOLDER}/${variant}.wasm`;
  run("wasm-opt", "--enable-simd", "--enable-bulk-memory", ...OPTIMISE, path, "-o", path);
}
writeFileSync(
  "src/head/kernel/simd.ts",
  "// In:    nothing; written by assembly/build.mjs, not by hand.\n" +
    "// Out:   the SIMD module, as base64.\n" +
    "// Never: compiles it; src/head/kernel/instance.ts does that.\n\n" +
    `export const simd: string =\n  "${readFileSync(`${FOLDER}/simd.wasm`, "base64")}";\n`,
);
writeFileSync(`${FOLDER}/javascript.js`, inJavaScript(`${FOLDER}/octets.wasm`));
rmSync(`${FOLDER}/octets.wasm`);
writeFileSync(
  `${FOLDER}/javascript.d.ts`,
  "/** Makes an instance of the kernel without WebAssembly. Give the function itself to `useKernel`. */\n" +
    "export declare function javascript(): object;\n",
);

/**
 * The module at `path` as the text of an ES module. Loads from the input are at any address, and wasm2js believes what
 * an instruction claims about its alignment: `--dealign` takes that back first, in a run of its own. What is left of
 * wider typed arrays would read wrongly, and is refused.
 */
function inJavaScript(path) {
  const dealigned = `${FOLDER}/dealigned.wasm`;
  try {
    run("wasm-opt", "-Oz", "--dealign", path, "-o", dealigned);
    const text = run("wasm2js", "-Oz", dealigned);
    const [body, ...others] = text.split("var retasmFunc = ");
    if (others.length !== 1) throw new Error("wasm2js writes its exports in another way");
    if (/\bHEAP(?!U?8\b)\w+\[/.test(body)) throw new Error("wasm2js reads more than one octet at once");
    return `${shorten(body)}export function javascript(){return asmFunc({})}\n`;
  } finally {
    rmSync(dealigned, { force: true });
  }
}

function run(tool, ...args) {
  return execFileSync(process.execPath, [`${BINARYEN}/${tool}`, ...args], { encoding: "utf8", maxBuffer: 1 << 25 });
}

/** Without comments and what only eyes need. Strings are names and base64, which none of these can change. */
function shorten(text) {
  return text
    .replace(/\/\*.*?\*\/|\/\/ .*$/gm, "")
    .replace(/^\s+/gm, "")
    .replace(/ ([*|&^<>=!?:]+) /g, "$1")
    .replace(/\$(\d+)_1\b/g, "_$1")
    .replace(/\bHEAPU8\b/g, "U8")
    .replace(/\bHEAP8\b/g, "I8");
}
