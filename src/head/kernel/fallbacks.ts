// In:    the runtime's own file system and require, if it has them.
// Out:   the builds of the kernel that few processes need, loaded synchronously: the scalar module and the JavaScript build.
// Never: imports one. A process in which the SIMD build starts loads neither.

/** The parts of Node's `process` and modules that are used if a runtime has them; found at run time, never imported. */
interface Require {
  (name: string): unknown;
  resolve(name: string): string;
}
interface ProcessLike {
  getBuiltinModule?(name: "node:module"): { createRequire(from: string): Require } | undefined;
  getBuiltinModule?(name: "node:fs"): { readFileSync(path: string): Uint8Array } | undefined;
}

/** A parse cannot wait, so they have to be loaded synchronously, as Node, Bun and Deno can. */
function runtime(): { require: Require; readFile: (path: string) => Uint8Array } {
  const { process } = globalThis as { process?: ProcessLike };
  const module = process?.getBuiltinModule?.("node:module");
  const fileSystem = process?.getBuiltinModule?.("node:fs");
  if (module === undefined || fileSystem === undefined) {
    throw new TypeError("this runtime cannot load files synchronously");
  }
  // By their public names, so that a bundle next to the package finds them as well.
  return { require: module.createRequire(import.meta.url), readFile: fileSystem.readFileSync };
}

/** The bytes of the scalar module. Throws if the runtime cannot load files synchronously, or a bundle has no package next to it. */
export function scalarModule(): Uint8Array {
  const { require, readFile } = runtime();
  return readFile(require.resolve("headgate/kernel/scalar.wasm"));
}

/** An instance of the JavaScript build: its exports. Throws like `scalarModule`. */
export function javascriptKernel(): object {
  const { javascript } = runtime().require("headgate/kernel/javascript") as { javascript: () => object };
  return javascript();
}
