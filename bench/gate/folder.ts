// In:    a name, and work that needs a folder of its own.
// Out:   a temporary folder for as long as the work lasts, and programs that run in it.
// Never: leaves the folder, or a program of its own, after the work has ended, failed or been interrupted.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export class Folder {
  readonly path: string;
  readonly #running = new Set<ChildProcess>();

  constructor(name: string) {
    this.path = mkdtempSync(join(tmpdir(), `headgate-${name}-`));
  }

  /** Runs a program in the folder to its end. Throws with the last lines that it printed where it fails. */
  async run(program: string, programArguments: readonly string[], timeout?: number): Promise<void> {
    // In a process group of its own: npm does not end the compilers that it has started.
    const child = spawn(program, programArguments, {
      cwd: this.path,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      timeout,
    });
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (printed += text));
    this.#running.add(child);
    try {
      const [status] = await once(child, "close");
      if (status === 0) return;
    } finally {
      this.#running.delete(child);
    }
    const lines = printed.trimEnd().split("\n").slice(-20);
    throw new Error(`${[program, ...programArguments].join(" ")} failed\n${lines.join("\n")}`);
  }

  remove(): void {
    for (const { pid } of this.#running) {
      try {
        process.kill(-pid!, "SIGKILL");
      } catch {
        // It has just ended.
      }
    }
    // Again where a program that is just being ended has written one more file.
    rmSync(this.path, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Calls `work` with a new folder, which is removed afterwards. */
export async function withFolder<Result>(name: string, work: (folder: Folder) => Promise<Result>): Promise<Result> {
  const folder = new Folder(name);
  const interrupted = (signal: (typeof SIGNALS)[number]): void => {
    folder.remove();
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of SIGNALS) process.on(signal, interrupted);
  try {
    return await work(folder);
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupted);
    folder.remove();
  }
}
