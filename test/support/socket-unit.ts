// In:    a listening descriptor, as the third; a program for node, as arguments; SIGHUP, SIGTERM.
// Out:   that program with the descriptor, as systemd starts, restarts and stops it.
// Never: accepts a connection, or has two of them at a time.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

const FIRST = 3;

/** The shell knows its process id before it becomes the program. */
function start(): ChildProcess {
  const script = 'export LISTEN_PID=$$; exec "$@"';
  const child = spawn("sh", ["-c", script, "sh", process.execPath, ...process.argv.slice(2)], {
    env: { ...process.env, LISTEN_FDS: "1", LISTEN_FDNAMES: "web" },
    stdio: ["ignore", 2, 2, FIRST],
  });
  console.error(`${child.pid} serves`);
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const [code] = await exit;
  console.error(`${child.pid} ended ${code}`);
}

let current = start();
process.on("SIGHUP", async () => {
  await stop(current);
  current = start();
});
process.once("SIGTERM", async () => {
  await stop(current);
  process.exit();
});
