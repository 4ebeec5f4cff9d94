// In:    an accepted request head that is to go on to an http.Server, as octets or as Node has read it.
// Out:   the same; the sender's own, but for two exceptions.
// Never: rewrites anything else.

import type { IncomingMessage } from "node:http";
import type { RequestHead } from "../head.js";

/**
 * The head as the server behind the filter gets it. Octets go on unchanged, except that
 *
 * - under absolute-form the Host value becomes the effective authority (RFC 9112 §3.2.2), or the application would read
 *   another host than the policy ruled on;
 * - an Upgrade that is not handed over loses its field line, and Connection its `upgrade` (RFC 9110 §7.8 lets a server
 *   ignore it), or the server would stop reading HTTP on this connection.
 */
export function forwardedHead(head: RequestHead): string {
  return rewritten(head, head.fieldValues("upgrade").length > 0);
}

/** The head of an upgrade that is left to a server's own listeners: its Host is the effective authority, and its Upgrade stays. */
export function leftHead(head: RequestHead): string {
  return rewritten(head, false);
}

/** Under absolute-form the effective authority, as a Host value; null where Host is what was sent. */
export function overruledHost(head: RequestHead): string | null {
  return head.targetForm === "absolute-form" ? String(head.authority) : null;
}

function rewritten(head: RequestHead, dropsUpgrade: boolean): string {
  const host = overruledHost(head);
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
  const options = value.split(",").map((option) => option.trim());
  const kept = options.filter((option) => option !== "" && option.toLowerCase() !== "upgrade");
  return kept.length === 0 ? [] : [`${name}: ${kept.join(", ")}`];
}

/** Raw headers, name, value, name, value, in which Host is the effective authority. */
export function rawHeadersOf(head: RequestHead): string[] {
  const host = overruledHost(head);
  const { rawHeaders } = head;
  if (host === null) return rawHeaders;
  const others = rawHeaders.filter((_, i) => rawHeaders[i & ~1]!.toLowerCase() !== "host");
  return ["Host", host, ...others];
}

/** Lets every view of a request that Node has read show the effective authority as its Host. */
export function showAuthority(request: IncomingMessage, head: RequestHead): void {
  const host = overruledHost(head);
  if (host === null) return;
  // The array stays the same one: Node makes the other views of it, when they are first asked for.
  request.rawHeaders.splice(0, Number.POSITIVE_INFINITY, ...rawHeadersOf(head));
  request.headers.host = host;
  request.headersDistinct.host = [host];
}
