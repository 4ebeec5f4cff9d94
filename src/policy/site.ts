// In:    a request that is for a vhost, and what browsers state about the page that it comes from.
// Out:   whether it passes; otherwise the code, and the clause of the rule that refuses it.
// Never: makes a sentence, or asks Fetch metadata about an upgrade.

import type { RequestHead } from "../head/request-head.js";
import { type OriginContext, type OriginRule, ownOrigin, presumedOrigin } from "./origin.js";
import type { OriginSet } from "./origin-set.js";
import { type Page, readReferer } from "./referer.js";
import { formatOrigin, type Origin, parseOrigin } from "./serialized-origin.js";

/** How a page is related to the origin that it asks (Fetch Metadata §2.3); `unknown` if nothing states it. */
export type Relation = "same-origin" | "same-site" | "cross-site" | "none" | "unknown";

/**
 * Why a request is `SITE_FOREIGN`:
 * - `prefetch`: a browser prepares a navigation for a page of another origin;
 * - `referer`: an unsafe method of the own origin whose Referer is another origin: a service worker has passed a form on;
 * - `service-worker`: the same without a Referer, which leaves `Origin: null` in mode same-origin;
 * - `unsafe-method`: any method but GET, HEAD and OPTIONS from another origin;
 * - `navigation`, `embedding`: the settings of these names.
 */
export type SiteClause = "prefetch" | "referer" | "service-worker" | "unsafe-method" | "navigation" | "embedding";

/** Which pages of other origins: all of them; those of the same site, as browsers count it; none. */
export type SiteScope = "any" | "same-site" | "same-origin";

/** Why a request does not pass. */
interface SiteFault {
  readonly code: "ORIGIN_ABSENT" | "ORIGIN_NULL" | "ORIGIN_INVALID" | "ORIGIN_FOREIGN" | "SITE_FOREIGN";
  /** Of ORIGIN_FOREIGN: the Origin. Of SITE_FOREIGN: the origin of Referer, if that is foreign and can be read. */
  readonly origin: Origin | null;
  /** Of SITE_FOREIGN. */
  readonly clause?: SiteClause;
  readonly relation?: Relation;
}

/** `presumes TLS`: it passes if TLS ends at a proxy, since a page of https then is the own one. */
type SiteVerdict = "passes" | "presumes TLS" | SiteFault;

/** The members of a ruling that the rule reads. */
interface SiteContext extends OriginContext {
  readonly head: RequestHead;
  readonly upgrade: boolean;
}

/** What may be shared between two requests of a connection whose other ruled fields are the same. */
export type Sharing = "any method" | "safe methods" | "same fields" | "nothing";

/** What Origin states. */
interface Sender {
  /** Canonical, or `null`; undefined without Origin. */
  readonly text: string | undefined;
  readonly origin: Origin | null;
  /** Maybe only if TLS ends at a proxy. */
  readonly isOwn: boolean;
  readonly isListed: boolean;
}

const NO_SENDER: Sender = { text: undefined, origin: null, isOwn: false, isListed: false };
const relations: ReadonlySet<string> = new Set<Relation>(["same-origin", "same-site", "cross-site", "none"]);
const absent: SiteFault = { code: "ORIGIN_ABSENT", origin: null };
const invalid: SiteFault = { code: "ORIGIN_INVALID", origin: null };

function passed(presumes: boolean): SiteVerdict {
  return presumes ? "presumes TLS" : "passes";
}

/** GET, HEAD and OPTIONS, which a page may send anywhere without asking, and which change nothing (RFC 9110 §9.2.1). */
export function isSafe(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

/** The rule of one vhost: its settings `origins`, `embedding`, `navigation` and `callbacks`. docs/policy.md has the clauses. */
export class SiteRule {
  readonly origins: OriginRule;
  readonly embedding: SiteScope | OriginSet;
  readonly navigation: SiteScope;
  /** Exact paths. */
  readonly callbacks: ReadonlySet<string>;
  /** Of safe methods, only a foreign Origin is refused. */
  readonly #isOpen: boolean;

  /** @internal */
  constructor(
    origins: OriginRule,
    embedding: SiteScope | OriginSet,
    navigation: SiteScope,
    callbacks: ReadonlySet<string>,
  ) {
    this.origins = origins;
    this.embedding = embedding;
    this.navigation = navigation;
    this.callbacks = callbacks;
    this.#isOpen = embedding === "any" && navigation === "any";
  }

  /** Rules on a request by the value of its Origin. `mayPresume`: nothing states the scheme of clients, and it could be declared. */
  rule(value: string | undefined, request: SiteContext, mayPresume: boolean): SiteVerdict {
    const { origins } = this;
    const { head, upgrade } = request;
    if (origins.allowsAny) {
      return value !== undefined || origins.allowsAbsent || this.#isCallback(request) ? "passes" : absent;
    }
    const isOpen = !upgrade && this.#isOpen && isSafe(head.method);
    // Most requests, without reading what need not be read.
    if (isOpen && value === undefined && origins.allowsAbsent) return "passes";
    const own = ownOrigin(request);
    if (isOpen && this.#isOwnOrAbsent(value, own)) return "passes";
    const presumed = mayPresume ? presumedOrigin(request) : null;
    const from = this.#senderOf(value, own, presumed);
    if (from === null) return invalid;
    if (this.#isCallback(request)) return "passes";
    if (from.isListed && (upgrade || from.text !== own)) return "passes";
    if (from.text !== undefined && !from.isOwn && (upgrade || !this.#goesOn(head, from))) {
      return { code: from.origin === null ? "ORIGIN_NULL" : "ORIGIN_FOREIGN", origin: from.origin };
    }
    const presumes = from.isOwn && from.text !== own;
    if (upgrade) return from.text === undefined && !origins.allowsAbsent ? absent : passed(presumes);
    const page = readReferer(head.fieldValues("referer"), own, presumed);
    return this.#ofRequest(head, from, page) ?? passed(presumes || page.isPresumed);
  }

  /** What another request of the same connection, authority and Origin needs in common with one that passed. */
  sharing(method: string, value: string | undefined, context: OriginContext): Sharing {
    if (this.origins.allowsAny && (this.origins.allowsAbsent || value !== undefined)) return "any method";
    const isRead = !this.#isOpen || !isSafe(method);
    if (!isRead && this.#isOwnOrAbsent(value, value === undefined ? null : ownOrigin(context))) return "safe methods";
    return method === "POST" && this.callbacks.size > 0 ? "nothing" : "same fields";
  }

  #isOwnOrAbsent(value: string | undefined, own: string | null): boolean {
    return value === undefined ? this.origins.allowsAbsent : value === own && this.origins.sameAuthority;
  }

  /** Null for an Origin that cannot be read. What browsers send is canonical text; if that is known, it is not read. */
  #senderOf(value: string | undefined, own: string | null, presumed: string | null): Sender | null {
    const { origins } = this;
    if (value === undefined) return NO_SENDER;
    const isWritten = origins.lists(value, null);
    const isOwnText = value === own;
    if (isWritten || value === "null" || (isOwnText && origins.sameAuthority)) {
      return { text: value, origin: null, isOwn: isOwnText, isListed: isWritten };
    }
    const origin = parseOrigin(value);
    if (origin === null) return null;
    const text = formatOrigin(origin);
    const isListed = origins.lists(text, origin);
    const isOwn = text === own ? origins.sameAuthority || isListed : origins.sameAuthority && text === presumed;
    return { text, origin, isOwn, isListed };
  }

  /** Logins that end with a form (OpenID Connect `form_post`) come from another site. */
  #isCallback({ head, upgrade }: SiteContext): boolean {
    return this.callbacks.size > 0 && !upgrade && head.method === "POST" && this.callbacks.has(head.path);
  }

  /** An Origin that is neither the own nor a listed one, and does not decide. */
  #goesOn(head: RequestHead, { text, origin }: Sender): boolean {
    if (text === "null" && only(head.fieldValues("sec-fetch-site")) === "same-origin") return true;
    const isRead = head.method === "GET" || head.method === "HEAD";
    return isRead && typeof this.embedding === "object" && this.embedding.has(text!, origin);
  }

  #ofRequest(head: RequestHead, from: Sender, page: Page): SiteFault | null {
    const { embedding, navigation } = this;
    const relation = relationOf(head, from, page);
    const refuse = (clause: SiteClause): SiteFault => {
      return { code: "SITE_FOREIGN", origin: page.origin, clause, relation };
    };
    const isPrepared = embedding !== "any" && relation !== "same-origin" && page.kind !== "own" && isPrefetch(head);
    if (isPrepared) return refuse("prefetch");
    if (relation === "same-origin") {
      if (isSafe(head.method)) return null;
      if (page.kind === "foreign") return refuse("referer");
      const isLaundered = from.text === "null" && head.fieldValues("sec-fetch-mode").includes("same-origin");
      return isLaundered ? refuse("service-worker") : null;
    }
    if (relation === "unknown") return this.origins.allowsAbsent ? null : absent;
    if (relation === "none") return null;
    if (!isSafe(head.method)) return refuse("unsafe-method");
    if (isNavigation(head, from)) return isWithin(navigation, relation) ? null : refuse("navigation");
    return this.#mayEmbed(relation, from, page) ? null : refuse("embedding");
  }

  #mayEmbed(relation: Relation, { text, origin }: Sender, page: Page): boolean {
    const { embedding, origins } = this;
    const isForeign = page.kind === "foreign";
    if (isForeign && origins.lists(page.text, page.origin)) return true;
    if (typeof embedding === "string") return isWithin(embedding, relation);
    const isSender = text !== undefined && embedding.has(text, origin);
    return isSender || (isForeign && embedding.has(page.text, page.origin));
  }
}

function isWithin(scope: SiteScope, relation: Relation): boolean {
  return scope === "any" || (scope === "same-site" && relation === "same-site");
}

/** The value of a field that came once. */
function only(values: readonly string[]): string | undefined {
  return values.length === 1 ? values[0] : undefined;
}

/** By Sec-Fetch-Site; without it, by Origin and Referer. */
function relationOf(head: RequestHead, from: Sender, page: Page): Relation {
  const sites = head.fieldValues("sec-fetch-site");
  if (sites.length === 0) {
    if (from.isOwn || page.kind === "own") return "same-origin";
    return page.kind === "foreign" || from.text !== undefined ? "cross-site" : "unknown";
  }
  const site = only(sites);
  if (site === undefined || !relations.has(site)) return "cross-site";
  // Speculation rules of any page are sent as if the user had asked.
  return site === "none" && page.kind === "foreign" ? "cross-site" : (site as Relation);
}

/** A list of tokens with parameters (RFC 8941): `prefetch`, `prefetch;prerender`. */
const PREFETCH = /(?:^|[\s,;])(?:prefetch|prerender)(?:[\s,;]|$)/i;

function isPrefetch(head: RequestHead): boolean {
  return head.fieldValues("sec-purpose").some((value) => PREFETCH.test(value));
}

/** A media range of Accept (RFC 9110 §12.5.1). */
const TEXT_HTML = /(?:^|,)[ \t]*text\/html[ \t]*(?:[;,]|$)/i;

/** A page that takes the place of the one that asks. Without metadata, by what browsers accept then, and no script can hide. */
function isNavigation(head: RequestHead, { text }: Sender): boolean {
  if (head.method === "OPTIONS") return false;
  const modes = head.fieldValues("sec-fetch-mode");
  const destinations = head.fieldValues("sec-fetch-dest");
  if (modes.length + destinations.length === 0 && head.fieldValues("sec-fetch-site").length === 0) {
    return text === undefined && head.fieldValues("accept").some((value) => TEXT_HTML.test(value));
  }
  const destination = only(destinations);
  return only(modes) === "navigate" && (destination === "document" || destination === "empty");
}
