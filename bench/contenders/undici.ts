// In:    the inputs.
// Out:   undici's llhttp, C compiled to WebAssembly, reading requests.
// Never: takes a head in pieces; undici's own client does, this contender has no need.

import { createRequire } from "node:module";
import { type Contender, Sink } from "../contender.js";
import type { Octets } from "../inputs.js";

interface Llhttp {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(size: number): number;
  llhttp_alloc(type: number): number;
  llhttp_execute(parser: number, at: number, length: number): number;
  llhttp_reset(parser: number): void;
  llhttp_get_method(parser: number): number;
  llhttp_get_http_major(parser: number): number;
  llhttp_get_http_minor(parser: number): number;
  llhttp_get_error_reason(parser: number): number;
}
interface Constants {
  readonly TYPE: { readonly REQUEST: number };
  readonly ERROR: { readonly OK: number; readonly PAUSED_UPGRADE: number };
  readonly METHODS: Readonly<Record<string, number>>;
}
type Imports = Record<string, (parser: number, first: number, second: number, third: number) => number>;
/** Of the global, which the Node types leave to those of the DOM. */
declare const WebAssembly: {
  Module: new (octets: Uint8Array) => object;
  Instance: new (module: object, imports: { env: Imports }) => { readonly exports: object };
};

const require = createRequire(import.meta.url);
// undici exports neither; lib/dispatcher/client-h1.js requires them so.
const constants = require("undici/lib/llhttp/constants.js") as Constants;
const octetsOfModule = require("undici/lib/llhttp/llhttp_simd-wasm.js") as Uint8Array;

export const undiciVersion = (require("undici/package.json") as { version: string }).version;

const methods: string[] = [];
for (const [name, number] of Object.entries(constants.METHODS)) methods[number] = name;

/** How spans of octets become strings: each by itself, or sliced from one string of the whole buffer. */
type Strings = "by span" | "by slice";

/** One llhttp parser with its callbacks, wired as client-h1.js wires them, but for requests. */
export class UndiciSession {
  readonly #llhttp: Llhttp;
  readonly #parser: number;
  readonly #sink: Sink;
  readonly #strings: Strings;
  readonly #at: number;
  readonly #octets: Octets;
  #text = "";
  #requestTarget = "";
  #fieldLines: string[] = [];

  constructor(sink: Sink, size: number, strings: Strings) {
    this.#sink = sink;
    this.#strings = strings;
    this.#llhttp = new WebAssembly.Instance(new WebAssembly.Module(octetsOfModule), { env: this.#callbacks() })
      .exports as Llhttp;
    this.#parser = this.#llhttp.llhttp_alloc(constants.TYPE.REQUEST);
    this.#at = this.#llhttp.malloc(size);
    this.#octets = Buffer.from(this.#llhttp.memory.buffer, this.#at, size) as Octets;
  }

  #callbacks(): Imports {
    const push = (_parser: number, at: number, length: number) => {
      this.#fieldLines.push(this.#string(at, length));
      return 0;
    };
    return {
      wasm_on_message_begin: () => 0,
      wasm_on_url: (_parser, at, length) => {
        this.#requestTarget = this.#string(at, length);
        return 0;
      },
      wasm_on_status: () => 0,
      wasm_on_header_field: push,
      wasm_on_header_value: push,
      wasm_on_headers_complete: (parser, _statusCode, upgrade) => {
        const llhttp = this.#llhttp;
        const version = llhttp.llhttp_get_http_major(parser) * 10 + llhttp.llhttp_get_http_minor(parser);
        const method = methods[llhttp.llhttp_get_method(parser)]!;
        const fieldLines = this.#fieldLines;
        this.#fieldLines = [];
        this.#sink.strings(fieldLines, method, this.#requestTarget, version, fieldLines);
        return upgrade === 1 ? 2 : 0;
      },
      wasm_on_body: () => 0,
      wasm_on_message_complete: () => 0,
    };
  }

  #string(at: number, length: number): string {
    const start = at - this.#at;
    return this.#strings === "by slice"
      ? this.#text.slice(start, start + length)
      : this.#octets.latin1Slice(start, start + length);
  }

  /** Null, or why the octets are malformed. */
  execute(octets: Octets): Error | null {
    const llhttp = this.#llhttp;
    this.#octets.set(octets);
    if (this.#strings === "by slice") this.#text = octets.latin1Slice(0, octets.length);
    const status = llhttp.llhttp_execute(this.#parser, this.#at, octets.length);
    if (status === constants.ERROR.OK) return null;
    this.#fieldLines = [];
    if (status === constants.ERROR.PAUSED_UPGRADE) {
      llhttp.llhttp_reset(this.#parser);
      return null;
    }
    const at = llhttp.llhttp_get_error_reason(this.#parser);
    const reason = Buffer.from(llhttp.memory.buffer, at) as Octets;
    const error = new Error(reason.latin1Slice(0, reason.indexOf(0)));
    llhttp.llhttp_reset(this.#parser);
    return error;
  }
}

function contender(name: string, strings: Strings): Contender {
  return {
    name,
    level: "L3",
    prepare({ buffers }) {
      const sink = new Sink();
      const session = new UndiciSession(sink, Math.max(...buffers.map((octets) => octets.length)), strings);
      const mask = buffers.length - 1;
      return {
        sink,
        run(times) {
          for (let i = 0; i < times; i++) session.execute(buffers[i & mask]!);
        },
      };
    },
  };
}

export const undici: readonly Contender[] = [
  contender("undici llhttp", "by span"),
  // Not what undici does: the same octets, with the trick by which headgate makes its strings.
  contender("undici llhttp, sliced strings", "by slice"),
];
