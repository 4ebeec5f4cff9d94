// In:    the inputs.
// Out:   Milo, Rust compiled to WebAssembly, reading requests.
// Never: sets a callback that a server would not need.

import { createRequire } from "node:module";
import { type Absent, type Contender, type Prepared, Sink } from "../contender.js";
import type { Input, Octets } from "../inputs.js";

type Callback = (parser: number, at: number, length: number) => void;
interface Milo {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly Methods: Readonly<Record<number, string>>;
  alloc(size: number): number;
  create(): number;
  reset(parser: number): void;
  /** Octets parsed. */
  parse(parser: number, at: number, length: number): number;
  getMethod(parser: number): number;
  getVersionMajor(parser: number): number;
  getVersionMinor(parser: number): number;
  setOnUrl(parser: number, callback: Callback): void;
  setOnHeaderName(parser: number, callback: Callback): void;
  setOnHeaderValue(parser: number, callback: Callback): void;
  setOnHeaders(parser: number, callback: Callback): void;
}

const require = createRequire(import.meta.url);
const { load } = require("@perseveranza-pets/milo") as { load(): Milo };

export const miloVersion = (require("@perseveranza-pets/milo/package.json") as { version: string }).version;

function prepare({ buffers, expected }: Input): Prepared | Absent {
  const upgrades = expected.some(({ fieldLines }) => fieldLines.includes("keep-alive, Upgrade"));
  if (upgrades) return { absent: "refuses Connection: keep-alive, Upgrade" };
  const milo = load();
  const sink = new Sink();
  const parser = milo.create();
  const size = Math.max(...buffers.map((octets) => octets.length));
  const at = milo.alloc(size);
  const memory = Buffer.from(milo.memory.buffer, at, size) as Octets;
  let requestTarget = "";
  let fieldLines: string[] = [];
  const push: Callback = (_parser, offset, length) => {
    fieldLines.push(memory.latin1Slice(offset, offset + length));
  };
  milo.setOnUrl(parser, (_parser, offset, length) => {
    requestTarget = memory.latin1Slice(offset, offset + length);
  });
  milo.setOnHeaderName(parser, push);
  milo.setOnHeaderValue(parser, push);
  milo.setOnHeaders(parser, () => {
    const lines = fieldLines;
    fieldLines = [];
    const version = milo.getVersionMajor(parser) * 10 + milo.getVersionMinor(parser);
    sink.strings(lines, milo.Methods[milo.getMethod(parser)]!, requestTarget, version, lines);
  });
  const mask = buffers.length - 1;
  return {
    sink,
    run(times) {
      for (let i = 0; i < times; i++) {
        const octets = buffers[i & mask]!;
        memory.set(octets);
        milo.parse(parser, at, octets.length);
        // What follows an upgrade is not a head; node:http also takes a new parser then.
        milo.reset(parser);
      }
    },
  };
}

export const milo: readonly Contender[] = [{ name: "Milo", level: "L3", prepare }];
