// In:    an accepted request head that is to go on to an http.Server.
// Out:   the octets of that head, as sent, with two exceptions.
// Never: rewrites anything else.

import { type Ruled, ruledHost } from "../../handover/ruled-host.js";
import { members } from "../../head/scan.js";

/**
 * The head as the filter passes it to the server. Octets are unchanged, except that
 *
 * - under absolute-form the Host value becomes the authority that was ruled on, or the application would read another host;
 * - an Upgrade that is not handed over loses its field line, and Connection its `upgrade` (RFC 9110 §7.8 lets a server
 *   ignore it), or the server would stop reading HTTP on this connection.
 */
export function forwardedHead(accepted: Ruled): string {
  return rewritten(accepted, accepted.head.fieldValues("upgrade").length > 0);
}

/** The head of an upgrade that is left to a server's own listeners: Host is the effective authority, and Upgrade stays. */
export function leftHead(accepted: Ruled): string {
  return rewritten(accepted, false);
}

function rewritten(accepted: Ruled, dropsUpgrade: boolean): string {
  const { head } = accepted;
  const host = ruledHost(accepted);
  if (host === null && !dropsUpgrade) return head.toString();

  // The kernel has read this text as lines that end with CRLF, so splitting finds the same lines.
  const lines = head.toString().split("\r\n");
  const requestLine = lines.findIndex((line) => line !== "");
  const kept = lines.flatMap((line, i) => {
    const colon = i > requestLine ? line.indexOf(":") : -1;
    if (colon < 0) return [line];
    const name = line.slice(0, colon).toLowerCase();
    if (dropsUpgrade && name === "upgrade") return [];
    if (dropsUpgrade && name === "connection") return withoutUpgrade(line.slice(0, colon), line.slice(colon + 1));
    return host !== null && name === "host" ? [] : [line];
  });
  if (host !== null) kept.splice(requestLine + 1, 0, `Host: ${host}`);
  return kept.join("\r\n");
}

function withoutUpgrade(name: string, value: string): string[] {
  const kept = members(value).filter((option) => option !== "" && option.toLowerCase() !== "upgrade");
  return kept.length === 0 ? [] : [`${name}: ${kept.join(", ")}`];
}
