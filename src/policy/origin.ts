// In:    the origins that a vhost allows, as a caller wrote them; what is known about a request.
// Out:   the rule that they make, TypeError with the fix for a wrong one; the request's own origin.
// Never: rules on a request; site.ts does.

import type { Arrival } from "../arrival/arrival.js";
import { type Authority, nameKey } from "../head/authority.js";
import { checkSettings, describe, isRecord } from "../head/options.js";
import { isRight } from "./origin-pattern.js";
import { OriginSet } from "./origin-set.js";
import { canonicalOrigin, impliedPort, type Origin } from "./serialized-origin.js";

/**
 * Origins in full, and maybe `same-authority` among them; `same-authority` alone, the request's own; or `any`, unchecked. An
 * origin is `scheme://host[:port]`. Its host is a name or an address, `*.` and a name for one label more, `**.` and a name for
 * any number, a name with one star in its first label (`pr-*.example.com`), or with a scheme other than http and https `*` for every
 * host, or `.`. Its port may be `*`, for every port. `null` admits every site.
 */
export type OriginList = readonly string[] | "same-authority" | "any";
/** A request without Origin passes, unless `absent` refuses it. */
export type Origins = OriginList | { readonly list: OriginList; readonly absent?: "refuse" | undefined };

const OWN = "same-authority";
const FOR_ALL = 'origins: "any"';

/** What is known about a request: its own origin is made of it. */
export interface OriginContext {
  readonly arrival: Arrival;
  readonly authority: Authority | null;
  readonly port: number | null;
}

/** The origins of one vhost, checked once. */
export class OriginRule {
  /** True where the request's own origin is among them. */
  readonly sameAuthority: boolean;
  readonly allowsAny: boolean;
  readonly allowsAbsent: boolean;
  /** The others. */
  readonly listed: OriginSet;

  /** @internal */
  constructor(list: OriginList, allowsAbsent: boolean, where: string) {
    this.allowsAny = list === "any";
    this.allowsAbsent = allowsAbsent;
    this.sameAuthority = list.includes(OWN);
    this.listed = new OriginSet(typeof list === "string" ? [] : list, where, FOR_ALL, OWN);
  }

  /** The origins other than the own one, as they were written. */
  get written(): readonly string[] {
    return this.listed.written;
  }

  /** True for an origin that was written there. `text`: canonical, or `null`; `origin`: the same, read. */
  lists(text: string, origin: Origin | null): boolean {
    return this.listed.has(text, origin);
  }

  /** The request's own origin, if its pages may send requests. */
  ownOrigin(context: OriginContext): string | null {
    return this.sameAuthority ? ownOrigin(context) : null;
  }
}

/** That of a page which the same authority served, by the same scheme. */
export function ownOrigin({ arrival, authority, port }: OriginContext): string | null {
  return authority === null ? null : canonicalOrigin(arrival.scheme, nameKey(authority), port);
}

/**
 * The own origin of a request, if its client came by https and the proxy that terminated TLS stated nothing; null if the
 * connection is known.
 */
export function presumedOrigin({ arrival, authority }: OriginContext): string | null {
  if (arrival.scheme !== "http" || arrival.schemeSource !== "default" || authority === null) return null;
  const port = authority.port ?? arrival.forwarding?.port ?? impliedPort("https");
  return canonicalOrigin("https", nameKey(authority), port);
}

/** Checks the setting. Throws `TypeError` with the path, the value and the fix. */
export function readOrigins(given: unknown, where: string): OriginRule {
  const origins = given === undefined ? OWN : given;
  const isSettings = isRecord(origins);
  if (isSettings) checkSettings(origins, ["list", "absent"], where);
  const { list, absent } = (isSettings ? origins : { list: origins }) as { list?: unknown; absent?: unknown };
  if (absent !== undefined && absent !== "refuse") {
    throw new TypeError(`${where}.absent is ${describe(absent)}; it must be "refuse" or left out`);
  }
  const path = isSettings ? `${where}.list` : where;
  if (list !== OWN && list !== "any" && !Array.isArray(list)) {
    throw new TypeError(`${path} is ${describe(list)}; it must be "${OWN}", "any", or a list such as ${fixOf(list)}`);
  }
  return new OriginRule(list as OriginList, absent === undefined, path);
}

/** A list, and what is to be done about a value that is not one. */
function fixOf(list: unknown): string {
  const example = '["https://example.com"]';
  if (typeof list === "function") {
    return `["https://*.example.com"]; a function is not called: list the origins, or decide on upgrades in authorize`;
  }
  if (list instanceof RegExp) {
    return `["https://*.example.com", "http://localhost:*"]; origins are compared by scheme, host and port, never as text`;
  }
  if (list === "*" || list === true)
    return `${example}; to allow all pages, write ${FOR_ALL}: origins are then unchecked`;
  if (list === null || list === false || list === "none") return `${example}; to allow no page, write origins: []`;
  if (list === "same-origin" || list === "self" || list === "'self'") return `${example}; write "${OWN}"`;
  if (typeof list !== "string" || !/:|^null$/i.test(list)) return example;
  return isRight(list) ? `["${OWN}", ${JSON.stringify(list)}]` : example;
}
