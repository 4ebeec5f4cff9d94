// In:    a program, options of systemd-socket-activate.
// Out:   the program that systemd-socket-activate starts for a listening socket.
// Never: needs a running systemd.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { freePort, missing } from "./program.js";
import { until } from "./until.js";

const PROGRAM = "systemd-socket-activate";

/** Why nothing can be activated here; null where it can. */
export function cannotActivate(): string | null {
  return missing(PROGRAM, "--help", { "--accept": /--accept/, "--fdname": /--fdname/, "--inetd": /--inetd/ });
}

interface Activation {
  readonly program: ChildProcess;
  /** `127.0.0.1:port`, or the path of a socket. */
  readonly address: string;
  /** Standard error of the program and of the programs that it starts. */
  log(): string;
  stop(): Promise<void>;
}

/** `program`: arguments of node. */
export async function activate(
  options: readonly string[],
  program: readonly string[],
  path?: string,
): Promise<Activation> {
  const address = path ?? `127.0.0.1:${await freePort()}`;
  const child = spawn(PROGRAM, [...options, "-l", address, process.execPath, ...program], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (text: Buffer) => (log += text));
  await until(
    () => log.includes("Listening on"),
    () => `it listens: ${log}`,
  );
  return {
    program: child,
    address,
    log: () => log,
    async stop() {
      if (child.exitCode !== null) return;
      const exit = once(child, "exit");
      child.kill();
      await exit;
    },
  };
}
