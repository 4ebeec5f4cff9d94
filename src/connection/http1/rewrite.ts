// In:    an accepted request head that is to go on to an http.Server.
// Out:   the octets of that head, as sent, with three exceptions.
// Never: rewrites anything else.

import { type Ruled, ruledHost } from "../../handover/ruled-host.js";
import { members } from "../../head/scan.js";

/**
 * The head as the filter passes it to the server. Octets are unchanged, except that
 *
 * - under absolute-form the Host value becomes the authority that was ruled on, or the application would read another host;
 * - an Upgrade that is not handed over loses its field line, and Connection its `upgrade` (RFC 9110 §7.8 lets a server
 *   ignore it), or the server would stop reading HTTP on this connection;
 * - a Connection that llhttp reads differently is written in the form that it reads alike: options with an HTAB around them,
 *   and keep-alive beside close, which is close (RFC 9112 §9.3) though llhttp follows keep-alive in HTTP/1.0.
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
  const text = head.toString();
  const host = ruledHost(accepted);
  const dropped = new Set<string>();
  if (dropsUpgrade) dropped.add("upgrade");
  if (head.httpVersion === "1.0" && !head.keepAlive) dropped.add("keep-alive");
  if (host === null && dropped.size === 0 && !text.includes("\t")) return text;

  // The kernel has read this text as lines that end with CRLF, so splitting finds the same lines.
  const lines = text.split("\r\n");
  const requestLine = lines.findIndex((line) => line !== "");
  const kept = lines.flatMap((line, i) => {
    const colon = i > requestLine ? line.indexOf(":") : -1;
    if (colon < 0) return [line];
    const name = line.slice(0, colon).toLowerCase();
    if (dropsUpgrade && name === "upgrade") return [];
    if (name === "connection") return [certain(line, colon, dropped)].flat();
    return host !== null && name === "host" ? [] : [line];
  });
  if (host !== null) kept.splice(requestLine + 1, 0, `Host: ${host}`);
  return kept.join("\r\n");
}

/** A Connection line without those options; as sent if it has none of them and no HTAB, no line if nothing is left. */
function certain(line: string, colon: number, dropped: ReadonlySet<string>): string | [] {
  const options = members(line.slice(colon + 1));
  const kept = options.filter((option) => option !== "" && !dropped.has(option.toLowerCase()));
  if (!line.includes("\t") && !options.some((option) => dropped.has(option.toLowerCase()))) return line;
  return kept.length === 0 ? [] : `${line.slice(0, colon)}: ${kept.join(", ")}`;
}
