// In:    the options of a program of this folder, and what its command line has.
// Out:   their values. Where they are misused, a line on stderr and exit code 2.

import { type ParseArgsConfig, parseArgs } from "node:util";

export function misused(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}

export function readOptions<Config extends ParseArgsConfig>(config: Config): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    return misused((error as Error).message);
  }
}

/** The value of an option that counts something: rounds, for instance. */
export function countOf(option: string, value: string): number {
  return /^[1-9]\d{0,5}$/.test(value) ? Number(value) : misused(`--${option} ${value}: it is a number from 1 on`);
}
