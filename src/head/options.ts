// In:    an object that a caller wrote, and the names it may have.
// Out:   nothing, or a TypeError that names what it may not have.
// Never: looks at a value.

/**
 * Throws `TypeError` for what is no object and for a name that is no setting: a misspelt one would otherwise be silently
 * without effect.
 */
export function checkSettings(given: unknown, allowed: readonly string[], what: string): void {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`${what} must be an object with any of: ${allowed.join(", ")}`);
  }
  for (const name of Object.keys(given)) {
    if (!allowed.includes(name)) {
      throw new TypeError(`${name} is not a setting of ${what}; they are ${allowed.join(", ")}`);
    }
  }
}
