// In:    the command line.
// Out:   the demo: an address, then one line a decision; or the exchange of --once; an exit code.
// Never: leaves the process running when it was asked to end.

import { parseArgs } from "node:util";
import { terminalLine } from "./decisions.js";
import { type Guarded, openGuarded } from "./guarded.js";
import { playOnce } from "./once.js";
import { openRebinding, type Rebinding } from "./rebinding.js";
import { createSite, type Site } from "./site.js";
import { openWorld, type World } from "./world.js";

const DEFAULT_PORT = 8080;

const USAGE = `usage: npm start -- [--port <number>] [--once]

  --port <number>  listen on this port of 127.0.0.1; 0 means any free port (default ${DEFAULT_PORT}; with --once 0)
  --once           play ws clients through the gate, print the exchange, exit 0 if all went as it should
  --help           print this
`;

interface Options {
  readonly port: number;
  readonly once: boolean;
  readonly help: boolean;
}

/** Throws an Error with a sentence for an invalid option. */
function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: { port: { type: "string" }, once: { type: "boolean" }, help: { type: "boolean", short: "h" } },
  });
  const { once = false, help = false } = values;
  const written = values.port ?? String(once ? 0 : DEFAULT_PORT);
  const port = Number(written);
  if (!/^\d{1,5}$/.test(written) || port > 65_535) {
    throw new Error(`--port ${written} is not a number from 0 to 65535`);
  }
  return { port, once, help };
}

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  try {
    if (options.once) return (await playOnce(options.port, print)) ? 0 : 1;
    return await serve(options.port);
  } catch (error) {
    process.stderr.write(`${whyNot(error as NodeJS.ErrnoException, options.port)}\n`);
    return 1;
  }
}

/** Runs until the process is told to end. */
async function serve(port: number): Promise<number> {
  // node:util colours whatever it is asked to; a pipe or a file should get no colours.
  const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;
  const world = await openWorld(port);
  const guarded = await openGuarded(world.port);
  const rebinding = await openRebinding(guarded.server);
  const neighbours = { guarded: guarded.port, rebinding: rebinding.port };
  const site = createSite(world.port, (entry) => print(terminalLine(entry, coloured)), neighbours);
  site.watch(guarded.gate);
  world.giveTo(site.gate);
  print(`http://localhost:${world.port}/ is the page, and /playground/ the playground; Ctrl-C ends the demo`);
  await toldToEnd();
  await close(site, world, guarded, rebinding);
  return 0;
}

async function close(site: Site, world: World, guarded: Guarded, rebinding: Rebinding): Promise<void> {
  // We end the remaining connections ourselves: these ends would only confuse the reader of the log.
  site.gate.removeAllListeners();
  guarded.gate.removeAllListeners();
  await Promise.all([world.close(), site.close(), rebinding.close(), guarded.close()]);
}

/** A second signal then ends the process at once, as if there were no listener. */
function toldToEnd(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      process.removeListener("SIGINT", end).removeListener("SIGTERM", end);
      resolve();
    };
    process.on("SIGINT", end).on("SIGTERM", end);
  });
}

function whyNot(error: NodeJS.ErrnoException, port: number): string {
  if (error.code === "EADDRINUSE") {
    return `port ${port} of 127.0.0.1 is taken; choose another one with --port, or --port 0 for any free port`;
  }
  if (error.code === "EACCES") return `port ${port} may only be opened by root; choose one above 1023 with --port`;
  return error.stack ?? error.message;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

// The reader of the lines has gone (`npm start | head`): there is nothing left to serve.
process.stdout.on("error", () => process.exit(1));
process.exitCode = await main();
