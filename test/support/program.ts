// In:    a program with its arguments, and ports on which it will listen.
// Out:   the program, when each of them accepts; or why it is not there.
// Never: leaves it running.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { until } from "./until.js";

/** Parts of a program that a test needs, each with what shows that it is there. */
export type Parts = Readonly<Record<string, RegExp>>;

/** Why a program cannot do what a test needs, by what it prints about itself; null where it can. */
export function missing(program: string, argument: string, parts: Parts = {}): string | null {
  const { status, stdout, stderr } = spawnSync(program, argument.split(" "), { encoding: "utf8" });
  if (status !== 0) return `there is no ${program}`;
  const lacks = Object.keys(parts).filter((part) => !parts[part]!.test(stdout + stderr));
  return lacks.length === 0 ? null : `${program} has no ${lacks.join(", ")}`;
}

/** True where the program is there, and content with these arguments. */
export function runs(program: string, ...programArguments: string[]): boolean {
  return spawnSync(program, programArguments, { stdio: "ignore" }).status === 0;
}

/** A port that nothing listens on, at this moment. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Running programs: none after a test that has passed. */
const running = new Set<Program>();

/** Ends whatever tests that have failed left running. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((program) => program.stop()));
}

export interface Program {
  /** What it has printed. */
  readonly printed: () => string;
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => socket.destroy());
    socket.on("error", () => {});
    socket.on("close", (failed) => resolve(!failed));
  });

/** Starts a program that stays in the foreground. */
export async function start(
  program: string,
  programArguments: readonly string[],
  ports: readonly number[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Program> {
  let text = "";
  const child: ChildProcess = spawn(program, programArguments, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (octets) => (text += octets));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
    running.delete(started);
  };
  const started: Program = { printed: () => text, signal: (name) => void child.kill(name), stop };
  running.add(started);
  const listens = async (port: number): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`${program} has ended: ${text}`);
    return accepts(port);
  };
  try {
    for (const port of ports) {
      await until(
        () => listens(port),
        () => `${program} listens on ${port}: ${text}`,
      );
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return started;
}
