// In:    the loops beside this file, and the sources that prepare.sh fetched.
// Out:   an executable for each native parser, or why there is none.
// Never: fetches anything; a machine without compilers or sources measures the rest.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type NativeParser = "picohttpparser" | "llhttp" | "httparse";

export interface Built {
  readonly executable: string;
  /** The package that its source is from, and the compiler. */
  readonly version: string;
}

const root = fileURLToPath(new URL("../../../", import.meta.url));
const loops = join("bench", "native");
const native = join("dist", "native");

/** A program's output, or why it has none. */
function run(program: string, args: readonly string[]): { output: string } | { fault: string } {
  const { error, status, stdout, stderr } = spawnSync(program, args, { cwd: root, encoding: "utf8" });
  if (error !== undefined) return { fault: `no ${program}` };
  if (status === 0) return { output: stdout };
  const line = stderr.split("\n").find((each) => each.includes("error"));
  return { fault: `${program}: ${line ?? `exit ${status}`}` };
}

function compileC(name: NativeParser, source: string, executable: string): readonly string[][] {
  const code = readdirSync(join(root, source)).filter((file) => file.endsWith(".c"));
  // One unit, as where the parser's code is included: calls of it may be inlined.
  const flags = ["-O3", "-march=native", "-flto", "-std=c11", "-I", loops, "-I", source];
  const files = [join(loops, "loop.c"), join(loops, `${name}.c`), ...code.map((file) => join(source, file))];
  return [["gcc", ...flags, ...files, "-o", executable]];
}

function compileRust(source: string, executable: string): readonly string[][] {
  const features = run("rustc", ["--print", "cfg", "-C", "target-cpu=native"]);
  const has = (feature: string) => "output" in features && features.output.includes(`target_feature="${feature}"`);
  // What httparse's own build script would say of this processor.
  const simd = ["httparse_simd"];
  if (has("sse4.2")) simd.push("httparse_simd_target_feature_sse42");
  if (has("avx2")) simd.push("httparse_simd_target_feature_avx2");
  const library = join(native, "libhttparse.rlib");
  const flags = ["-C", "opt-level=3", "-C", "target-cpu=native"];
  const crate = ["--edition", "2018", "--crate-type", "rlib", "--crate-name", "httparse", "--cap-lints", "allow"];
  const cfg = ['feature="std"', ...simd].flatMap((each) => ["--cfg", each]);
  return [
    ["rustc", ...flags, ...crate, ...cfg, join(source, "lib.rs"), "-o", library],
    ["rustc", ...flags, "--edition", "2021", "-C", "lto=fat", "--extern", `httparse=${library}`].concat(
      join(loops, "httparse.rs"),
      "-o",
      executable,
    ),
  ];
}

/** When the youngest file of a folder was written; milliseconds. */
function youngest(folder: string): number {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return Math.max(...files.map((file) => statSync(join(root, folder, file)).mtimeMs));
}

/** Compiles it, unless that was done since the sources changed. */
export function build(name: NativeParser): Built | { readonly absent: string } {
  const compiler = name === "httparse" ? "rustc" : "gcc";
  const found = run(compiler, ["--version"]);
  if ("fault" in found) return { absent: `not built: ${found.fault}` };
  const source = join(native, "source", name);
  if (!existsSync(join(root, source, "VERSION"))) {
    return { absent: "not built: no source; npm run bench:native fetches it on Debian" };
  }
  const executable = join(native, name);
  const path = join(root, executable);
  const since = Math.max(youngest(loops), youngest(source));
  if (!existsSync(path) || statSync(path).mtimeMs < since) {
    process.stderr.write(`compiling ${name}\n`);
    mkdirSync(join(root, native), { recursive: true });
    const steps = name === "httparse" ? compileRust(source, executable) : compileC(name, source, executable);
    for (const [program, ...args] of steps) {
      const result = run(program!, args);
      if ("fault" in result) return { absent: `not built: ${result.fault}` };
    }
  }
  const origin = readFileSync(join(root, source, "VERSION"), "utf8").trim();
  return { executable: path, version: `${origin}, ${found.output.split("\n")[0]}` };
}
