// In:    the settings of a vhost about pages, as a caller wrote them.
// Out:   the rule that they make; TypeError with the fix for a wrong one.
// Never: rules on a request.

import { describe } from "../head/options.js";
import { checkExactPaths } from "./claims.js";
import { readOrigins } from "./origin.js";
import { OriginSet } from "./origin-set.js";
import { SiteRule, type SiteScope } from "./site.js";

/** Where a setting takes one of the words. */
const siteScopes: readonly SiteScope[] = ["any", "same-site", "same-origin"];

/** What is written in a vhost. */
interface SiteSettings {
  readonly origins?: unknown;
  readonly embedding?: unknown;
  readonly navigation?: unknown;
  readonly callbacks?: unknown;
}

/** Throws `TypeError` with the path, the value and the fix. */
export function readSite({ origins, embedding, navigation, callbacks }: SiteSettings, where: string): SiteRule {
  return new SiteRule(
    readOrigins(origins, `${where}.origins`),
    readEmbedding(embedding, `${where}.embedding`),
    readNavigation(navigation, `${where}.navigation`),
    readCallbacks(callbacks, `${where}.callbacks`),
  );
}

function isScope(value: unknown): value is SiteScope {
  return (siteScopes as readonly unknown[]).includes(value);
}

function readEmbedding(given: unknown, where: string): SiteScope | OriginSet {
  if (given === undefined) return "any";
  if (isScope(given)) return given;
  if (!Array.isArray(given)) {
    const words = siteScopes.map((word) => JSON.stringify(word)).join(", ");
    throw new TypeError(
      `${where} is ${describe(given)}; it must be ${words}, or a list such as ["https://example.com"]`,
    );
  }
  const word = given.find((each) => isScope(each) || each === "same-authority");
  if (word !== undefined) {
    const fix = word === "same-authority" ? '"same-origin"' : JSON.stringify(word);
    throw new TypeError(
      `${where} has ${JSON.stringify(word)} in a list of origins; the pages of the own origin always embed: leave it out, ` +
        `or write embedding: ${fix}`,
    );
  }
  return new OriginSet(given, where, 'embedding: "any"');
}

function readNavigation(given: unknown, where: string): SiteScope {
  if (given === undefined) return "any";
  if (isScope(given)) return given;
  const words = siteScopes.map((word) => JSON.stringify(word)).join(", ");
  throw new TypeError(`${where} is ${describe(given)}; it must be one of ${words}`);
}

function readCallbacks(given: unknown, where: string): ReadonlySet<string> {
  if (given === undefined) return new Set();
  checkExactPaths(given, where, '"/auth/callback"', "a list of exact paths");
  return new Set(given);
}
