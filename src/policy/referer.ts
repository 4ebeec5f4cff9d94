// In:    the values of Referer; the own origin of a request.
// Out:   whether the page that sent it is of that origin.
// Never: compares a part of an origin; only the path, which ends one, is ignored.

import { formatOrigin, type Origin, parseOrigin } from "./serialized-origin.js";

/** The page that Referer names (RFC 9110 §10.1.3). */
export interface Page {
  readonly kind: "own" | "foreign" | "absent";
  /** Own only if TLS ends at a proxy. */
  readonly isPresumed: boolean;
  /** Of a foreign one that can be read. */
  readonly origin: Origin | null;
  /** Its canonical text; "" if there is no such origin. */
  readonly text: string;
}

const page = (kind: Page["kind"], isPresumed = false): Page => ({ kind, isPresumed, origin: null, text: "" });
const absentPage = page("absent");
const ownPage = page("own");
const presumedPage = page("own", true);
const unreadablePage = page("foreign");

/** `own`, `presumed`: canonical texts of origins. Two Referer lines, and what is not a URL, are those of a foreign page. */
export function readReferer(values: readonly string[], own: string | null, presumed: string | null): Page {
  if (values.length === 0) return absentPage;
  const value = values[0]!;
  if (values.length > 1) return unreadablePage;
  // Without a page, a client may write this (RFC 9110 §10.1.3).
  if (value === "" || value === "about:blank") return absentPage;
  if (own !== null && isBelow(value, own)) return ownPage;
  const origin = parseOrigin(originPart(value));
  if (origin === null) return unreadablePage;
  const text = formatOrigin(origin);
  if (text === own) return ownPage;
  return text === presumed ? presumedPage : { kind: "foreign", isPresumed: false, origin, text };
}

/** What browsers send is canonical text, for which nothing need be read. */
function isBelow(url: string, origin: string): boolean {
  return url.startsWith(origin) && (url.length === origin.length || url[origin.length] === "/");
}

/** scheme "://" authority */
function originPart(url: string): string {
  const start = url.indexOf("://") + 3;
  const length = url.slice(start).search(/[/?#]/);
  return length < 0 ? url : url.slice(0, start + length);
}
