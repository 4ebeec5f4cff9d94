// In:    a code of warnings, something to run.
// Out:   the warnings of this process with that code that it causes, which are not printed.
// Never: keeps other listeners from later ones.

import { turn } from "./until.js";

export async function warnings(code: string, run: () => unknown): Promise<Error[]> {
  const found: Error[] = [];
  const note = (warning: Error & { code?: string }): void => {
    if (warning.code === code) found.push(warning);
  };
  // Node's own listener prints.
  const others = process.listeners("warning") as ((warning: Error) => void)[];
  process.removeAllListeners("warning").on("warning", note);
  try {
    await run();
    // They are emitted in a later tick.
    await turn();
  } finally {
    process.removeListener("warning", note);
    for (const listener of others) process.on("warning", listener);
  }
  return found;
}
