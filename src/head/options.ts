// In:    values from a caller, and the names that an object may have.
// Out:   nothing, or a TypeError that names the offending one; a value in words, for such an error.
// Never: throws anything but a TypeError, whatever the value is.

import { meantBy } from "./meant.js";

/**
 * Throws `TypeError` for a value that is not an object and for a name that is not a setting: a misspelled setting would
 * otherwise have no effect, without any notice. `fix`: what to write in place of such a value, where it is known; `elsewhere`: what to
 * write for a name that is a setting of something else, or "".
 */
export function checkSettings(
  given: unknown,
  allowed: readonly string[],
  what: string,
  fix = "",
  elsewhere: (name: string) => string = () => "",
): void {
  if (!isRecord(given)) {
    const found = `it is ${describe(given)}${fix === "" ? "" : `; ${fix}`}`;
    throw new TypeError(`${what} must be an object with any of: ${allowed.join(", ")}; ${found}`);
  }
  for (const name of Object.keys(given)) {
    if (!allowed.includes(name)) {
      const place = elsewhere(name);
      const advice = place === "" ? didYouMean(name, allowed) : `; write ${place}`;
      throw new TypeError(`${name} is not a setting of ${what}; the settings are ${allowed.join(", ")}${advice}`);
    }
  }
}

/** The end of a sentence about a name that is not a known one; "" where none comes near. */
export function didYouMean(name: string, known: readonly string[]): string {
  const meant = meantBy(name, known);
  return meant === null ? "" : `; did you mean ${meant}?`;
}

/** For `elsewhere` of `checkSettings`: a limit is written within `limits`, not beside it. */
export function withinLimits(bounds: object): (name: string) => string {
  return (name) => (Object.hasOwn(bounds, name) ? `limits: { ${name} }` : "");
}

/** True for an object that holds its settings as members: a list, a Map or a RegExp would have none, or none that is read. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const tag = Object.prototype.toString.call(value);
  return tag === "[object Object]" || tag === "[object Module]";
}

/** True for the number of a port, 1 to 65535. */
export function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535;
}

/** Characters of a text that is shown. */
const LONGEST = 200;
/** Items of a list, or members of an object. */
const ITEMS = 5;

/** A value of a configuration in a few words, whatever it is. */
export function describe(value: unknown, depth = 0): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > LONGEST ? `${value.slice(0, LONGEST)}...` : value);
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return describeObject(value, depth);
  } catch {
    // A Proxy, or a getter that throws.
    return "an object";
  }
}

function describeObject(value: object, depth: number): string {
  if (value instanceof RegExp) return `the regular expression ${String(value).slice(0, LONGEST)}`;
  if (Array.isArray(value)) {
    if (depth > 1) return "a list";
    const items = value.slice(0, ITEMS).map((item) => describe(item, depth + 1));
    return `[${[...items, ...(value.length > ITEMS ? ["..."] : [])].join(", ")}]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    const { name } = (value as { constructor: { name: string } }).constructor;
    return /^(?:[aeio]|un)/i.test(name) ? `an ${name}` : `a ${name}`;
  }
  // Without their values, which may be keys and passwords.
  const names = Object.keys(value);
  if (names.length === 0) return "{}";
  return `an object with ${[...names.slice(0, ITEMS), ...(names.length > ITEMS ? ["others"] : [])].join(", ")}`;
}
