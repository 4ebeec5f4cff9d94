// In:    an accepted request head that is to go on to an http.Server.
// Out:   the octets of that head; the sender's own, but for two exceptions.
// Never: rewrites anything else.

import type { Authority } from "../authority.js";
import type { RequestHead } from "../head.js";

/**
 * The head as the server behind the filter gets it. Octets go on unchanged, except that
 *
 * - under absolute-form the Host value becomes the `authority` that was ruled on, the target's (RFC 9112 §3.2.2) or the one
 *   that a trusted hop says, or the application would read another host than the policy did;
 * - an Upgrade that is not handed over loses its field line, and Connection its `upgrade` (RFC 9110 §7.8 lets a server
 *   ignore it), or the server would stop reading HTTP on this connection.
 */
export function forwardedHead(head: RequestHead, authority: Authority | null): string {
  const namesHost = head.targetForm === "absolute-form";
  const upgrades = head.fieldValues("upgrade").length > 0;
  if (!namesHost && !upgrades) return head.toString();

  // The kernel has read this text as lines that end with CRLF, so splitting finds the same lines.
  const lines = head.toString().split("\r\n");
  const requestLine = lines.findIndex((line) => line !== "");
  const rewritten = lines.flatMap((line, i) => {
    const colon = i > requestLine ? line.indexOf(":") : -1;
    if (colon < 0) return [line];
    const name = line.slice(0, colon).toLowerCase();
    if (upgrades && name === "upgrade") return [];
    if (upgrades && name === "connection") return withoutUpgrade(line.slice(0, colon), line.slice(colon + 1));
    return namesHost && name === "host" ? [] : [line];
  });
  if (namesHost) rewritten.splice(requestLine + 1, 0, `Host: ${authority}`);
  return rewritten.join("\r\n");
}

function withoutUpgrade(name: string, value: string): string[] {
  const options = value.split(",").map((option) => option.trim());
  const kept = options.filter((option) => option !== "" && option.toLowerCase() !== "upgrade");
  return kept.length === 0 ? [] : [`${name}: ${kept.join(", ")}`];
}
