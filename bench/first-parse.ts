// In:    B, and a process that has not loaded a parser yet.
// Out:   rows: from the beginning of a parser's import to its first result with every name and value.
// Never: counts Node's own start.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual, promisify } from "node:util";
import type { Absent } from "./contender.js";
import { nodeParserHidden, nodeParserVersion } from "./contenders/node-parser.js";
import { handshake } from "./inputs.js";
import { takeTurns } from "./measure.js";
import { type Row, rowsOf } from "./row.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

interface Program {
  readonly name: string;
  /** Finds `octets`, sets `fieldLines`; `require` is there. The clock runs. */
  readonly code: string;
}

const OURS = "headgate/parser";

/** As each package is to be used, in its shortest form. */
export const programs: readonly Program[] = [
  {
    name: OURS,
    code: `
      const { parseRequestHead } = await import("headgate/parser");
      fieldLines = parseRequestHead(octets).head.rawHeaders;`,
  },
  {
    name: "Node HTTPParser",
    code: `
      const { HTTPParser } = process.binding("http_parser");
      const parser = new HTTPParser();
      parser[HTTPParser.kOnHeadersComplete] = (major, minor, lines) => { fieldLines = lines; return 2; };
      parser.initialize(HTTPParser.REQUEST, {});
      parser.execute(octets);`,
  },
  {
    name: "http-parser-js",
    code: `
      const { HTTPParser } = await import("http-parser-js");
      const parser = new HTTPParser(HTTPParser.REQUEST);
      parser[HTTPParser.kOnHeadersComplete] = (info) => { fieldLines = info.headers; return 2; };
      parser.execute(octets);`,
  },
  {
    name: "undici llhttp",
    code: `
      const { TYPE } = require("undici/lib/llhttp/constants.js");
      const module = new WebAssembly.Module(require("undici/lib/llhttp/llhttp_simd-wasm.js"));
      let copy, start;
      const push = (parser, at, length) => { fieldLines.push(copy.latin1Slice(at - start, at - start + length)); return 0; };
      const none = () => 0;
      const llhttp = new WebAssembly.Instance(module, { env: {
        wasm_on_message_begin: none, wasm_on_url: none, wasm_on_status: none, wasm_on_header_field: push,
        wasm_on_header_value: push, wasm_on_headers_complete: () => 2, wasm_on_body: none, wasm_on_message_complete: none,
      } }).exports;
      const parser = llhttp.llhttp_alloc(TYPE.REQUEST);
      start = llhttp.malloc(octets.length);
      copy = Buffer.from(llhttp.memory.buffer, start, octets.length);
      copy.set(octets);
      llhttp.llhttp_execute(parser, start, octets.length);`,
  },
  {
    name: "Milo",
    code: `
      const { milo } = require("@perseveranza-pets/milo");
      const parser = milo.create();
      const start = milo.alloc(octets.length);
      const copy = Buffer.from(milo.memory.buffer, start, octets.length);
      const push = (_, at, length) => fieldLines.push(copy.latin1Slice(at, at + length));
      milo.setOnHeaderName(parser, push);
      milo.setOnHeaderValue(parser, push);
      copy.set(octets);
      milo.parse(parser, start, octets.length);`,
  },
];

/** One process; nanoseconds. Throws where its answer is wrong. */
async function timeOnce({ name, code }: Program): Promise<number> {
  const program = `
    import { createRequire } from "node:module";
    const require = createRequire(${JSON.stringify(`${root}package.json`)});
    const octets = Buffer.from(${JSON.stringify(handshake.buffers[0]!.toString("base64"))}, "base64");
    process.noDeprecation = true;
    let fieldLines = [];
    const begin = performance.now();
    ${code}
    const milliseconds = performance.now() - begin;
    console.log(JSON.stringify({ milliseconds, fieldLines }));`;
  const args = ["--input-type=module", "-e", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  const { milliseconds, fieldLines } = JSON.parse(stdout) as { milliseconds: number; fieldLines: string[] };
  if (!isDeepStrictEqual(fieldLines, handshake.expected[0]!.fieldLines)) {
    throw new Error(`${name}, first parse: the field lines are ${JSON.stringify(fieldLines)}`);
  }
  return milliseconds * 1e6;
}

/** `rounds` processes for each; the kernel is the one that headgate chooses by itself. */
export async function compareFirstParses(rounds: number): Promise<Row[]> {
  process.stderr.write(`first parse in a new process: ${handshake.id}\n`);
  const entrants = programs.map((program): { name: string; level: "L3"; timed: Program | Absent } => {
    const isHidden = program.name.startsWith("Node") && nodeParserVersion === undefined;
    return { name: program.name, level: "L3", timed: isHidden ? nodeParserHidden : program };
  });
  // A round before those: files are read from the disk once.
  const all = await takeTurns(entrants, { rounds, warmUp: 1 }, timeOnce);
  return rowsOf({ step: "first-parse", kernel: "simd", input: handshake.id, bases: { L3: OURS } }, all);
}
