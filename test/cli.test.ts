// In:    the command as it is built; heads on standard input, options, policies in files.
// Out:   whether it decides as the policy does, and behaves as a command should.
// Never: measures its start; bench/cli-start.ts does.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import * as assert from "uvu/assert";
import { helpOf, manual } from "#src/cli/manual.js";
import { readArguments } from "#src/cli/options.js";
import { Terminal } from "#src/cli/terminal.js";
import { blocks, read } from "./support/document.js";
import { suite } from "./support/suite.js";

const COMMAND = "dist/lib/cli.js";

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function headgate(args: readonly string[], input = "", env: NodeJS.ProcessEnv = {}): Result {
  return spawnSync(process.execPath, [COMMAND, ...args], { encoding: "utf8", input, env: { ...process.env, ...env } });
}

const folder = mkdtempSync(join(tmpdir(), "headgate-cli-"));
function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const test = suite("cli");
test.after(() => rmSync(folder, { recursive: true }));

const proxied = file("proxied.json", {
  vhosts: [{ name: "a", port: 80 }],
  trust: { from: ["10.0.0.0/8"], proxyProtocol: true },
});

const GOOD = "GET / HTTP/1.1\r\nHost: localhost:3000\r\n\r\n";

test("explain reads a head from standard input, from - and from a file", () => {
  const wanted = "accepted\nGET / accepted (localhost; port came from Host; scheme http by default)\n";
  for (const args of [["explain"], ["explain", "-"], ["explain", file("head.bin", GOOD)]]) {
    const { status, stdout, stderr } = headgate(args, GOOD);
    assert.equal([status, stdout, stderr], [0, wanted, ""], args.join(" "));
  }
});

test("a refusal is 1, with its code and explanation", () => {
  const { status, stdout } = headgate(["explain"], "GET / HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
  assert.is(status, 1);
  assert.match(stdout, /^refused 421 NAME_UNKNOWN\nhost rebound\.example matches none of the vhosts/);
});

test("a malformed head is 1, with a mark below the offending octet", () => {
  const { status, stdout } = headgate(["explain"], "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  assert.is(status, 1);
  const [headline, text, line, mark] = stdout.split("\n");
  assert.is(headline, "malformed 400 HOST_REPEATED");
  assert.match(text!, /octet 25/);
  assert.is(line, "  Host: b");
  assert.is(mark, "  ^");
  const escaped = headgate(["explain"], "GET /\u0001 HTTP/1.1\r\n\r\n").stdout.split("\n");
  assert.is(escaped[2], "  GET /\\x01 HTTP/1.1");
  assert.is(escaped[3], "       ^");
});

test("check decides by its options, as the policy does", () => {
  const policy = file("gate.json", {
    vhosts: [
      { name: "app.example.com", port: 443, requires: "https", callbacks: ["/login"], upgrades: { "/live": "chat" } },
    ],
    trust: { from: ["10.0.0.0/8"], forwarded: ["X-Forwarded-Proto"] },
  });
  const app = ["--policy", policy, "--host", "app.example.com"];
  const https = [...app, "--scheme", "https"];
  for (const [args, wanted] of [
    [["--host", "localhost"], "accepted"],
    [[], "accepted"],
    [["--host", "localhost", "--origin", "null"], "refused 403 ORIGIN_NULL"],
    [["--upgrade"], "accepted"],
    [["--upgrade", "--road", "adopt"], "refused 404 PATH_UNCLAIMED"],
    [["--site", "cross-site", "--mode", "no-cors", "--dest", "image"], "refused 403 SITE_FOREIGN"],
    [["--referer", "http://evil.example/"], "refused 403 SITE_FOREIGN"],
    [app, "refused 421 SCHEME_REQUIRED"],
    [https, "accepted"],
    [[...app, "--client", "10.0.0.1", "--field", "X-Forwarded-Proto: https"], "accepted"],
    [[...app, "--client", "192.0.2.1", "--field", "X-Forwarded-Proto: https"], "refused 421 SCHEME_REQUIRED"],
    [[...https, "--method", "POST", "--site", "cross-site"], "refused 403 SITE_FOREIGN"],
    [[...https, "--method", "POST", "--site", "cross-site", "--path", "/login"], "accepted"],
    [[...https, "--upgrade", "--path", "/live", "--road", "adopt"], "accepted"],
    [[...https, "--upgrade", "--path", "/other"], "refused 404 PATH_UNCLAIMED"],
    [["--path", "/ x"], "malformed 400 VERSION_INVALID"],
  ] as const) {
    const { status, stdout, stderr } = headgate(["check", ...args]);
    assert.is(stdout.split("\n")[0], wanted, `${args.join(" ")}: ${stdout}${stderr}`);
    assert.is(status, wanted === "accepted" ? 0 : 1);
  }
  const local = file("local.json", { vhosts: [{ name: "a", port: "local" }] });
  assert.is(headgate(["check", "--policy", local, "--host", "a:81", "--local-port", "81"]).status, 0);
  assert.is(headgate(["check", "--policy", local, "--host", "a:81", "--local-port", "82"]).status, 1);
});

test("a policy with PROXY headers is for adopted sockets", () => {
  const { status, stdout } = headgate(["check", "--policy", proxied, "--host", "a", "--road", "adopt"]);
  assert.equal([status, stdout.split("\n")[0]], [0, "accepted"]);
});

test("wrong arguments, policies and input are 2, with an error that names them", () => {
  for (const [args, wanted] of [
    [["dcotor"], '"dcotor" is not a command; the commands are doctor, explain, check; did you mean doctor?\n'],
    [["check", "--hots", "a"], "--hots is not an option; the options are --host, "],
    [["check", "--hots", "a"], "; did you mean --host?\n"],
    [["check", "-x"], "-x is not an option"],
    [["check", "--host"], "--host"],
    [["check", "a"], '"a" is one operand too many; write --host a\n'],
    [["check", "--client", "proxy"], '--client is "proxy"; it must be an address'],
    [["check", "--road", "street"], '--road is "street"; it must be one of guard, adopt'],
    [["check", "--scheme", "ftp"], '--scheme is "ftp"; it must be one of http, https'],
    [["check", "--local-port", "0"], '--local-port is "0"; it must be a number from 1 to 65535'],
    [["check", "--host", "a\r\nX: b"], "has a line end"],
    [["check", "--policy", "missing.json"], "missing.json"],
    [["check", "--policy", file("no.json", "{")], "is not JSON"],
    [["check", "--policy", file("wrong.json", { vhosts: [{ name: "a", prot: 1 }] })], "prot is not a setting"],
    [["check", "--policy", file("open.json", { vhosts: [{ name: "a" }] }), "--road", "adopt"], "vhost a has no port"],
    [["check", "--policy", proxied], "trust has proxyProtocol, but a guarded server reads its connections itself"],
    [["explain", "--policy", proxied], "trust has proxyProtocol"],
    [["check", "--policy", file("closed.json", { vhosts: [{ name: "a", port: "NO_LISTEN" }] })], "NO_LISTEN"],
    [["explain", "--policy", "-"], "cannot both be standard input"],
    [["explain"], "the head is incomplete: 0 octets"],
    [["doctor"], "the URL of the server is missing"],
    [["doctor", "localhost:3000"], "is not an http or https URL"],
    [["doctor", "localhost:3000"], "; write http://localhost:3000\n"],
    [["doctor", "3000"], "; write http://localhost:3000\n"],
    [["doctor", "wss://localhost:1/live"], "; write https://localhost:1 --ws /live\n"],
    [["doctor", "http://192.0.2.1/"], "is not of this machine; if the server is yours, add --i-own-this-host"],
    [["doctor", "http://localhost:1/", "--json", "--junit"], "exclude each other"],
    [["doctor", "http://localhost:1/", "--ws", "live"], "must be a path"],
    [["doctor", "http://localhost:1/", "--ws-protocol", "a b"], "must be a token"],
    [["doctor", "http://localhost:1/", "--timeout", "soon"], '--timeout is "soon"'],
  ] as const) {
    const { status, stdout, stderr } = headgate(args);
    assert.equal([status, stdout], [2, ""], args.join(" "));
    assert.ok(stderr.startsWith("headgate: ") && stderr.includes(wanted), `${args.join(" ")}: ${stderr}`);
    assert.match(stderr, /\ntry: headgate .*--help\n$/);
  }
});

test("a head with the lines of an editor gets advice besides the fault", () => {
  const edited = headgate(["explain"], "GET / HTTP/1.1\nHost: localhost\n\n");
  assert.equal([edited.status, edited.stdout.split("\n")[0]], [1, "malformed 400 BARE_LF"]);
  assert.is(
    edited.stderr,
    "no line of the input ends with CRLF; if an editor wrote it, convert it: sed 's/$/\\r/' FILE | headgate explain\n",
  );
  assert.is(headgate(["explain"], "GET / HTTP/1.1\r\nHost: localhost\n\r\n").stderr, "");
});

test("--version, --help for the program and for each command; without arguments the help is an error", () => {
  const { version } = JSON.parse(read("package.json"));
  assert.equal(headgate(["--version"]).stdout, `${version}\n`);
  assert.equal(headgate(["--help"]).stdout, helpOf("headgate"));
  for (const name of ["doctor", "explain", "check"] as const) {
    const { status, stdout } = headgate([name, "--help"]);
    assert.equal([status, stdout], [0, helpOf(name)]);
  }
  const { status, stdout, stderr } = headgate([]);
  assert.equal([status, stdout, stderr], [2, "", helpOf("headgate")]);
});

test("docs/cli.md has the help of the program and of each command", () => {
  const shown = blocks(read("docs/cli.md"), "text");
  for (const name of Object.keys(manual) as (keyof typeof manual)[]) {
    assert.ok(shown.includes(helpOf(name)), `docs/cli.md does not have:\n${helpOf(name)}`);
  }
});

test("--json is what explain.schema.json describes", () => {
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(
    JSON.parse(readFileSync("explain.schema.json", "utf8")),
  );
  const report = file("report.json", { mode: "report", vhosts: [{ name: "a" }] });
  const kinds = [
    [],
    ["--host", "rebound.example"],
    ["--host", "a b"],
    ["--referer", "http://evil.example/", "--client", "::1"],
    ["--policy", report, "--host", "a", "--origin", "https://b"],
  ].map((args) => {
    const result: { kind: string } = JSON.parse(headgate(["check", "--json", ...args]).stdout);
    const isValid: boolean = validate(result);
    assert.ok(isValid, JSON.stringify(validate.errors));
    return result.kind;
  });
  assert.equal(kinds, ["accepted", "refused", "malformed", "refused", "accepted"]);
});

/** Streams as a terminal has them. */
function streams(isTTY: boolean, env: Record<string, string>) {
  const output = { isTTY, write: () => true, on: () => {} };
  return { stdin: [] as never, stdout: output, stderr: output, env };
}

test("colours on a terminal alone, and none with NO_COLOR", () => {
  const painted = (isTTY: boolean, env: Record<string, string>): string =>
    new Terminal(streams(isTTY, env)).paint("red", "x");
  assert.is(painted(true, {}), "\x1b[31mx\x1b[39m");
  assert.is(painted(true, { NO_COLOR: "" }), "\x1b[31mx\x1b[39m");
  assert.is(painted(true, { NO_COLOR: "1" }), "x");
  assert.is(painted(true, { TERM: "dumb" }), "x");
  assert.is(painted(false, {}), "x");
  assert.not.match(headgate(["check", "--host", "b"]).stdout, "\x1b");
});

test("a reader that ends first is not an error", async () => {
  // A pipe whose reading end is closed before anything is written.
  const child: ChildProcess = spawn(process.execPath, [COMMAND, "explain"], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdout!.destroy();
  let stderr = "";
  child.stderr!.on("data", (text) => (stderr += text));
  child.stdin!.end(GOOD);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on("close", (...ended) => resolve(ended as [number | null, string | null])),
  );
  assert.is(stderr, "");
  assert.ok(code === 0 || signal === "SIGPIPE", `${code} ${signal}`);
});

test("the exit code does not depend on what becomes of the output", async () => {
  for (const [stream, at, args] of [
    ["stdout", 1, ["check", "--host", "rebound.example"]],
    ["stderr", 2, ["check", "--no-such-option"]],
    ["stderr", 2, ["doctor", "http://127.0.0.1:1"]],
  ] as const) {
    const child: ChildProcess = spawn(process.execPath, [COMMAND, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    child[stream]!.destroy();
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    assert.is(code, at, `${args.join(" ")}, ${stream}`);
  }
  if (!existsSync("/dev/full")) return;
  const full = openSync("/dev/full", "w");
  const { status, stderr } = spawnSync(process.execPath, [COMMAND, "check"], {
    encoding: "utf8",
    stdio: ["ignore", full, "pipe"],
  });
  closeSync(full);
  assert.is(status, 2, "nothing was printed, so nothing is accepted");
  assert.match(stderr, /^headgate: ENOSPC[^\n]*\n$/);
});

test("options have the values of the command line, the last one where there are several", () => {
  const table = { a: { value: "A", help: "" }, b: { help: "" }, c: { value: "C", multiple: true, help: "" } } as const;
  const given = readArguments(table, ["--a", "1", "--a=2", "--b", "--c", "3", "--c", "4", "--", "-x"], 1);
  assert.equal([given.text("a"), given.flag("b"), given.texts("c"), given.operands], ["2", true, ["3", "4"], ["-x"]]);
});
