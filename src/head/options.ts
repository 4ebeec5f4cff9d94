// In:    an object from a caller, and the names that it may have.
// Out:   nothing, or a TypeError that names the offending one.
// Never: looks at a value.

/**
 * Throws `TypeError` for a value that is not an object and for a name that is not a setting: a misspelled setting would
 * otherwise have no effect, without any notice.
 */
export function checkSettings(given: unknown, allowed: readonly string[], what: string): void {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`${what} must be an object with any of: ${allowed.join(", ")}`);
  }
  for (const name of Object.keys(given)) {
    if (!allowed.includes(name)) {
      throw new TypeError(`${name} is not a setting of ${what}; the settings are ${allowed.join(", ")}`);
    }
  }
}
