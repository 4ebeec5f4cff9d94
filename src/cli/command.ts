// In:    nothing.
// Out:   what a command is.
// Never: runs one.

import type { Terminal } from "./terminal.js";

/**
 * Runs with the arguments after its name. Exit code: 0 accepted, or nothing got through; 1 refused, or something got through; 2 it could not
 * be asked. Throws for arguments that it does not take, which ends in 2 as well.
 */
export type Command = (args: readonly string[], terminal: Terminal) => Promise<number>;
