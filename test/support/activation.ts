// In:    a program, options of systemd-socket-activate.
// Out:   the program behind a socket that systemd-socket-activate listens on.
// Never: needs a running systemd.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const PROGRAM = "systemd-socket-activate";

/** Why nothing can be activated here; null where it can. */
export function cannotActivate(): string | null {
  const isThere = (process.env.PATH ?? "").split(":").some((folder) => existsSync(`${folder}/${PROGRAM}`));
  return isThere ? null : `there is no ${PROGRAM}; on Debian it is in the package systemd`;
}

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

export interface Activation {
  readonly program: ChildProcess;
  /** `127.0.0.1:port`, or the path of a socket. */
  readonly address: string;
  /** Standard error of the program and of whom it starts. */
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
  while (!log.includes("Listening on")) await sleep(10);
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
