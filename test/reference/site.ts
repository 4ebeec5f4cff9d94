// In:    what a request states about the page that it comes from, and the settings of its vhost.
// Out:   `pass`, or the code and clause of its refusal, by the rule of docs/policy.md, clause by clause.
// Never: shares code with src/; slow and plain on purpose.

export interface ReferenceSettings {
  /** Origins that are listed, besides the own one; `any` turns the rule off. */
  readonly origins: readonly string[] | "any";
  readonly absent: "pass" | "refuse";
  readonly embedding: "any" | "same-site" | "same-origin" | readonly string[];
  readonly navigation: "any" | "same-site" | "same-origin";
  readonly callbacks: readonly string[];
}

export interface ReferenceRequest {
  readonly own: string;
  readonly upgrade: boolean;
  readonly method: string;
  readonly path: string;
  readonly origin: string | undefined;
  /** Origins of pages; each line one. */
  readonly referer: readonly string[];
  readonly site: readonly string[];
  readonly mode: string | undefined;
  readonly dest: string | undefined;
  readonly purpose: string | undefined;
  readonly accept: string | undefined;
}

type Relation = "same-origin" | "same-site" | "cross-site" | "none" | "unknown";

export function referenceSite(settings: ReferenceSettings, request: ReferenceRequest): string {
  const { origins, absent, embedding, navigation, callbacks } = settings;
  const { own, upgrade, method, path, origin, referer, site, mode, dest, purpose, accept } = request;
  const unsafe = !["GET", "HEAD", "OPTIONS"].includes(method);
  const isCallback = !upgrade && method === "POST" && callbacks.includes(path);
  const ofAbsent = absent === "refuse" ? "ORIGIN_ABSENT" : "pass";

  if (origins === "any") return origin === undefined && !isCallback ? ofAbsent : "pass";
  if (isCallback) return "pass";

  const isOwn = origin === own;
  const isListed = origin !== undefined && origins.includes(origin);

  // 1. Upgrades: Origin decides.
  if (upgrade) {
    if (origin === undefined) return ofAbsent;
    if (isOwn || isListed) return "pass";
    return origin === "null" ? "ORIGIN_NULL" : "ORIGIN_FOREIGN";
  }

  // 2. An Origin that is neither own nor listed, but for two that go on; a listed one passes.
  if (isListed && !isOwn) return "pass";
  if (origin !== undefined && !isOwn) {
    const embeds = (method === "GET" || method === "HEAD") && Array.isArray(embedding) && embedding.includes(origin);
    const isHidden = origin === "null" && site.length === 1 && site[0] === "same-origin";
    if (!embeds && !isHidden) return origin === "null" ? "ORIGIN_NULL" : "ORIGIN_FOREIGN";
  }

  // 3. The relation.
  const page = referer.length === 0 ? "absent" : referer.length === 1 && referer[0] === own ? "own" : "foreign";
  let relation: Relation;
  if (site.length === 0) {
    if (isOwn) relation = "same-origin";
    else if (page === "own") relation = "same-origin";
    else if (page === "foreign") relation = "cross-site";
    else relation = origin === undefined ? "unknown" : "cross-site";
  } else {
    const known = site.length === 1 && ["same-origin", "same-site", "cross-site", "none"].includes(site[0]!);
    relation = known ? (site[0] as Relation) : "cross-site";
    if (relation === "none" && page === "foreign") relation = "cross-site";
  }

  // 4. Prefetch and prerender.
  const isPrefetch = purpose === "prefetch" || purpose === "prefetch;prerender" || purpose === "prerender";
  if (isPrefetch && embedding !== "any" && relation !== "same-origin" && page !== "own") return "SITE_FOREIGN prefetch";

  // 5. The own pages.
  if (relation === "same-origin") {
    if (unsafe && page === "foreign") return "SITE_FOREIGN referer";
    if (unsafe && origin === "null" && mode === "same-origin") return "SITE_FOREIGN service-worker";
    return "pass";
  }

  // 6. Programs, and the user.
  if (relation === "unknown") return ofAbsent;
  if (relation === "none") return "pass";

  // 7. Other sites.
  if (unsafe) return "SITE_FOREIGN unsafe-method";

  const within = (scope: string): boolean => scope === "any" || (scope === "same-site" && relation === "same-site");

  // 8. Navigations.
  const hasMetadata = site.length > 0 || mode !== undefined || dest !== undefined;
  const isNavigation =
    method !== "OPTIONS" &&
    (hasMetadata
      ? mode === "navigate" && (dest === "document" || dest === "empty")
      : origin === undefined && accept !== undefined && accept.includes("text/html"));
  if (isNavigation) return within(navigation) ? "pass" : "SITE_FOREIGN navigation";

  // 9. The rest: what a page embeds.
  const [from] = referer.length === 1 ? referer : [];
  if (from !== undefined && origins.includes(from)) return "pass";
  if (typeof embedding === "string") return within(embedding) ? "pass" : "SITE_FOREIGN embedding";
  const isEmbedded = [origin, from].some((each) => each !== undefined && embedding.includes(each));
  return isEmbedded ? "pass" : "SITE_FOREIGN embedding";
}
