// In:    processes in which WebAssembly cannot start, each for another reason.
// Out:   whether another build takes over with the first parse, silently, and reads what the SIMD build reads.
// Never: compares it on many heads; test/head.test.ts and test/fuzz.test.ts do.

import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import * as assert from "uvu/assert";
import { useKernel } from "#src/head/kernel/instance.js";
import { parseRequestHead } from "#src/head/parse.js";
import { HeadReader } from "#src/head/reader.js";
import { answerOf } from "./support/answer.js";
import { readCorpus } from "./support/corpus.js";
import { suite } from "./support/suite.js";

const test = suite("the JavaScript kernel in processes without WebAssembly");

const handshake =
  "GET /chat?room=1 HTTP/1.1\r\nHost: [2001:DB8::1]:8080\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\n\r\n";

/** Complete heads, of which some are refused. */
const heads = [
  handshake,
  ...readCorpus()
    .filter(({ octets }) => octets.length < 1000)
    .map(({ octets }) => Buffer.from(octets).toString("latin1")),
];

/** What a parser makes of each head, at once and octet by octet. The child runs this very text. */
function answers(parser: { HeadReader: typeof HeadReader; parseRequestHead: typeof parseRequestHead }): unknown[] {
  return heads.map((text) => {
    const octets = Buffer.from(text, "latin1");
    const reader = new parser.HeadReader();
    const pieces = [];
    for (const octet of octets) {
      const result = reader.read(Uint8Array.of(octet));
      pieces.push(answerOf(result));
      if (result.kind !== "partial") break;
    }
    return [answerOf(parser.parseRequestHead(octets)), pieces];
  });
}

const program = `
import { answerOf } from "./dist/test/support/answer.js";
let memory = "starts";
try {
  new WebAssembly.Memory({ initial: 6, maximum: 6 });
} catch (error) {
  memory = error.name;
}
const parser = await import("./dist/src/parser.js");
const heads = ${JSON.stringify(heads)};
const given = (${answers})(parser);
console.log(JSON.stringify({ memory, variant: parser.kernelVariant(), given }));
`;

interface Said {
  /** Whether WebAssembly gets its memory, or the name of the error. */
  memory: string;
  variant: string;
  given: unknown[];
}

function run(command: readonly string[], source: string): { stdout: string; stderr: string } {
  const [name, ...args] = command;
  const { stdout, stderr, status } = spawnSync(name!, [...args, "--input-type=module", "-e", source], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`${command.join(" ")}: ${status}\n${stderr}`);
  return { stdout, stderr };
}

/** What a process that was started so reports; its stderr may contain only what Node prints without headgate. */
function said(command: readonly string[], before = ""): Said {
  const { stdout, stderr } = run(command, before + program);
  assert.is(stderr, run(command, "").stderr);
  return JSON.parse(stdout) as Said;
}

function assertSame({ given }: Said): void {
  useKernel("simd");
  assert.equal(given, answers({ HeadReader, parseRequestHead }));
}

test("where there is no WebAssembly", () => {
  const child = said([process.execPath, "--jitless"]);
  assert.is(child.memory, "ReferenceError");
  assert.is(child.variant, "javascript");
  assertSame(child);
});

const limit = "ulimit -v 4000000";
const noLimit = spawnSync("sh", ["-c", limit]).status === 0 ? null : `${limit} fails here`;
test.needing(noLimit, "where the address space has no room for its memory", () => {
  const child = said(["sh", "-c", `${limit} && exec "$0" "$@"`, process.execPath]);
  // Newer versions of Node reserve less, and start.
  assert.is(child.variant, child.memory === "starts" ? "simd" : "javascript");
  assertSame(child);
});

test("where compiling is forbidden", () => {
  const forbid = `WebAssembly.Module = class { constructor() { throw new WebAssembly.CompileError("forbidden"); } };`;
  const child = said([process.execPath], forbid);
  assert.is(child.memory, "starts");
  assert.is(child.variant, "javascript");
  assertSame(child);
});

test("a kernel that does not start is refused, with the reason", () => {
  const choose = `
import { kernelVariant, useKernel } from "./dist/src/parser.js";
for (const name of ["simd", "scalar", "javascript"]) {
  try {
    useKernel(name);
    console.log(kernelVariant());
  } catch (error) {
    console.log(String(error));
  }
}`;
  const refused = "TypeError: this kernel does not start here: WebAssembly is not defined";
  const { stdout } = run([process.execPath, "--jitless"], choose);
  assert.equal(stdout.trim().split("\n"), [refused, refused, "javascript"]);
});

test("an engine without SIMD has the scalar build", () => {
  // As such an engine: a module with vectors is not valid, and does not compile.
  const scalarOnly = `
const { Module, validate } = WebAssembly;
const hasVectors = (octets) => octets.length > ${statSync("dist/kernel/scalar.wasm").size};
WebAssembly.validate = (octets) => !hasVectors(octets) && validate(octets);
WebAssembly.Module = class extends Module {
  constructor(octets) {
    if (hasVectors(octets)) throw new WebAssembly.CompileError("no vectors");
    super(octets);
  }
};`;
  const child = said([process.execPath], scalarOnly);
  assert.is(child.variant, "scalar");
  assertSame(child);
});

test("an ordinary process has the SIMD build", () => {
  const child = said([process.execPath]);
  assert.is(child.variant, "simd");
  assertSame(child);
});
