// In:    the kernel's builds, or one given by the host.
// Out:   the one instance that serves all parses: its functions, and views of its memory.
// Never: interprets a record. No other file touches WebAssembly, and no other file has state.

import { FieldName, FieldSpelling, Memory, NameEntry } from "../../../assembly/abi.js";
import { javascriptKernel, scalarModule } from "./fallbacks.js";
import { fieldNames } from "./field-names.js";
import { decodeBase64, type Latin1, latin1 } from "./latin1.js";
import { simd } from "./simd.js";

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
export type KernelVariant = "simd" | "scalar" | "javascript";

/** The kernel's exports; assembly/index.ts describes them. */
interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  parseHead(start: number, end: number, options: number, headBytes: number, fieldLines: number): number;
  parseTrailers(start: number, end: number, options: number, sectionBytes: number, fieldLines: number): number;
  parseAuthority(length: number): number;
  enterName(length: number, code: number): void;
}

/** @internal */
export interface Kernel {
  readonly variant: KernelVariant | "module";
  readonly parseHead: KernelExports["parseHead"];
  readonly parseTrailers: KernelExports["parseTrailers"];
  readonly parseAuthority: KernelExports["parseAuthority"];
  /** Where a caller puts octets. */
  readonly input: Uint8Array;
  /** The same octets, as text. */
  readonly text: Latin1;
  /** The record, as 32-bit words, with room for others after it. */
  readonly words: Int32Array;
  /** The class bits of each octet. */
  readonly classes: Uint8Array;
  /** For each length, a bit for each first letter of the names of that length that the kernel reads. */
  readonly suspects: Int32Array;
  /** By the lowest octet of `FieldLine.NAME`: the name in the spelling that was sent, or "" if it has to be taken from the text. */
  readonly spellings: readonly string[];
  /** The same in lower case. */
  readonly lowerCase: readonly string[];
  /** The lower-case form of each spelling; the key of a header object, which costs less than to make it again. */
  readonly lowered: ReadonlyMap<string, string>;
  /** The number of each name that the kernel reads, by its lower-case form. */
  readonly numbers: ReadonlyMap<string, number>;
  /** Counts parses: a record belongs to the parse that made it, until the next one. */
  generation: number;
}

/** How each build is started, in the order in which they are tried: returns its exports, or throws the reason why not. */
const starters: Record<KernelVariant, () => object> = {
  simd: () => instantiate(new WebAssembly.Module(decodeBase64(simd))),
  scalar: () => instantiate(new WebAssembly.Module(scalarModule())),
  javascript: javascriptKernel,
};

/** @internal */
export const kernelVariants = Object.keys(starters) as readonly KernelVariant[];

let current: Kernel | undefined;

/** Kernels of this package that were started; choosing one again does not restart it. */
const started = new Map<Kernel["variant"], Kernel>();

/** The running kernel; started on the first call, synchronously. @internal */
export function kernel(): Kernel {
  if (current !== undefined) return current;
  current = firstThatStarts();
  return current;
}

/**
 * Returns which build of the kernel runs: `simd`, `scalar`, `javascript`, or `module` for one given to `useKernel`.
 */
export function kernelVariant(): KernelVariant | "module" {
  return kernel().variant;
}

/**
 * Chooses the kernel for this process, from the next parse on. By default, `simd` runs if the engine supports it, `scalar`
 * if it has WebAssembly without SIMD, and `javascript` if WebAssembly cannot start.
 *
 * A host that cannot compile from bytes passes the compiled module of `headgate/kernel/simd.wasm` or
 * `headgate/kernel/scalar.wasm`. A host without WebAssembly that cannot load files synchronously, such as a page whose policy
 * lacks `'wasm-unsafe-eval'`, passes the function `javascript` of `headgate/kernel/javascript`.
 *
 * Throws `TypeError` if that build does not start, or if the value is not a headgate kernel.
 */
export function useKernel(choice: KernelVariant | object): void {
  const next = chosen(choice);
  // A record of one kernel is not in the memory of another.
  next.generation = Math.max(next.generation, current?.generation ?? 0) + 1;
  current = next;
}

function chosen(choice: KernelVariant | object): Kernel {
  if (typeof choice === "string" && !Object.hasOwn(starters, choice)) {
    throw new TypeError(`${choice} is not a kernel; the kernels are ${kernelVariants.join(", ")}`);
  }
  try {
    if (typeof choice === "string") return bundled(choice);
    if (typeof choice !== "function") return start("module", instantiate(choice));
    const given = start("javascript", choice());
    started.set("javascript", given);
    return given;
  } catch (cause) {
    throw new TypeError(`this kernel does not start here: ${(cause as Error).message}`, { cause });
  }
}

/** The first build that starts. A build may fail for lack of WebAssembly, SIMD, memory, or permission to compile. */
function firstThatStarts(): Kernel {
  const faults: string[] = [];
  for (const variant of kernelVariants) {
    // If the engine has SIMD, the scalar build would fail for the same reason, after another long search for memory.
    if (variant === "scalar" && hasSimd()) continue;
    try {
      return bundled(variant);
    } catch (fault) {
      faults.push(`${variant}: ${(fault as Error).message}`);
    }
  }
  throw new TypeError(
    `no kernel starts here; import { javascript } from "headgate/kernel/javascript" and call useKernel(javascript), ` +
      `or give useKernel the compiled headgate/kernel/scalar.wasm (${faults.join("; ")})`,
  );
}

function bundled(variant: KernelVariant): Kernel {
  const found = started.get(variant) ?? start(variant, starters[variant]());
  started.set(variant, found);
  return found;
}

function hasSimd(): boolean {
  return "WebAssembly" in globalThis && WebAssembly.validate(decodeBase64(simd));
}

function instantiate(module: WebAssembly.Module): object {
  return new WebAssembly.Instance(module, {}).exports;
}

function start(variant: Kernel["variant"], made: object): Kernel {
  const exports = made as KernelExports;
  if (exports?.memory?.buffer.byteLength !== Memory.PAGES * 65_536) {
    throw new TypeError("this is not a headgate kernel, or it is one of another version");
  }
  const { buffer } = exports.memory;
  const input = new Uint8Array(buffer, Memory.INPUT, Memory.INPUT_SIZE);
  const text = latin1(input);
  const spellings: string[] = new Array(FieldSpelling.ALL + 1).fill("");
  const enter = (spelling: string, code: number): void => {
    text.write(spelling, 0);
    exports.enterName(spelling.length, code);
    spellings[code] = spelling;
  };
  for (const [name, number] of fieldNames) {
    enter(name, number | FieldSpelling.COMMON);
    enter(name.toLowerCase(), number | FieldSpelling.LOWER_CASE);
  }
  return {
    variant,
    parseHead: exports.parseHead,
    parseTrailers: exports.parseTrailers,
    parseAuthority: exports.parseAuthority,
    input,
    text,
    words: new Int32Array(buffer, Memory.RECORD, Memory.RECORDS_SIZE >> 2),
    classes: new Uint8Array(buffer, Memory.CLASSES, 256),
    suspects: new Int32Array(buffer, Memory.SUSPECTS, NameEntry.LONGEST + 1),
    spellings,
    lowerCase: spellings.map((spelling) => spelling.toLowerCase()),
    lowered: new Map(spellings.map((spelling) => [spelling, spelling.toLowerCase()])),
    numbers: new Map(
      fieldNames.flatMap(([name, number]) => (number < FieldName.RECOGNISED ? [[name.toLowerCase(), number]] : [])),
    ),
    generation: 0,
  };
}
