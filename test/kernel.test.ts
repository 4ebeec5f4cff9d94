// In:    the kernel's builds as they ship.
// Out:   whether the boundary is as docs/abi.md has it: no imports, fixed memory, the same bytes from the same sources.
// Never: reads a record.

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { javascript } from "headgate/kernel/javascript";
import * as assert from "uvu/assert";
import { parseAuthority } from "#src/head/authority.js";
import { type KernelVariant, kernel, kernelVariant, useKernel } from "#src/head/kernel/instance.js";
import { latin1, portable } from "#src/head/kernel/latin1.js";
import { parseRequestHead } from "#src/head/parse.js";
import { HeadReader } from "#src/head/reader.js";
import { FieldLine, FieldSpelling, Head, Memory } from "../assembly/abi.js";
import { memoryHeld } from "./support/heap.js";
import { suite } from "./support/suite.js";

const modules = ["simd", "scalar"];
const test = suite("kernel");

/** What @types/node does not declare without a DOM. */
declare const WebAssembly: {
  Module: {
    new (octets: Uint8Array): object;
    imports(module: object): unknown[];
    exports(module: object): { name: string }[];
  };
  Instance: new (module: object, imports: object) => { exports: { memory: { buffer: ArrayBuffer } } };
};

const octetsOf = (module: string): Buffer => readFileSync(`dist/kernel/${module}.wasm`);

test("imports nothing and exports the functions of assembly/index.ts", () => {
  for (const module of modules) {
    const compiled = new WebAssembly.Module(octetsOf(module));
    assert.equal(WebAssembly.Module.imports(compiled), []);
    const names = WebAssembly.Module.exports(compiled).map(({ name }) => name);
    assert.equal(names.sort(), ["enterName", "memory", "parseAuthority", "parseHead", "parseTrailers"]);
  }
});

test("only the simd build uses vectors", () => {
  const text = (module: string): string =>
    execFileSync("node_modules/.bin/wasm-dis", [`dist/kernel/${module}.wasm`], {
      encoding: "utf8",
      maxBuffer: 1 << 25,
    });
  assert.match(text("simd"), "v128.load");
  assert.not.match(text("scalar"), "v128");
});

test("a compiled module can be given instead of the bundled bytes", () => {
  useKernel(new WebAssembly.Module(octetsOf("scalar")));
  assert.is(kernelVariant(), "module");
  assert.is(parseRequestHead(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).kind, "complete");
  useKernel("simd");
  assert.is(kernelVariant(), "simd");
  assert.throws(() => useKernel("neon" as KernelVariant), /neon is not a kernel/);
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  assert.throws(() => useKernel(new WebAssembly.Module(empty)), /not a headgate kernel/);
  assert.is(kernelVariant(), "simd");
});

test("the JavaScript build exports the same functions, and starts with the same memory", () => {
  const made = javascript() as { memory: { buffer: ArrayBuffer } };
  assert.equal(Object.keys(made).sort(), ["enterName", "memory", "parseAuthority", "parseHead", "parseTrailers"]);
  const { memory } = new WebAssembly.Instance(new WebAssembly.Module(octetsOf("scalar")), {}).exports;
  assert.is(Buffer.compare(Buffer.from(made.memory.buffer), Buffer.from(memory.buffer)), 0);
});

test("the JavaScript build can be chosen, and given", () => {
  for (const choice of ["javascript", javascript] as const) {
    useKernel(choice);
    assert.is(kernelVariant(), "javascript");
    assert.is(parseRequestHead(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).kind, "complete");
    useKernel("simd");
    assert.is(kernelVariant(), "simd");
  }
  for (const other of [() => undefined, () => ({})]) assert.throws(() => useKernel(other), /not a headgate kernel/);
  assert.is(kernelVariant(), "simd");
});

test("memory stays as it is over a million heads", () => {
  const whole = Buffer.from("GET /a HTTP/1.1\r\nHost: example.com:8080\r\nAccept: */*\r\n\r\n");
  const bad = Buffer.from("GET /a HTTP/1.1\r\nHost : a\r\n\r\n");
  const { buffer } = kernel().input;
  const size = buffer.byteLength;
  const reader = new HeadReader();
  const HEADS = 1_000_000;
  const run = (heads: number): void => {
    for (let i = 0; i < heads; i += 4) {
      const result = parseRequestHead(whole);
      if (result.kind === "complete") void [result.head.authority, result.head.headers];
      parseRequestHead(bad);
      reader.read(whole.subarray(0, 20));
      reader.read(whole.subarray(20));
      parseAuthority("[::1]:8080");
    }
  };
  run(100_000);
  const before = memoryHeld();
  run(HEADS);
  const after = memoryHeld();
  assert.is(kernel().input.buffer, buffer);
  assert.is(buffer.byteLength, size);
  assert.ok(after.arrayBuffers - before.arrayBuffers < 1 << 20, "array buffers grew");
  assert.ok(after.rss - before.rss < 100 << 20, "resident memory grew");
  // Whatever one of the four ways of reading kept would be an object of at least three words.
  assert.ok(after.heapUsed - before.heapUsed < HEADS, `the heap grew from ${before.heapUsed} to ${after.heapUsed}`);
});

test("every common spelling of a name is found by the table", () => {
  useKernel("simd");
  const { spellings, words } = kernel();
  const known = [...spellings.entries()].filter(([, spelling]) => spelling !== "");
  assert.ok(known.length > 90, `${known.length} spellings`);
  for (const [code, spelling] of known) {
    // A value that suits each name of those that the kernel reads.
    const value = /^content-length$/i.test(spelling) ? "1" : /^transfer-/i.test(spelling) ? "chunked" : "keep-alive";
    const octets = Buffer.from(`GET / HTTP/1.1\r\n${spelling}: ${value}\r\n\r\n`);
    assert.is(parseRequestHead(octets, { host: "optional" }).kind, "complete", spelling);
    assert.is(words[(Head.SIZE + FieldLine.NAME) >> 2]! & FieldSpelling.ALL, code, spelling);
  }
});

test("what the compiler puts into memory lies below the tables", () => {
  for (const module of modules) {
    const text = execFileSync("node_modules/.bin/wasm-dis", [`dist/kernel/${module}.wasm`], { encoding: "utf8" });
    const segments = [...text.matchAll(/\(data \$\S+ \(i32\.const (\d+)\) "((?:[^"\\]|\\.)*)"\)/g)];
    assert.ok(segments.length > 0);
    for (const [, start, octets] of segments) {
      const length = octets!.replace(/\\(?:[0-9a-f]{2}|.)/g, "x").length;
      assert.ok(Number(start) + length <= Memory.CLASSES, `${module}: ${start}`);
    }
  }
});

test("two builds give the same bytes", () => {
  const folder = mkdtempSync(join(tmpdir(), "headgate-"));
  try {
    for (const name of ["assembly", "asconfig.json", "package.json", "src"])
      cpSync(name, join(folder, name), { recursive: true });
    symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
    execFileSync(process.execPath, ["assembly/build.mjs"], { cwd: folder });
    const hash = (octets: Buffer): string => createHash("sha256").update(octets).digest("hex");
    for (const name of ["simd.wasm", "scalar.wasm", "javascript.js", "javascript.d.ts"]) {
      const path = `dist/kernel/${name}`;
      assert.is(hash(readFileSync(join(folder, path))), hash(readFileSync(path)), name);
    }
    assert.is(
      readFileSync(join(folder, "src/head/kernel/simd.ts"), "utf8"),
      readFileSync("src/head/kernel/simd.ts", "utf8"),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const checksums = (folder: string, ...options: string[]): { status: number | null; stderr: string } =>
  spawnSync(process.execPath, ["assembly/checksums.mjs", ...options], { cwd: folder, encoding: "utf8" });

test("the builds have the bytes that were committed", () => {
  const { status, stderr } = checksums(".");
  assert.is(stderr, "");
  assert.is(status, 0);
});

test("a build of other bytes is refused until its checksum is updated", () => {
  const folder = mkdtempSync(join(tmpdir(), "headgate-"));
  try {
    for (const name of ["assembly", "dist/kernel"]) cpSync(name, join(folder, name), { recursive: true });
    const path = join(folder, "dist/kernel/scalar.wasm");
    const octets = readFileSync(path);
    octets[octets.length - 1]! ^= 1;
    writeFileSync(path, octets);
    const refused = checksums(folder);
    assert.is(refused.status, 1);
    assert.match(refused.stderr, "kernel.sha256: dist/kernel/scalar.wasm\n");
    assert.match(refused.stderr, "node assembly/checksums.mjs --update");
    assert.is(checksums(folder, "--update").status, 0);
    assert.is(checksums(folder).status, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the compilers are pinned to releases, and each is installed once", () => {
  const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
    devDependencies: Record<string, string>;
  };
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, { version: string }>;
  };
  for (const name of ["assemblyscript", "binaryen"]) {
    const version = devDependencies[name]!;
    assert.match(version, /^\d+\.\d+\.\d+$/);
    const locked = Object.entries(packages).filter(([path]) => path.endsWith(`node_modules/${name}`));
    assert.equal(
      locked.map(([path, entry]) => [path, entry.version]),
      [[`node_modules/${name}`, version]],
    );
  }
});

test("text is the same with and without a Buffer", () => {
  const octets = Uint8Array.from({ length: 10_000 }, (_, i) => i & 255);
  const [viaBuffer, viaCharCodes] = [latin1(octets), portable(octets)];
  assert.is(viaCharCodes.read(3, 9999), viaBuffer.read(3, 9999));
  const text = viaBuffer.read(0, 300);
  viaCharCodes.write(text, 1000);
  assert.is(viaBuffer.read(1000, 1300), text);
});
