// In:    this machine.
// Out:   what every figure depends on.
// Never: names the machine or its user.

import { cpus } from "node:os";

export interface Machine {
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
}

export function machine(): Machine {
  return {
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
  };
}
