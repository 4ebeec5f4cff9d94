// In:    a refusal.
// Out:   what was seen, what was wanted, and both in a sentence.
// Never: works on more of what a client sent than a line shows.

import type { RequestHead } from "../head/request-head.js";
import { POLICY, type Refusal } from "./decision.js";
import { handshakeMethod, WEBSOCKET_VERSION } from "./opening-handshake.js";
import type { OriginRule } from "./origin.js";
import type { Policy } from "./policy-rules.js";
import { portsOf, reachable } from "./ports.js";
import { formatOrigin } from "./serialized-origin.js";
import { cut, listed, quoted } from "./shown.js";
import type { SiteRule } from "./site.js";
import { siteWords } from "./site-words.js";

/** Not yet printable. */
interface Words {
  readonly seen: string;
  readonly wanted: string;
  readonly verdict: string;
}

export function wordsOf(refusal: Refusal): Words {
  const { head, arrival, vhost } = refusal;
  switch (refusal.code) {
    case "ORIGIN_REPEATED": {
      const seen = `${head.fieldValues("origin").length} Origin lines`;
      return { seen, wanted: "at most one", verdict: `the request has ${seen}; at most one is allowed` };
    }
    case "FORWARDED_UNREADABLE": {
      const seen = unreadable(refusal);
      return { seen, wanted: "a value that can be read", verdict: seen };
    }
    case "SERVER_NAME_MISMATCH":
      return serverName(refusal);
    case "AUTHORITY_ABSENT": {
      const checked = policyOf(refusal).index.absentHost;
      const allowed =
        checked && `vhost ${checked.name} allows that to health checks alone: ${listed(checked.absentHost!)}`;
      const verdict = `the request names no host, and ${allowed ?? "no vhost is the default"}`;
      return { seen: "no Host", wanted: "a Host", verdict };
    }
    case "NAME_UNSPECIFIED": {
      const [seen, wanted] = [host(refusal), vhostNames(refusal)];
      const why = "is the unspecified address, which servers listen on and clients should not use";
      return { seen, wanted, verdict: `${seen} ${why}; the vhosts are: ${wanted}` };
    }
    case "NAME_UNKNOWN": {
      const [seen, wanted] = [host(refusal), vhostNames(refusal)];
      return { seen, wanted, verdict: `${seen} matches none of the vhosts: ${wanted}` };
    }
    case "NAME_NOT_SERVED": {
      const seen = host(refusal);
      const verdict = `${seen} is not served: the port of vhost ${vhost?.name} is NO_LISTEN`;
      return { seen, wanted: "a vhost that is served", verdict };
    }
    case "SCHEME_MISMATCH": {
      const scheme = cut(head.scheme ?? "");
      const seen = head.httpVersion === "2.0" ? `:scheme ${scheme}` : `scheme ${scheme} of the absolute-form`;
      return { seen, wanted: arrival.scheme, verdict: `${seen} mismatches scheme ${arrival.scheme}` };
    }
    case "SCHEME_REQUIRED":
      return {
        seen: `scheme ${arrival.scheme}`,
        wanted: "https",
        verdict: `vhost ${vhost?.name} requires https, and the request came over ${arrival.scheme}`,
      };
    case "PORT_MISMATCH":
      return port(refusal);
    case "ORIGIN_ABSENT":
    case "ORIGIN_NULL":
    case "ORIGIN_INVALID":
    case "ORIGIN_FOREIGN":
      return origin(refusal, originRuleOf(refusal));
    case "SITE_FOREIGN":
      return siteWords(refusal, siteRuleOf(refusal));
    case "PATH_UNCLAIMED":
      return path(refusal);
    case "PROTOCOL_UNKNOWN": {
      const seen = `:protocol ${cut(head.protocol ?? "")}`;
      const verdict = `${seen} of an extended CONNECT is not supported; expected: websocket`;
      return { seen, wanted: "websocket", verdict };
    }
    case "METHOD_NOT_ALLOWED": {
      const seen = `method ${cut(head.method)}`;
      const wanted = refusal.upgrade ? handshakeMethod(head) : "a method for resources";
      return { seen, wanted, verdict: `${seen} is not allowed; expected: ${wanted}` };
    }
    case "WEBSOCKET_VERSION":
      return handshake(fieldLines(head, "Sec-WebSocket-Version"), WEBSOCKET_VERSION);
    case "WEBSOCKET_KEY":
      return handshake(fieldLines(head, "Sec-WebSocket-Key"), "one line, the base64 of 16 octets");
    case "WEBSOCKET_PROTOCOL":
      return handshake(fieldLines(head, "Sec-WebSocket-Protocol"), "a list of different tokens");
    case "WEBSOCKET_BODY":
      return head.framing.kind === "none"
        ? handshake("END_STREAM", "an open stream")
        : handshake("a request body", "none");
    case "DRAINING": {
      const seen = `${refusal.upgrade ? "upgrade of" : cut(head.method)} ${cut(head.path)}`;
      return { seen, wanted: "a gate that is open", verdict: `${seen} came while the gate was draining` };
    }
    case "NOT_AUTHORIZED": {
      const seen = `upgrade of ${cut(head.path)}`;
      return { seen, wanted: "an upgrade that authorize allows", verdict: `${seen} is not authorized` };
    }
    case "AUTHORIZE_TIMEOUT": {
      const time = `${refusal.timeout} ms`;
      const verdict = `authorize did not answer within ${time}`;
      return { seen: `no answer in ${time}`, wanted: "an answer from authorize", verdict };
    }
    case "UPGRADE_REQUIRED": {
      const seen = `${cut(head.method)} ${cut(head.path)}`;
      const verdict = `${seen} does not ask for an upgrade, and nothing here serves other requests`;
      return { seen, wanted: "an upgrade", verdict };
    }
  }
}

/** Of a refusal by `decide`. */
export function policyOf(refusal: Refusal): Policy {
  return refusal[POLICY]!;
}

/** Of a refusal for its Origin, which comes after the vhost is found. */
export function originRuleOf(refusal: Refusal): OriginRule {
  return siteRuleOf(refusal).origins;
}

/** Of a refusal for the page that it comes from. */
export function siteRuleOf(refusal: Refusal): SiteRule {
  return policyOf(refusal).index.siteOf(refusal.vhost!);
}

function host({ authority }: Refusal): string {
  return authority === null ? "no host" : `host ${cut(authority.uriHost)}`;
}

function vhostNames(refusal: Refusal): string {
  return listed(policyOf(refusal).vhosts, ({ name }) => name);
}

function unreadable({ unreadable }: Refusal): string {
  const { field, element, hop, part } = unreadable!;
  const { problem, value, fault } = part;
  const line = part.line === null ? "" : ` of line ${part.line}`;
  const where = `${field} element ${element} from trusted hop ${hop}, octet ${part.offset}${line}`;
  const shown = quoted(value);
  switch (problem) {
    case "pair":
      return `${where}: ${shown} is not a name=value pair`;
    case "quote":
      return `${where}: ${shown} has a quote that is not closed`;
    case "repeated":
      return `${where}: ${cut(value)} appears twice`;
    case "for":
      return `${where}: for ${shown} is not an address, "unknown" or an _identifier`;
    case "port":
      return `${where}: port ${shown} is not a number from 1 to 65535`;
    case "host":
      return `${where}: host ${shown}: ${fault?.message}`;
    case "proto":
      return `${where}: proto ${shown} is neither http nor https`;
  }
}

function serverName(refusal: Refusal): Words {
  const { serverName, schemeSource, proxy } = refusal.arrival;
  const seen = host(refusal);
  if (serverName === null || serverName === undefined) {
    return {
      seen,
      wanted: "a server name by TLS",
      verdict: `${seen} needs a server name, and the client's TLS had none`,
    };
  }
  const source = schemeSource === "tls" ? "of TLS" : proxy === undefined ? "given" : "by PROXY";
  const wanted = `server name ${cut(serverName)} ${source}`;
  return { seen, wanted, verdict: `${seen} mismatches ${wanted}` };
}

function port(refusal: Refusal): Words {
  const { authority, arrival } = refusal;
  const named = reachable(policyOf(refusal).index.find(authority), arrival);
  const ports = new Set(named.flatMap((vhost) => portsOf(vhost, arrival)));
  const wanted = `vhost port ${ports.size > 0 ? listed([...ports]) : '"local", which is not known'}`;
  const seen = `host port ${refusal.port}`;
  return { seen, wanted, verdict: `${seen} mismatches ${wanted}` };
}

function origin(refusal: Refusal, rule: OriginRule): Words {
  const { code, head, vhost } = refusal;
  const own = rule.ownOrigin(refusal);
  const allowed = [own, listed(rule.written)].filter(Boolean).join(", ");
  const wanted = allowed || (rule.allowsAny ? "any origin" : "no origin");
  const value = quoted(head.fieldValues("origin")[0] ?? "");
  switch (code) {
    case "ORIGIN_ABSENT":
      return { seen: "no Origin", wanted, verdict: `the request has no Origin; allowed: ${wanted}` };
    case "ORIGIN_NULL": {
      const seen = `Origin ${value}`;
      return { seen, wanted, verdict: `${seen} identifies no site; any page can send it; allowed: ${wanted}` };
    }
    case "ORIGIN_FOREIGN": {
      const seen = `origin ${cut(formatOrigin(refusal.origin!))}`;
      const none = `${seen} is not allowed; vhost ${vhost?.name} allows no origin`;
      return {
        seen,
        wanted,
        verdict: allowed === "" ? none : `${seen} matches none of the allowed origins: ${wanted}`,
      };
    }
    default: {
      const seen = `Origin ${value}`;
      return { seen, wanted, verdict: `${seen} is not a scheme, host and port; allowed: ${wanted}` };
    }
  }
}

function path(refusal: Refusal): Words {
  const { head, vhost, pattern } = refusal;
  const seen = `path ${cut(head.path)}`;
  if (pattern !== undefined) {
    const verdict = `the upgrade of ${seen} is left to the server's own listeners, and there are none`;
    return { seen, wanted: "a listener for upgrades", verdict };
  }
  const { patterns } = policyOf(refusal).index.claimsOf(vhost!);
  if (patterns.length === 0) {
    return {
      seen,
      wanted: "no path",
      verdict: `the upgrade of ${seen} is not claimed: vhost ${vhost?.name} has no upgrades`,
    };
  }
  const wanted = listed(patterns);
  return { seen, wanted, verdict: `${seen} matches none of the upgrades: ${wanted}` };
}

function handshake(seen: string, wanted: string): Words {
  return { seen, wanted, verdict: `the opening handshake has ${seen}; expected: ${wanted}` };
}

/** The values of a field, each of its lines. */
function fieldLines(head: RequestHead, name: string): string {
  const values = head.fieldValues(name);
  if (values.length === 0) return `no ${name}`;
  return `${name} ${values.slice(0, 10).map(quoted).join(" and ")}`;
}
