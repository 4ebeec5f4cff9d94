// In:    the kernel's bytes, or a module that the host compiled.
// Out:   the one instance that serves all parses: its functions, and views of its memory.
// Never: interprets a record. It is the only file that touches WebAssembly and the only one with state.

import { Capacity, FieldName, FieldSpelling, Memory, NameEntry } from "../assembly/abi.js";
import { scalar, simd } from "./kernel.js";
import { type Latin1, latin1 } from "./octets.js";

/** What is used of WebAssembly, in the types of hosts with a DOM and hosts without. */
declare namespace WebAssembly {
  class Module {
    constructor(octets: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: object);
    readonly exports: object;
  }
  function validate(octets: Uint8Array): boolean;
}

/** Which build of the kernel runs. */
export type KernelVariant = "simd" | "scalar";

/** The kernel's exports; assembly/index.ts describes them. */
interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  parseHead(start: number, end: number, options: number, headBytes: number, fieldLines: number): number;
  parseAuthority(length: number): number;
}

/** @internal */
export interface Kernel {
  readonly variant: KernelVariant | "module";
  readonly parseHead: KernelExports["parseHead"];
  readonly parseAuthority: KernelExports["parseAuthority"];
  /** Where a caller puts the octets. */
  readonly input: Uint8Array;
  /** The same octets, as text. */
  readonly text: Latin1;
  /** The record, as 32-bit words, with room for others behind it. */
  readonly words: Uint32Array;
  /** The class bits of each octet. */
  readonly classes: Uint8Array;
  /** By the lowest octet of `FieldLine.NAME`: the name as it was spelt, or "" where the text has to be asked. */
  readonly spellings: readonly string[];
  /** The number of each name that the kernel reads, by the name in lower case. */
  readonly fieldNames: ReadonlyMap<string, number>;
  /** Counts parses: a record belongs to the parse after which it was read, until the next. */
  generation: number;
}

const bytes: Record<KernelVariant, string> = { simd, scalar };

let current: Kernel | undefined;

/** Kernels of this package that were started; choosing one again does not compile it again. */
const started = new Map<Kernel["variant"], Kernel>();

/** The running kernel; compiled on the first call, synchronously. @internal */
export function kernel(): Kernel {
  if (current !== undefined) return current;
  current = bundled("simd") ?? bundled("scalar");
  if (current === undefined) throw new TypeError("this engine has no WebAssembly");
  return current;
}

/**
 * Says which build of the kernel runs: `simd`, `scalar`, or `module` for one given to `useKernel`.
 */
export function kernelVariant(): KernelVariant | "module" {
  return kernel().variant;
}

/**
 * Chooses the kernel for this process, from the next parse on. By default `simd` runs where the engine has it, and
 * `scalar` elsewhere. Hosts that forbid compiling from bytes give the compiled module of `headgate/kernel/simd.wasm`
 * or `headgate/kernel/scalar.wasm`.
 *
 * Throws `TypeError` where the engine cannot run that build or the module is not headgate's.
 */
export function useKernel(choice: KernelVariant | object): void {
  if (typeof choice === "string" && !Object.hasOwn(bytes, choice)) {
    throw new TypeError(`${choice} is no kernel; the kernels are ${Object.keys(bytes).join(" and ")}`);
  }
  const next = typeof choice === "string" ? bundled(choice) : start("module", choice as WebAssembly.Module);
  if (next === undefined) throw new TypeError(`this engine cannot run the ${String(choice)} kernel`);
  // What was parsed by one kernel is not in the memory of another.
  next.generation = Math.max(next.generation, current?.generation ?? 0) + 1;
  current = next;
}

/** The kernel of that build; undefined where the engine cannot run it. */
function bundled(variant: KernelVariant): Kernel | undefined {
  let found = started.get(variant);
  if (found === undefined && typeof WebAssembly !== "undefined") {
    const octets = Uint8Array.from(atob(bytes[variant]), (character) => character.charCodeAt(0));
    if (!WebAssembly.validate(octets)) return undefined;
    found = start(variant, new WebAssembly.Module(octets));
    started.set(variant, found);
  }
  return found;
}

function start(variant: Kernel["variant"], module: WebAssembly.Module): Kernel {
  const exports = new WebAssembly.Instance(module, {}).exports as unknown as KernelExports;
  if (exports.memory?.buffer.byteLength !== Memory.PAGES * 65_536) {
    throw new TypeError("the module is not headgate's kernel, or of another version");
  }
  const { buffer } = exports.memory;
  const input = new Uint8Array(buffer, Memory.INPUT, Memory.INPUT_SIZE);
  const spellings = readSpellings(new Uint8Array(buffer, Memory.NAMES, Capacity.NAMES * NameEntry.SIZE));
  return {
    variant,
    parseHead: exports.parseHead,
    parseAuthority: exports.parseAuthority,
    input,
    text: latin1(input),
    words: new Uint32Array(buffer, Memory.RECORD, Memory.RECORDS_SIZE >> 2),
    classes: new Uint8Array(buffer, Memory.CLASSES, 256),
    spellings,
    fieldNames: new Map(
      spellings.flatMap((name, code) => {
        const number = code - FieldSpelling.LOWER_CASE;
        return name !== "" && number > 0 && number < FieldName.COMMON ? [[name, number]] : [];
      }),
    ),
    generation: 0,
  };
}

/** The kernel's table of names: the one place where they are written. */
function readSpellings(table: Uint8Array): string[] {
  const spellings: string[] = new Array(256).fill("");
  for (let entry = 0; entry < table.length; entry += NameEntry.SIZE) {
    const end = table.indexOf(0x3a, entry);
    const code = table[entry + NameEntry.CODE]!;
    if (code !== 0) spellings[code] = String.fromCharCode(...table.subarray(entry, end));
  }
  return spellings;
}
