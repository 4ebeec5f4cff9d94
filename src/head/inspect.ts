// In:    nothing.
// Out:   what console.log asks an object for.
// Never: imports from Node: Bun and Deno ask in the same way, and elsewhere nothing does.

/** Of an object whose members are getters, which console.log would not show. */
export const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** The third argument of that method; the second one has its options. */
export type Inspect = (value: unknown, options: object) => string;
