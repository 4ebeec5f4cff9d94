// In:    a refusal for the page that a request comes from; a request that passes if TLS ends at a proxy.
// Out:   what was seen and wanted, and what its owner may configure.
// Never: offers to let every site in.

import { isPlainName } from "../head/authority.js";
import { isExactPath } from "./claims.js";
import type { Acceptance, Refusal } from "./decision.js";
import { ownOrigin } from "./origin.js";
import { formatOrigin, type Origin } from "./serialized-origin.js";
import { cut, isShort, LONGEST_NAME, listed, literal, quoted } from "./shown.js";
import type { SiteRule } from "./site.js";

/** The page, as far as it is known. */
function pageOf({ origin, relation }: Refusal): string {
  if (origin !== null) return `a page of ${cut(formatOrigin(origin))}`;
  return relation === "same-site" || relation === "cross-site" ? `a ${relation} page` : "an unknown page";
}

/** Not yet printable. */
export function siteWords(
  refusal: Refusal,
  { embedding, navigation, origins }: SiteRule,
): { readonly seen: string; readonly wanted: string; readonly verdict: string } {
  const { head, vhost, clause } = refusal;
  const page = pageOf(refusal);
  const own = `a page of ${ownOrigin(refusal) ?? "the own origin"}`;
  const request = `${cut(head.method)} from ${page}`;
  switch (clause) {
    case "prefetch": {
      const seen = `Sec-Purpose ${quoted(head.fieldValues("sec-purpose")[0] ?? "")} from ${page}`;
      const verdict = `${seen}: only the own pages may prefetch; the browser asks again when the user goes there`;
      return { seen, wanted: own, verdict };
    }
    case "referer": {
      const verdict = `${request} has Sec-Fetch-Site same-origin: a service worker may have passed on a form of another site`;
      return { seen: request, wanted: own, verdict };
    }
    case "service-worker": {
      const seen = `${cut(head.method)} with Origin "null" in Sec-Fetch-Mode same-origin`;
      const why = "a service worker may have passed on a form of another site";
      const verdict = `${seen}: ${why}; own pages send their Origin under Referrer-Policy: same-origin`;
      return { seen, wanted: "an Origin", verdict };
    }
    case "unsafe-method": {
      const verdict = `${request}: pages of other origins may send only GET, HEAD and OPTIONS`;
      return { seen: request, wanted: own, verdict };
    }
    case "navigation": {
      const wanted = `navigation ${JSON.stringify(navigation)}`;
      return {
        seen: `a link from ${page}`,
        wanted,
        verdict: `a link from ${page} is not ${wanted} of vhost ${vhost?.name}`,
      };
    }
    default: {
      const pages = typeof embedding === "string" ? JSON.stringify(embedding) : listed(embedding.written) || "no page";
      const others = origins.written.length > 0 ? `, or origins ${listed(origins.written)}` : "";
      const wanted = `embedding ${pages}${others}`;
      return { seen: request, wanted, verdict: `${request} matches none of ${wanted} of vhost ${vhost?.name}` };
    }
  }
}

/** "" if nothing should be configured. */
export function siteRemedy(refusal: Refusal, site: SiteRule): string {
  const { clause, origin, head } = refusal;
  const where = `vhost ${refusal.vhost?.name}`;
  if (clause === "navigation") return `to let the links of every site lead here, set navigation: "any" on ${where}`;
  if (clause === "embedding" && origin !== null) return embed(origin, site, where);
  if (clause !== "unsafe-method" || head.method !== "POST") return "";
  const { path } = head;
  if (path.length > LONGEST_NAME || !isExactPath(path)) return "";
  const lead = "if this is the end of a login at another site";
  if (!isShort(site.callbacks.size + 1)) return `${lead}, add ${JSON.stringify(path)} to the callbacks of ${where}`;
  return `${lead}, set callbacks: ${literal([...site.callbacks, path])} on ${where}`;
}

/** Some names are too long to be offered, or no list takes them. */
export function mayBeListed({ authority }: Origin): boolean {
  if (authority?.kind !== "reg-name") return true;
  return authority.uriHost.length <= LONGEST_NAME && (isPlainName(authority) || authority.uriHost === ".");
}

/** A list would refuse the pages of the same site, where these may embed. */
function embed(origin: Origin, { embedding }: SiteRule, where: string): string {
  if (embedding === "same-site" || !mayBeListed(origin)) return "";
  const text = formatOrigin(origin);
  const lead = `only if the pages of ${text} are yours`;
  const written = typeof embedding === "string" ? [] : embedding.written;
  if (!isShort(written.length + 1)) return `${lead}, add ${JSON.stringify(text)} to the embedding of ${where}`;
  return `${lead}, set embedding: ${literal([...written, text])} on ${where}`;
}

/** What a gate warns of once: it passed, and nothing states that it should. */
export function presumptionWords({ head, vhost, arrival }: Acceptance): string {
  const from = arrival.forwarding?.hop ?? arrival.remoteAddress;
  const trusted = from === undefined ? "[...]" : `["${from}"]`;
  return (
    `${cut(head.method)} for vhost ${vhost.name} arrived as http from a page of https with the same host and port, so TLS seems to ` +
    'end at a proxy, and its pages count as the own ones; if it always does, set scheme: "https"; if the proxy states the ' +
    `scheme in a field, set trust: { from: ${trusted}, forwarded: "rfc7239" } or the X-Forwarded fields that it writes`
  );
}
