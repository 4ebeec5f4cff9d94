// In:    the runtime's own require, if it has one.
// Out:   the JavaScript build of the kernel, loaded at once.
// Never: imports it. A process in which WebAssembly starts does not load it.

/** The part of Node's `process` that is used where a runtime has one; found at run time, imported nowhere. */
interface ProcessLike {
  getBuiltinModule?(name: "node:module"): { createRequire(from: string): (name: string) => unknown } | undefined;
}

/**
 * An instance of the kernel: its exports. A parse cannot wait, so that it has to be loaded synchronously, as Node, Bun and
 * Deno can. Throws elsewhere, and where the package is not installed beside a bundle.
 */
export function javascriptKernel(): object {
  const { process } = globalThis as { process?: ProcessLike };
  const module = process?.getBuiltinModule?.("node:module");
  if (module === undefined) throw new TypeError("this runtime loads nothing synchronously");
  const require = module.createRequire(import.meta.url);
  // By its public name, so that a bundle beside the package finds it as well.
  const { javascript } = require("headgate/kernel/javascript") as { javascript: () => object };
  return javascript();
}
