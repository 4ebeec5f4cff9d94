// In:    what a client states about the page that a request comes from, and the settings of the vhost that it is for.
// Out:   whether it passes, or the code and the clause that refuse it.
// Never: shares code with src/. Written from the clauses of docs/policy.md, one row of a table for each.

export interface SiteAsk {
  readonly method: string;
  readonly path: string;
  readonly upgrade: boolean;
  /** The origin of the request itself, and the same by https where nothing states that its client came by http. */
  readonly own: string;
  readonly presumed: string | null;
  /** The lines of each field. */
  readonly fields: Readonly<Record<SiteField, readonly string[]>>;
}

export type SiteField =
  | "origin"
  | "referer"
  | "sec-fetch-site"
  | "sec-fetch-mode"
  | "sec-fetch-dest"
  | "sec-purpose"
  | "accept";

export interface SiteSettings {
  readonly list: "any" | readonly string[];
  readonly refusesAbsent: boolean;
  readonly embedding: "any" | "same-site" | "same-origin" | readonly string[];
  readonly navigation: "any" | "same-site" | "same-origin";
  readonly callbacks: readonly string[];
}

interface Facts extends SiteAsk, SiteSettings {
  readonly origin: string | undefined;
  readonly isOwnOrigin: boolean;
  readonly isListed: boolean;
  readonly referer: "own" | "foreign" | "none";
  readonly page: string;
  readonly hasMetadata: boolean;
  readonly relation: string;
  readonly isUnsafe: boolean;
}

const oneOf = (values: readonly string[]): string | undefined => (values.length === 1 ? values[0] : undefined);

/** The canonical origin of a URL, as the URL standard has it. */
function originOf(text: string): string | null {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return null;
  const { origin, username } = new URL(text);
  return username === "" ? origin : null;
}

function factsOf(ask: SiteAsk, settings: SiteSettings): Facts {
  const { fields, own, presumed, method } = ask;
  const origin = fields.origin[0];
  const list = settings.list === "any" ? [] : settings.list;
  const isOwn = (text: string): boolean => text === own || text === presumed;
  const isListed = origin !== undefined && list.includes(origin);
  const isOwnOrigin =
    origin !== undefined && ((list.includes("same-authority") && isOwn(origin)) || (isListed && origin === own));
  const [url = "", ...more] = fields.referer;
  const page = more.length > 0 ? null : originOf(url);
  const isUnstated = more.length === 0 && ["", "about:blank"].includes(url);
  const referer = isUnstated ? "none" : page !== null && isOwn(page) ? "own" : "foreign";
  const facts = { ...ask, ...settings, origin, isOwnOrigin, isListed, referer, page: page ?? "" } as const;
  return {
    ...facts,
    hasMetadata: (["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"] as const).some(
      (name) => fields[name].length > 0,
    ),
    relation: relationOf(facts),
    isUnsafe: !["GET", "HEAD", "OPTIONS"].includes(method),
  };
}

/** Clause 3. */
function relationOf({
  fields,
  isOwnOrigin,
  referer,
  origin,
}: Omit<Facts, "hasMetadata" | "relation" | "isUnsafe">): string {
  if (fields["sec-fetch-site"].length > 0) {
    const site = oneOf(fields["sec-fetch-site"]);
    if (site === "none" && referer === "foreign") return "cross-site";
    return ["same-origin", "same-site", "cross-site", "none"].includes(site ?? "") ? site! : "cross-site";
  }
  if (isOwnOrigin || referer === "own") return "same-origin";
  return referer === "foreign" || origin !== undefined ? "cross-site" : "unknown";
}

const isSafe = ({ isUnsafe }: Facts): boolean => !isUnsafe;
const reads = ({ method }: Facts): boolean => method === "GET" || method === "HEAD";
const embeds = ({ embedding }: Facts, text: string | undefined): boolean =>
  Array.isArray(embedding) && text !== undefined && embedding.includes(text);
const isWithin = (scope: unknown, relation: string): boolean =>
  scope === "any" || (scope === "same-site" && relation === "same-site");
const preparing = ["prefetch", "prerender", "prefetch;prerender", "prefetch;anonymous-client-ip", "x, prefetch"];
const isNavigation = (facts: Facts): boolean => {
  if (!reads(facts)) return false;
  const { fields, hasMetadata, origin } = facts;
  if (!hasMetadata) {
    const ranges = fields.accept.flatMap((value) => value.split(",")).map((range) => range.split(";")[0]!.trim());
    return origin === undefined && ranges.includes("text/html");
  }
  const destination = oneOf(fields["sec-fetch-dest"]) ?? "";
  return oneOf(fields["sec-fetch-mode"]) === "navigate" && ["document", "empty"].includes(destination);
};

/** The first row that applies decides. */
const table: readonly (readonly [applies: (facts: Facts) => boolean, verdict: string])[] = [
  // origins: "any" turns it off, but for absent.
  [
    ({ list, origin, refusesAbsent, callbacks, path, method, upgrade }) =>
      list === "any" &&
      origin === undefined &&
      refusesAbsent &&
      (upgrade || method !== "POST" || !callbacks.includes(path)),
    "ORIGIN_ABSENT",
  ],
  [({ list }) => list === "any", "pass"],
  [({ origin }) => origin !== undefined && origin !== "null" && originOf(origin) !== origin, "ORIGIN_INVALID"],
  [({ upgrade, method, callbacks, path }) => !upgrade && method === "POST" && callbacks.includes(path), "pass"],
  // 1
  [({ upgrade, isOwnOrigin, isListed }) => upgrade && (isOwnOrigin || isListed), "pass"],
  [({ upgrade, origin, refusesAbsent }) => upgrade && origin === undefined && !refusesAbsent, "pass"],
  [({ upgrade, origin }) => upgrade && origin === undefined, "ORIGIN_ABSENT"],
  [({ upgrade, origin }) => upgrade && origin === "null", "ORIGIN_NULL"],
  [({ upgrade }) => upgrade, "ORIGIN_FOREIGN"],
  // 2
  [({ isListed, origin, own }) => isListed && origin !== own, "pass"],
  [
    (facts) =>
      facts.origin === "null" &&
      oneOf(facts.fields["sec-fetch-site"]) !== "same-origin" &&
      !(reads(facts) && embeds(facts, "null")),
    "ORIGIN_NULL",
  ],
  [
    (facts) =>
      facts.origin !== undefined &&
      facts.origin !== "null" &&
      !facts.isOwnOrigin &&
      !(reads(facts) && embeds(facts, facts.origin)),
    "ORIGIN_FOREIGN",
  ],
  // 4
  [
    ({ embedding, fields, relation, referer }) =>
      embedding !== "any" &&
      fields["sec-purpose"].some((value) => preparing.includes(value)) &&
      relation !== "same-origin" &&
      referer !== "own",
    "SITE_FOREIGN prefetch",
  ],
  // 5
  [(facts) => facts.relation === "same-origin" && isSafe(facts), "pass"],
  [({ relation, referer }) => relation === "same-origin" && referer === "foreign", "SITE_FOREIGN referer"],
  [
    ({ relation, origin, fields }) =>
      relation === "same-origin" && origin === "null" && fields["sec-fetch-mode"].includes("same-origin"),
    "SITE_FOREIGN service-worker",
  ],
  [({ relation }) => relation === "same-origin", "pass"],
  // 6
  [({ relation, refusesAbsent }) => relation === "unknown" && refusesAbsent, "ORIGIN_ABSENT"],
  [({ relation }) => relation === "unknown" || relation === "none", "pass"],
  // 7
  [({ isUnsafe }) => isUnsafe, "SITE_FOREIGN unsafe-method"],
  // 8
  [(facts) => isNavigation(facts) && isWithin(facts.navigation, facts.relation), "pass"],
  [isNavigation, "SITE_FOREIGN navigation"],
  // 9
  [({ embedding, relation }) => isWithin(embedding, relation), "pass"],
  [(facts) => embeds(facts, facts.origin), "pass"],
  [(facts) => facts.referer === "foreign" && (embeds(facts, facts.page) || facts.list.includes(facts.page)), "pass"],
  [() => true, "SITE_FOREIGN embedding"],
];

export function referenceSite(ask: SiteAsk, settings: SiteSettings): string {
  const facts = factsOf(ask, settings);
  return table.find(([applies]) => applies(facts))![1];
}
