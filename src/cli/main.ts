#!/usr/bin/env node
// In:    the arguments of the command line.
// Out:   the command that they name, run; its exit code.
// Never: loads the modules of a command that is not run.

import { didYouMean } from "../head/options.js";
import type { Command } from "./command.js";
import { Terminal } from "./terminal.js";

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  doctor: async () => (await import("./doctor/command.js")).doctor,
  explain: async () => (await import("./explain.js")).explainHead,
  check: async () => (await import("./check.js")).check,
};

async function main([name = "", ...rest]: readonly string[], terminal: Terminal): Promise<number> {
  if (name === "--version" || name === "-v") {
    const { version } = await import("./version.js");
    terminal.print(`${version()}\n`);
    return 0;
  }
  const isHelp = name === "--help" || name === "-h";
  if (isHelp || name === "" || rest.includes("--help") || rest.includes("-h")) {
    const { helpOf, manual } = await import("./manual.js");
    const text = helpOf(Object.hasOwn(manual, name) ? (name as keyof typeof manual) : "headgate");
    if (name === "") terminal.warn(text);
    else terminal.print(text);
    return name === "" ? 2 : 0;
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (load !== undefined) return await (await load())(rest, terminal);
    throw new TypeError(
      `${JSON.stringify(name)} is not a command; the commands are ${Object.keys(commands).join(", ")}${didYouMean(name, Object.keys(commands))}`,
    );
  } catch (error) {
    const { message } = error as Error;
    terminal.warn(`headgate: ${message}\ntry: headgate ${load === undefined ? "" : `${name} `}--help\n`);
    return 2;
  }
}

process.exitCode = await main(process.argv.slice(2), new Terminal(process));
