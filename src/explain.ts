// In:    a Decision.
// Out:   the same decision as a sentence for a person.
// Never: decides anything; every value it shows was decided on.

import type { Arrival } from "./arrival.js";
import type { Decision, Refusal } from "./decision.js";
import type { HeadgateError } from "./errors.js";

/**
 * One line: what was seen, what was wanted, where it came from, and the configuration that would accept it.
 *
 *     host port 8080 mismatches vhost port 443 (chat.example.com; port came from Host; scheme https declared); ...
 */
export function explain(decision: Decision): string {
  if (decision.kind === "accepted") return explainAcceptance(decision);
  const remedy = decision.remedy === "" ? "" : `; accepted with ${decision.remedy}`;
  return printable(`${verdict(decision)} (${context(decision)})${remedy}`);
}

/** One line on a head that was no head. */
export function explainError(error: HeadgateError): string {
  return `${error.message} (${error.code} at octet ${error.offset}; ${error.rfc})`;
}

function explainAcceptance(decision: Decision & { kind: "accepted" }): string {
  const what = decision.upgrade ? `upgrade of ${decision.head.path}` : `${decision.head.method} ${decision.head.path}`;
  const claimed = decision.pattern === undefined ? "" : ` by ${decision.pattern}`;
  return printable(`${what} accepted${claimed} (${context(decision)})`);
}

function verdict(refusal: Refusal): string {
  const { code, seen, wanted } = refusal;
  switch (code) {
    case "AUTHORITY_ABSENT":
      return "the request names no host, and no vhost is the default";
    case "NAME_UNKNOWN":
      return `${seen} is none of the vhosts: ${wanted}`;
    case "NAME_NOT_SERVED":
      return `${seen} is taken and not served`;
    case "PORT_MISMATCH":
      return `${seen} mismatches ${wanted}`;
    case "SCHEME_MISMATCH":
      return `${seen} mismatches scheme ${wanted}`;
    case "SCHEME_REQUIRED":
      return `${seen} reaches a vhost that requires ${wanted}`;
    case "PATH_UNCLAIMED":
      return `${seen} is claimed by none of: ${wanted}`;
    case "UPGRADE_REQUIRED":
      return `${seen} is no upgrade, and nothing serves requests here`;
    case "NOT_AUTHORIZED":
      return `${seen} is not authorized`;
    case "AUTHORIZE_TIMEOUT":
      return `the upgrade waited for authorize: ${seen}`;
    case "METHOD_NOT_ALLOWED":
      return `${seen} is not allowed; wanted: ${wanted}`;
    default:
      return `the opening handshake has ${seen}; wanted: ${wanted}`;
  }
}

function context(decision: Decision): string {
  const parts: string[] = [];
  if (decision.vhost !== null) parts.push(decision.vhost.name);
  const { authority, authoritySource } = decision;
  if (authority === null) parts.push("no authority");
  else if (authority.port !== null) parts.push(`port came from ${authoritySource}`);
  else parts.push(`host came from ${authoritySource}, port from scheme ${decision.arrival.scheme}`);
  parts.push(`scheme ${decision.arrival.scheme} ${schemeWords[decision.arrival.schemeSource ?? "given"]}`);
  return parts.join("; ");
}

const schemeWords: Record<NonNullable<Arrival["schemeSource"]>, string> = {
  given: "given",
  tls: "of the socket",
  declared: "declared",
  default: "by default",
};

/** What a client sent may hold any octet; a log line may not. */
function printable(text: string): string {
  const visible = text.replace(/[^\x20-\x7e]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return visible.length > 1000 ? `${visible.slice(0, 997)}...` : visible;
}
