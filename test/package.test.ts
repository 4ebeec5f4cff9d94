// In:    the packed tarball, in an empty project beside ws, TypeScript and Node's types.
// Out:   whether every entry loads by import and by require, under strict TypeScript, and what it brings along.
// Never: reaches a registry.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Analysis, checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import * as assert from "uvu/assert";
import { sizes } from "../bench/sizes.js";
import { installPacked, type Packed, runIn } from "./support/packed.js";
import { suite } from "./support/suite.js";

const test = suite("package");
let folder: string;
let packed: Packed;

const run = (command: string, args: string[], cwd = folder): string => runIn(cwd, command, args);
const node = (program: string, ...flags: string[]): string =>
  run(process.execPath, [...flags, "--input-type=module", "-e", program]);

test.before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "headgate-package-")));
  packed = installPacked(folder);
});
test.after(() => rmSync(folder, { recursive: true }));

test("holds what runs, its types, sources and documents, and no tests", () => {
  for (const path of [
    "dist/lib/index.js",
    "dist/lib/chunk-parser.js.map",
    "src/gate.ts",
    "dist/src/index.d.ts",
    "dist/kernel/simd.wasm",
    "dist/kernel/javascript.js",
    "dist/kernel/javascript.d.ts",
    "README.md",
    "LICENSE",
    "docs/policy.md",
    "policy.schema.json",
    "explain.schema.json",
    "doctor.schema.json",
    "dist/lib/cli.js",
    "SECURITY.md",
    "examples/README.md",
    "examples/guard.ts",
    "examples/haproxy/haproxy.cfg",
  ]) {
    assert.ok(packed.files.includes(path), path);
  }
  const others = packed.files.filter(
    (path) =>
      !/^(?:dist\/lib\/(?:chunk-)?[\w-]+\.js(?:\.map)?|dist\/src\/.*\.d\.ts|src\/.*\.ts|assembly\/abi\.ts|dist\/kernel\/(?:\w+\.wasm|javascript\.(?:js|d\.ts))|http-parser-js\/(?:index\.cjs|package\.json)|docs\/(?!api\/).*\.md|examples\/.*\.(?:ts|mjs|md|cfg|conf|service|socket|yaml)|[A-Z]+(?:\.md)?|package\.json|(?:policy|explain|doctor)\.schema\.json)$/.test(
        path,
      ),
  );
  assert.equal(others, []);
});

test("import and require give the same", () => {
  const output = node(`
    import { createRequire } from "node:module";
    const require = createRequire(import.meta.url);
    for (const entry of ["headgate", "headgate/parser", "headgate/policy", "headgate/ws", "headgate/intake", "headgate/testing", "headgate/message", "headgate/http-parser", "headgate/http-parser/node", "headgate/kernel/javascript"]) {
      const imported = await import(entry);
      const required = require(entry);
      for (const name of Object.keys(imported)) if (imported[name] !== required[name]) throw new Error(entry + " " + name);
      console.log(entry, Object.keys(imported).sort().join(" "));
    }`);
  const names = new Map(
    output
      .trim()
      .split("\n")
      .map((line) => [line.split(" ")[0], line.split(" ").slice(1)]),
  );
  assert.ok(
    ["createGate", "decide", "explain", "parseRequestHead", "NO_LISTEN_SERVER"].every((name) =>
      names.get("headgate")!.includes(name),
    ),
  );
  assert.equal(names.get("headgate/parser"), [
    "Authority",
    "HeadFault",
    "HeadReader",
    "RequestHead",
    "kernelVariant",
    "parseAuthority",
    "parseRequestHead",
    "parseRequestHeads",
    "useKernel",
  ]);
  assert.equal(names.get("headgate/policy"), [
    "HeadFault",
    "NO_LISTEN",
    "NO_LISTEN_SERVER",
    "arrivalOf",
    "decide",
    "definePolicy",
    "explain",
    "explanation",
    "headOf",
    "localhost",
    "refusalResponse",
  ]);
  assert.equal(names.get("headgate/intake"), [
    "UNREAD",
    "inetdConnection",
    "receiveSockets",
    "sendSocket",
    "stopAccepting",
    "systemdConnection",
    "systemdDescriptors",
    "systemdListeners",
    "toProcess",
  ]);
  assert.equal(names.get("headgate/message"), [
    "BodyFault",
    "HeadFault",
    "RequestHead",
    "RequestReader",
    "ResponseHead",
    "ResponseReader",
    "parseResponseHead",
  ]);
  assert.equal(names.get("headgate/http-parser"), ["HTTPParser", "methods"]);
  assert.equal(names.get("headgate/http-parser/node"), ["SeatUnavailable", "install", "useIn", "whyUnavailable"]);
  assert.equal(names.get("headgate/testing"), [
    "ContractBreach",
    "framerContract",
    "framerRoads",
    "wayInContract",
    "wayInGate",
  ]);
  assert.equal(names.get("headgate/ws"), ["UpgradeRequest", "wsFramer"]);
  assert.equal(names.get("headgate/kernel/javascript"), ["javascript"]);
});

test("a stack trace shows lines of the sources in the package, and names of functions without source maps", () => {
  const program = `
    import { createGate } from "headgate";
    try { createGate({ vhosts: 1 }); } catch ({ stack }) { console.log(stack); }`;
  const source =
    /at \S*definePolicy \((?:file:\/\/)?\S*node_modules\/headgate\/src\/policy\/policy-rules\.ts:(\d+):\d+\)/;
  const line = Number(source.exec(node(program, "--enable-source-maps"))?.[1]);
  const sources = readFileSync(join(folder, "node_modules/headgate/src/policy/policy-rules.ts"), "utf8").split("\n");
  const begins = sources.findIndex((text) => text.startsWith("export function definePolicy"));
  const ends = sources.indexOf("}", begins);
  assert.ok(line > begins && line <= ends + 1, `line ${line}, not of ${begins} to ${ends}`);
  assert.match(node(program), /at \S*definePolicy \(\S*node_modules\/headgate\/dist\/lib\/chunk-policy\.js:\d+:\d+\)/);
});

test("an error that nothing catches is not buried in code: Node prints its whole line", () => {
  const lib = join(folder, "node_modules/headgate/dist/lib");
  for (const name of readdirSync(lib).filter((name) => name.endsWith(".js"))) {
    const lines = readFileSync(join(lib, name), "utf8").split("\n");
    for (const line of lines) assert.ok(line.length < 1000, `${name}: ${line}`);
  }
  const program = 'import { createGate } from "headgate"; createGate({ vhost: [] });';
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: folder,
    encoding: "utf8",
  });
  assert.match(stderr, /^TypeError: vhost is not a setting of a gate/m);
  assert.ok(stderr.length < 3000, stderr);
});

/** Not for TypeScript. */
const noWasm = { excludeEntrypoints: [/\.wasm$/] };

test("publint and are-the-types-wrong find nothing", async () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Record<string, unknown>;
  const { messages } = await publint({ pkgDir: join(folder, "node_modules/headgate"), strict: true });
  assert.equal(
    messages.map((message) => formatMessage(message, manifest)),
    [],
  );
  const { problems } = (await checkPackage(
    createPackageFromTarballData(readFileSync(packed.tarball)),
    noWasm,
  )) as Analysis;
  // TypeScript's node10 resolution knows no \`exports\`, and node16 without require(esm) reports that the package is ESM alone.
  const isKnown = ({ kind, resolutionKind }: { kind: string; resolutionKind?: string }): boolean =>
    resolutionKind === "node10" || kind === "CJSResolvesToESM";
  assert.equal(
    problems.filter((problem) => !isKnown(problem as { kind: string })),
    [],
  );
});

test("a bundle has what it names, and little else", async () => {
  const bundled = async (names: string, entry: string): Promise<number> => {
    const contents = `import { ${names} } from "${entry}"; console.log(${names});`;
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: folder },
      bundle: true,
      minify: true,
      format: "esm",
      platform: "node",
      external: ["ws"],
      write: false,
    });
    return outputFiles[0]!.contents.length;
  };
  const whole = await bundled("createGate", "headgate");
  const some = {
    LEAVE: await bundled("LEAVE", "headgate"),
    parseAuthority: await bundled("parseAuthority", "headgate/parser"),
    definePolicy: await bundled("definePolicy", "headgate/policy"),
  };
  console.log(`NOTE bundled: createGate ${whole}, ${JSON.stringify(some)} octets`);
  assert.ok(some.LEAVE < 0.15 * whole, `LEAVE ${some.LEAVE}`);
  assert.ok(some.parseAuthority < 0.25 * whole, `parseAuthority ${some.parseAuthority}`);
  assert.ok(some.definePolicy < 0.6 * whole, `definePolicy ${some.definePolicy}`);
});

test("headgate/parser and headgate/policy load nothing of node: or ws, and run without them", () => {
  const program = `
    import { register } from "node:module";
    register("data:text/javascript," + encodeURIComponent(\`
      export async function resolve(specifier, context, next) {
        if (specifier.startsWith("node:") || specifier === "ws") throw new Error("loads " + specifier);
        return next(specifier, context);
      }\`));
    for (const name of ["Buffer", "process"]) delete globalThis[name];
    // Node's own needs Buffer.
    globalThis.Response = class { constructor(body, init) { Object.assign(this, init, { body }); } };
    const { parseRequestHead } = await import("headgate/parser");
    const { arrivalOf, decide, definePolicy, explain, headOf, refusalResponse } = await import("headgate/policy");
    const { RequestReader } = await import("headgate/message");
    const { HTTPParser } = await import("headgate/http-parser");
    const octets = new TextEncoder().encode("GET /x HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n");
    const reader = new RequestReader();
    reader.receive(octets);
    if (reader.next().kind !== "head") throw new Error("no head");
    if (new HTTPParser("REQUEST").execute(octets) !== octets.length) throw new Error("no message");
    const { head } = parseRequestHead(octets);
    const policy = definePolicy({ vhosts: [{ name: "b" }] });
    const given = headOf({ method: "GET", url: "http://a/x", headers: new Map([["host", "a"]]) });
    const response = refusalResponse(decide(policy, given.head, arrivalOf(policy)));
    if (response.status !== 421 || String.fromCharCode(...response.body) !== "Misdirected Request (NAME_UNKNOWN)\\n") throw new Error("no refusal");
    console.log(head.path, explain(decide(definePolicy({ vhosts: [{ name: "a", port: 80 }] }), head, { scheme: "http" })));`;
  assert.match(node(program), /^\/x GET \/x accepted \(a; /);
});

/** Strict as it can be, with what @types/node gives and no more. */
function checkTypes(names: readonly string[], ...flags: string[]): void {
  const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--skipLibCheck", "false"];
  const common = ["--noEmit", "--target", "es2023", "--types", "node"];
  run("node_modules/typescript/bin/tsc", [...common, ...strict, ...flags, ...names]);
}

test("strict TypeScript is content, whatever resolves its modules, with and without the DOM", () => {
  writeFileSync(
    join(folder, "use.ts"),
    `import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { createGate, type Decision, explain, type Framer, type GateOptions, type Handover, localhost, NO_LISTEN_SERVER } from "headgate";
import { fork } from "node:child_process";
import cluster from "node:cluster";
import { receiveSockets, sendSocket, toProcess, UNREAD } from "headgate/intake";
import { install, type ParseError, type Seat, useIn, whyUnavailable } from "headgate/http-parser/node";
import { javascript } from "headgate/kernel/javascript";
import { type HeadResult, HeadReader, type KernelVariant, kernelVariant, parseAuthority, parseRequestHead, useKernel } from "headgate/parser";
import { type Arrival, arrivalOf, decide, definePolicy, headOf, refusalResponse, type Vhost } from "headgate/policy";
import { type MessageFault, type RequestEvent, RequestReader, ResponseReader } from "headgate/message";
import { HTTPParser, type HeadersInfo } from "headgate/http-parser";
import { wsFramer, type WebSocketServerLike } from "headgate/ws";
import { type ContractCase, framerContract, type FramerRoad } from "headgate/testing";

declare const server: WebSocketServerLike;
const framer: Framer = wsFramer(server);
const road: FramerRoad = { name: "own", version: "HTTP/2", open: async (gate) => ({ connect: async () => { throw gate; }, close: async () => {} }) };
const cases: ContractCase[] = framerContract({ framer: () => framer, roads: [road], patience: 100 });
console.log(cases.map(({ name }) => name));
const vhosts: Vhost<Framer>[] = [{ name: "a.example", port: NO_LISTEN_SERVER, upgrades: { "/live": framer } }];
const gate = createGate({ vhosts: [...vhosts, { name: "b", port: [1, 2], upgrades: { "*": ({ socket }: Handover) => { socket.end(); } } }] });
gate.on("refused", (decision) => console.log(decision.code, decision.vhost?.name, explain(decision)));
gate.on("malformed", ({ fault, arrival }) => console.log(fault.code, fault.offset, arrival.scheme));
const own = definePolicy({ vhosts: [{ name: "a" }] });
createHttpServer((request) => console.log(headOf(request).kind, arrivalOf(own, request.socket).remoteAddress));
const answer = (request: Request): Response | null => {
  const result = headOf(request);
  if (result.kind === "malformed") return refusalResponse(result.fault, { expose: true });
  const arrival: Arrival = arrivalOf(own, { remoteAddress: "::1", scheme: "https" });
  const decision = decide(own, result.head, arrival);
  return decision.kind === "refused" ? refusalResponse(decision) : null;
};
const seat: Seat | null = whyUnavailable() === null ? useIn(createHttpServer().on("clientError", (error: ParseError) => console.log(error.cause?.code))) : null;
seat?.release();
install().release();
createServer({ pauseOnConnect: true }, async (socket) => {
  const end = await gate.narrow(["b"]).adopt(socket, { rest: new Uint8Array(0), arrival: { scheme: "https" } }).ended;
  if (end.kind === "abandoned") console.log(end.code, end.stage);
});
const child = fork("child.js");
const onwards: Framer[] = [toProcess(child), toProcess(({ decision }) => cluster.workers![decision.vhost?.name ?? ""]!)];
createServer(UNREAD, (socket) => sendSocket(child, socket, { arrival: { scheme: "https" } }).catch(() => gate.adopt(socket).ended));
for await (const { socket, rest, arrival } of receiveSockets(process)) console.log(onwards, gate.adopt(socket, { rest, arrival }).ended);
useKernel(javascript);
declare const unset: undefined;
const unsetVhost: Vhost<Framer> = { name: "a", port: unset, default: unset, requires: unset, origins: unset, embedding: unset, navigation: unset, callbacks: unset, upgrades: unset, absentHost: unset };
const unsetGate: GateOptions = { $schema: unset, scheme: unset, vhosts: [unsetVhost], trust: unset, mode: unset, framers: unset, requests: unset, tls: unset, fallback: unset, authorize: unset, limits: { headBytes: unset }, http2: unset, expose: unset };
createGate(unsetGate).drain({ signal: unset, closeCode: unset, spread: unset });
createGate({ vhosts: localhost({ origins: unset }), limits: unset, trust: { from: ["::1"], forwarded: "rfc7239", proxyProtocol: unset } });
gate.guard(createHttpServer(), { vhosts: unset, mode: unset });
gate.adopt(process.stdin, { rest: unset, arrival: { scheme: unset, remoteAddress: unset } });
new RequestReader({ host: unset, limits: { overheadBytes: unset } });
parseRequestHead(new Uint8Array(1), { host: unset, limits: { headBytes: unset } });
toProcess(child, { limits: { tries: unset } });
const variant: KernelVariant | "module" = kernelVariant();
const result: HeadResult = parseRequestHead(new Uint8Array(1), { host: "optional", limits: { headBytes: 100 } });
if (result.kind === "complete") {
  const decision: Decision = decide(definePolicy({ vhosts }), result.head, { scheme: "http" });
  const port: number | null = result.head.authority?.port ?? null;
  console.log(decision.kind, port, result.consumed);
}
const event: RequestEvent = new RequestReader({ host: "unchecked", limits: { overheadBytes: 0 } }).next();
if (event.kind === "malformed") { const fault: MessageFault = event.fault; console.log(fault.code, new ResponseReader().idle); }
const parser = new HTTPParser(HTTPParser.REQUEST);
parser[HTTPParser.kOnHeadersComplete] = (info: HeadersInfo) => (info.upgrade ? 2 : undefined);
parser.onBody = (octets, start, length) => console.log(octets.subarray(start, start + length), parser.execute(octets));
const again: HeadResult = new HeadReader().read(new Uint8Array(2));
const authority = parseAuthority("a:1");
console.log(variant, again.kind, authority.kind === "complete" ? authority.authority.effectivePort("https") : authority.fault.source);
`,
  );
  // A CommonJS file sees it too, where TypeScript knows that Node's require() takes ES modules.
  writeFileSync(
    join(folder, "use.cts"),
    'import { createGate, localhost } from "headgate";\nimport parser = require("headgate/parser");\n' +
      'console.log(createGate({ vhosts: localhost() }).counts, parser.parseAuthority("a:1").kind);\n',
  );
  checkTypes(["use.ts"], "--module", "node16", "--lib", "es2023");
  checkTypes(["use.ts", "use.cts"], "--module", "nodenext", "--lib", "es2023,dom");
  checkTypes(["use.ts"], "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2023");
  const text = readdirSync(join(folder, "node_modules/headgate/dist/src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".d.ts"))
    .map((name) => readFileSync(join(folder, "node_modules/headgate/dist/src", name), "utf8"))
    .join("\n");
  assert.not.match(text, /assembly\/abi/, "the kernel's enums are in a public type");
});

/** What the text around a snippet speaks of. */
const SURROUNDINGS = `
declare const createGate: typeof import("headgate").createGate;
declare const explain: typeof import("headgate").explain;
declare const localhost: typeof import("headgate").localhost;
declare const LEAVE: typeof import("headgate").LEAVE;
declare const NO_LISTEN_SERVER: typeof import("headgate").NO_LISTEN_SERVER;
declare const socket: import("node:net").Socket;
declare const parseRequestHead: typeof import("headgate/parser").parseRequestHead;
declare const wsFramer: typeof import("headgate/ws").wsFramer;
declare const server: import("node:http").Server;
declare const wss: import("ws").WebSocketServer;
declare const vhosts: import("headgate").Vhost<import("headgate").Framer>[];
declare const head: import("headgate").RequestHead;
declare const claim: unique symbol;
declare const octets: Uint8Array;
declare const text: string;
declare const key: string, cert: string, newKey: string, newCert: string;
declare const ssh: { take(socket: import("node:stream").Duplex, rest: Uint8Array): void };
declare const sessions: { find(cookie: string | undefined, options: { signal: AbortSignal }): Promise<object | undefined> };
`;

test("every snippet of the documents can be pasted", () => {
  writeFileSync(join(folder, "surroundings.d.ts"), SURROUNDINGS);
  const snippets: string[] = [];
  for (const document of packed.files.filter((path) => path.endsWith(".md"))) {
    const text = readFileSync(join(folder, "node_modules/headgate", document), "utf8");
    for (const [, body] of text.matchAll(/^```(?:ts|js)\n(.*?)^```$/gms)) {
      const name = `${document.replace(/\W/g, "-")}-${snippets.length}.ts`;
      writeFileSync(join(folder, name), `${body}export {};\n`);
      snippets.push(name);
    }
  }
  assert.ok(snippets.length > 15, `${snippets.length} snippets`);
  checkTypes(["surroundings.d.ts", ...snippets], "--module", "nodenext", "--lib", "es2023");
});

test("npx runs the command of the installed tarball", () => {
  const project = join(folder, "project");
  mkdirSync(project);
  const dependencies = { headgate: `file:${packed.tarball}`, ws: `file:${resolve("node_modules/ws")}` };
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, dependencies }));
  const quiet = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
  run("npm", ["install", ...quiet], project);
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  assert.is(run("npx", ["--no", "--", "headgate", "--version"], project), `${version}\n`);
  assert.match(run("npx", ["--no", "--", "headgate", "check", "--json"], project), '"kind": "accepted"');
  const schemas = ["policy", "explain", "doctor"].map((name) => `import.meta.resolve("headgate/${name}.schema.json")`);
  assert.is(run(process.execPath, ["--input-type=module", "-e", `console.log([${schemas}].length)`], project), "3\n");
});

test("the raw modules can be imported by name", () => {
  const program = `
    import { readFileSync } from "node:fs";
    import { parseRequestHead, useKernel, kernelVariant } from "headgate/parser";
    for (const variant of ["simd", "scalar"]) {
      const path = new URL(import.meta.resolve("headgate/kernel/" + variant + ".wasm"));
      useKernel(new WebAssembly.Module(readFileSync(path)));
      console.log(kernelVariant(), parseRequestHead(new TextEncoder().encode("GET / HTTP/1.0\\r\\n\\r\\n")).kind);
    }`;
  assert.is(node(program), "module complete\nmodule complete\n");
});

test("a process in which WebAssembly starts does not load the JavaScript build; one without it does", () => {
  const program = `
    import { kernelVariant, parseRequestHead } from "headgate/parser";
    const { kind } = parseRequestHead(new TextEncoder().encode("GET / HTTP/1.0\\r\\n\\r\\n"));
    console.log(kernelVariant(), kind);`;
  assert.is(node(program), "simd complete\n");
  assert.is(node(program, "--jitless"), "javascript complete\n");
  rmSync(join(folder, "node_modules/headgate/dist/kernel/javascript.js"));
  assert.is(node(program), "simd complete\n");
  assert.throws(() => node(program, "--jitless"), /TypeError: no kernel starts here; import \{ javascript \}/);
});

test("sizes stay within what is promised", () => {
  const found = sizes(join(folder, "node_modules/headgate"));
  const gzippedOf = (name: string): number => found.find((each) => each.name === name)!.gzipped;
  const [parser, whole] = [gzippedOf("headgate/parser"), gzippedOf("headgate")];
  console.log(`NOTE gzipped: headgate/parser ${parser}, headgate ${whole} bytes`);
  assert.ok(parser <= 20_480, `headgate/parser ${parser}`);
  // The rule on pages of other sites, patterns of origins, and the words for misuse took 12 KiB, short lines 6.
  assert.ok(whole <= 102_400, `headgate ${whole}`);
});
