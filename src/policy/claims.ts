// In:    claims, each with the pattern of the paths that it is on.
// Out:   the claim on a path.
// Never: looks for a prefix of a length that no pattern has, however many a path may have.

import { describe } from "../head/options.js";

/** A claim that was found, and the pattern that it was found by. */
interface Found<Claim> {
  readonly pattern: string;
  readonly claim: Claim;
}

const SLASH = 0x2f;

/** True for `/exact`, `/prefix/*` and `*`; not for what other routers read as a parameter, which no request would meet. */
export function isPathPattern(text: string): boolean {
  return /^(?!.*\/[:{<[(])(?:\*|\/[^*?#\s\u0080-\uffff]*(?:\/\*)?|\/\*)$/.test(text);
}

/** What to write in place of a text that is not a pattern. */
export function patternFor(text: string): string {
  const general = "write '/exact', '/prefix/*', or '*' for all paths";
  const [, before] = /^(\/.*?)\/?(?:\/[:{<[(]|\*)/.exec(text) ?? /^(\/)[:{<[(]/.exec(text) ?? [];
  const prefix = before === undefined || before === "/" ? "" : before;
  if (/\/[:{<[(]/.test(text) && isPathPattern(`${prefix}/*`)) {
    return `write '${prefix}/*': a path has no parameters, but a prefix takes every path below it`;
  }
  if (/^wss?:|^https?:/i.test(text)) return `write its path alone; ${general}`;
  if (text.includes("?")) return `a query is not part of a path; ${general}`;
  if (text.includes("*") && isPathPattern(`${prefix}/*`))
    return `write '${prefix}/*'; a star comes last, after a slash`;
  if (/[\u0080-\uffff]/.test(text)) return "write it as clients send it, percent-encoded";
  if (isPathPattern(`/${text}`)) return `write '/${text}'; or '/prefix/*', or '*' for all paths`;
  return general;
}

/** True for `/exact`, without a star. */
export function isExactPath(text: string): boolean {
  return /^\/[!"$->@-~]*$/.test(text) && !text.includes("*");
}

/** Checks a setting of exact paths, which is `list`. Throws `TypeError` with the path, the value and the fix. */
export function checkExactPaths(
  paths: unknown,
  where: string,
  example: string,
  list = "a list of paths",
): asserts paths is readonly string[] {
  if (!Array.isArray(paths)) {
    throw new TypeError(`${where} is ${describe(paths)}; it must be ${list} such as [${example}]`);
  }
  // A copy has no holes, which would be passed over.
  for (const path of Array.from(paths)) {
    if (typeof path === "string" && isExactPath(path)) continue;
    throw new TypeError(
      `${where} has ${describe(path)}, which is not an exact path such as ${example}; write it as it is sent, from its slash up to "?", and without *`,
    );
  }
}

/** Finds the exact path first, then the longest prefix, then `*`. */
export class Claims<Claim> {
  /** As they were written. */
  readonly patterns: readonly string[];
  readonly #exact = new Map<string, Found<Claim>>();
  /** By what is to the left of the last slash. */
  readonly #prefixes = new Map<string, Found<Claim>>();
  /** The lengths of these prefixes, the longest first. */
  readonly #lengths: readonly number[];
  #all: Found<Claim> | null = null;

  /** By pattern: `/exact`, `/prefix/*`, or `*`. */
  constructor(upgrades: Readonly<Record<string, Claim>> = {}) {
    this.patterns = Object.keys(upgrades);
    for (const [pattern, claim] of Object.entries(upgrades)) {
      const claimed = { pattern, claim };
      if (pattern === "*") this.#all = claimed;
      else if (pattern.endsWith("/*")) this.#prefixes.set(pattern.slice(0, -2), claimed);
      else this.#exact.set(pattern, claimed);
    }
    const lengths = new Set([...this.#prefixes.keys()].map((prefix) => prefix.length));
    this.#lengths = [...lengths].sort((one, other) => other - one);
  }

  /** Null where no pattern is on that path. */
  find(path: string): Found<Claim> | null {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return exact;
    for (const length of this.#lengths) {
      const found = path.charCodeAt(length) === SLASH ? this.#prefixes.get(path.slice(0, length)) : undefined;
      if (found !== undefined) return found;
    }
    return this.#all;
  }
}
