// In:    the inputs.
// Out:   control rows: what a call of the kernel costs that reads nothing, and what the copy alone costs.
// Never: parses.

import { kernel } from "../src/head/kernel/instance.js";
import { type Level, type Prepared, Sink } from "./contender.js";
import type { Input } from "./inputs.js";

/** Takes any input. */
export interface Control {
  readonly name: string;
  readonly level: Level;
  prepare(input: Input): Prepared;
}

/** `Uint8Array.set` into the kernel's memory: what lies between L0 and L1. */
export const copyAlone: Control = {
  name: "control: copy alone",
  level: "L1",
  prepare({ buffers }) {
    const { input } = kernel();
    const sink = new Sink();
    const mask = buffers.length - 1;
    return {
      sink,
      run(times) {
        for (let i = 0; i < times; i++) {
          const octets = buffers[i & mask]!;
          input.set(octets);
          sink.sum += input[octets.length - 1]!;
        }
      },
    };
  },
};

/** From JavaScript into the kernel and back: no octets, so `PARTIAL`. */
export const emptyCall: Control = {
  name: "control: empty call",
  level: "L0",
  prepare() {
    const wasm = kernel();
    const sink = new Sink();
    return {
      sink,
      run(times) {
        for (let i = 0; i < times; i++) sink.sum += wasm.parseHead(0, 0, 0, 16_384, 100);
      },
    };
  },
};
