// In:    an item of a list of origins.
// Out:   the sentence about what is not scheme, host and port, with the nearest origin that is right.
// Never: offers what a list may not have.

import { splitOrigin } from "./serialized-origin.js";
import { literal } from "./shown.js";

function notText(written: unknown, shown: string): string {
  if (typeof written === "function") {
    return `${shown} is not called: a list contains text; list each origin, as "https://*.example.com", or decide on upgrades in authorize`;
  }
  if (written instanceof RegExp) {
    return `${shown} is not applied: origins are compared by scheme, host and port; write text such as "https://*.example.com" or "http://localhost:*"`;
  }
  if (Array.isArray(written)) return `${shown} is a list within the list; write its items into the list itself`;
  if (written instanceof URL) return `${shown} is not text; write ${JSON.stringify(written.origin)}`;
  return `${shown} is not text such as "https://example.com"`;
}

const words: Readonly<Record<string, string>> = {
  null: "null",
  "'null'": "null",
  "same-authority": "same-authority",
  "same-origin": "same-authority",
  "'self'": "same-authority",
  self: "same-authority",
};

/** True for an origin that can be offered. */
type IsRight = (text: string) => boolean;

/**
 * What is wrong with the form of an item; null if it has scheme, host and port, each of which may still be wrong. `shown` begins the
 * sentence: place and value.
 */
export function faultOfForm(written: unknown, shown: string, forAll: string, isRight: IsRight): string | null {
  if (typeof written !== "string") return notText(written, shown);
  const word = words[written.trim().toLowerCase()];
  if (word !== undefined) {
    // A list that may have the word has taken it already.
    if (word === "null" || written !== word) return `${shown} is not an origin; write "${word}"`;
    return `${shown} is not an origin, and has no meaning in this list`;
  }
  if (/^(?:\*+|any|all)$/i.test(written.trim())) {
    return `${shown} is not an origin; to allow all, write ${forAll}: origins are then unchecked`;
  }
  if (/^\^|^\/(?!\/)|\\|\$$/.test(written)) {
    return `${shown} is a regular expression, and origins are compared by scheme, host and port; write text such as "https://*.example.com" or "http://localhost:*"`;
  }
  if (/[\s,]/.test(written)) {
    const parts = written.split(/[\s,]+/).filter(Boolean);
    if (parts.length > 1 && parts.every((part) => part.includes("://")))
      return `${shown} is more than one origin; write each as an item of the list: ${literal(parts)}`;
    return `${shown} contains white space or a comma; write ${nearest(parts[0] ?? "", isRight)}`;
  }
  if (/^(?:data|about|blob|javascript):/i.test(written)) {
    return `${shown} is not an origin; the pages of such URLs have the origin of the page that opened them, or "null"`;
  }
  const at = written.indexOf("://");
  if (at < 0 || splitOrigin(written) === null) return faultOfScheme(written, shown, isRight);
  const rest = written.slice(at + 3);
  const end = rest.search(/[/?#]/);
  if (end < 0) return null;
  if (/^(?:\[[0-9a-f:.]+\]|[0-9.]+)\/\d+(?::|$)/i.test(rest)) {
    return `${shown} is a network, and origins have single hosts; list each, as "${written.slice(0, at)}://${rest.slice(0, end)}:*"`;
  }
  return `${shown} contains more than scheme, host and port; write ${nearest(written.slice(0, at + 3 + end), isRight)}`;
}

function faultOfScheme(written: string, shown: string, isRight: IsRight): string {
  const [, scheme, rest] = /^(.*?):\/\/(.*)$/s.exec(written) ?? [];
  if (scheme !== undefined && /[*?()|{}[\]]/.test(scheme)) {
    const both = ["http", "https"].map((each) => `${each}://${rest}`);
    return `${shown} has a pattern in place of the scheme; list each scheme: ${literal(both)}`;
  }
  const [, given, host] = /^(?:(https?|wss?)(?::\/*|\/+)(?!\d+$)|:?\/*)([^/?#]*)/i.exec(written)!;
  const guess =
    given ?? (/^(?:localhost|127\.|\[)|\.localhost(?::|$)|:(?!443$)\d+$|:\*$/i.test(host!) ? "http" : "https");
  return `${shown} is not an origin; write scheme, host and port, as in ${nearest(`${guess}://${host}`, isRight)}`;
}

/** The text in quotes if it is right, else one that is. */
function nearest(text: string, isRight: IsRight): string {
  return isRight(text) ? JSON.stringify(text) : '"https://example.com:8443"';
}
