// In:    the program of a runtime that has node:, and a project.
// Out:   transcripts of the entries, outputs of examples, the checks of the gate.
// Never: knows what a transcript must be.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type GateCheck, gateCheck, gateChecks, type Way } from "./gate-checks.js";
import type { Entry } from "./transcripts.js";

/** Milliseconds for a program to end, or to listen. */
const PATIENCE = 60_000;

export interface Transcript {
  readonly kernel: string;
  readonly lines: readonly string[];
}

/** A runtime as a command line. */
export interface Command {
  readonly program: string;
  readonly flags: readonly string[];
}

function run({ program, flags }: Command, folder: string, args: readonly string[]): string {
  const options = { cwd: folder, encoding: "utf8", timeout: PATIENCE, killSignal: "SIGKILL" } as const;
  const { status, signal, stdout, stderr, error } = spawnSync(program, [...flags, ...args], options);
  if (status !== 0) throw new Error(`exit ${status ?? signal}: ${error?.message ?? ""}${stderr.trim().slice(0, 1000)}`);
  return stdout;
}

/** `program`: main.js, or without.js for a process that has no WebAssembly. */
export function transcriptBy(command: Command, folder: string, entry: Entry, program = "main.js"): Transcript {
  const file = join(folder, "transcript.json");
  run(command, folder, [program, entry, file]);
  return JSON.parse(readFileSync(file, "utf8")) as Transcript;
}

export function printedBy(command: Command, folder: string, program: string): string {
  return run(command, folder, [program]);
}

/** Starts a program that listens, and calls `use` with the port that `pattern` finds in what it prints. */
export async function withServer<Result>(
  { program, flags }: Command,
  folder: string,
  args: readonly string[],
  pattern: RegExp,
  use: (port: number) => Promise<Result>,
): Promise<Result> {
  const child: ChildProcess = spawn(program, [...flags, ...args], {
    cwd: folder,
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  const signal = AbortSignal.any([AbortSignal.timeout(PATIENCE), endOf(child)]);
  let printed = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (text: Buffer) => (printed += text));
  try {
    while (!pattern.test(printed)) await once(child.stdout!, "data", { signal });
    return await use(Number(pattern.exec(printed)![1]));
  } catch (error) {
    throw new Error(`${(error as Error).message}; printed ${JSON.stringify(printed.slice(0, 1000))}`);
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

function endOf(child: ChildProcess): AbortSignal {
  const controller = new AbortController();
  child.once("exit", (code, signal) => controller.abort(new Error(`ended with ${code ?? signal}`)));
  return controller.signal;
}

/** What each check of the gate found, in one way to use it. */
export async function gateBy(command: Command, folder: string, way: Way): Promise<Map<GateCheck, string | null>> {
  const found = new Map<GateCheck, string | null>();
  for (const check of gateChecks) {
    // A server of its own for each, so that one which ends the process is not counted for the others.
    const use = (port: number): Promise<string | null> => gateCheck(way, check, port);
    const server = withServer(command, folder, ["gate-server.js", way], /"port":(\d+)/, use);
    found.set(check, await server.catch((error: Error) => error.message));
  }
  return found;
}
