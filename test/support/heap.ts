// In:    nothing.
// Out:   what this process holds on its heap, when all garbage is collected.
// Never: needs a flag of Node's.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Octets of memory, without garbage. */
export function memoryHeld(): NodeJS.MemoryUsage {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let i = 0; i < 4; i++) collect();
  return process.memoryUsage();
}
