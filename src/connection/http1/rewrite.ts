// In:    an accepted request head that is to go on to an http.Server.
// Out:   that head, as sent, with four exceptions: as octets, or as it was read.
// Never: rewrites anything else.

import type { ReadHead } from "../../engine/message-parser.js";
import { type RuledRequest, ruledHost } from "../../handover/ruled-host.js";
import type { RequestHead } from "../../head/request-head.js";
import { members, trimmed } from "../../head/scan.js";

/**
 * The head as the filter passes it to the server. Octets are unchanged, except that
 *
 * - under absolute-form the Host value becomes the authority that was ruled on, or the application would read another host;
 * - an Upgrade that is not handed over loses its field line, and Connection its `upgrade` (RFC 9110 §7.8 lets a server
 *   ignore it), or the server would stop reading HTTP on this connection;
 * - a Connection that llhttp reads differently is written in the form that it reads alike: options with an HTAB around them,
 *   and keep-alive beside close, which is close (RFC 9112 §9.3) though llhttp follows keep-alive in HTTP/1.0;
 * - a Content-Length with an HTAB after its digits, which llhttp refuses, is written without it.
 */
export function forwardedHead(accepted: RuledRequest): string {
  return rewritten(accepted, hasUpgrade(accepted));
}

/** The same head for a parser that takes it as it was read. */
export function forwardedRead(accepted: RuledRequest): ReadHead {
  const head = accepted.head as RequestHead;
  const changes = changesOf(accepted, hasUpgrade(accepted));
  const { rawHeaders } = head;
  const lines: string[] = [];
  let isAsSent = changes.host === null;
  if (changes.host !== null) lines.push("Host", changes.host);
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const value = rawHeaders[i + 1]!;
    const kept = changedValue(name, value, changes);
    if (kept !== null) lines.push(name, kept);
    if (kept !== value) isAsSent = false;
  }
  return { head, lines, isAsSent };
}

/** The head of an upgrade that is left to a server's own listeners: Host is the effective authority, and Upgrade stays. */
export function leftHead(accepted: RuledRequest): string {
  return rewritten(accepted, false);
}

const hasUpgrade = ({ head }: RuledRequest): boolean => head.fieldValues("upgrade").length > 0;

/** What is to change in the field lines of a head. */
interface Changes {
  /** In the place of every Host line, at the beginning; null to keep them. */
  readonly host: string | null;
  readonly dropsUpgrade: boolean;
  /** Options that Connection is not to have, in lower case. */
  readonly dropped: readonly string[];
}

function changesOf(accepted: RuledRequest, dropsUpgrade: boolean): Changes {
  const { head } = accepted;
  const dropped: string[] = [];
  if (dropsUpgrade) dropped.push("upgrade");
  if (head.httpVersion === "1.0" && !head.keepAlive) dropped.push("keep-alive");
  return { host: ruledHost(accepted), dropsUpgrade, dropped };
}

function rewritten(accepted: RuledRequest, dropsUpgrade: boolean): string {
  const text = accepted.head.toString();
  const changes = changesOf(accepted, dropsUpgrade);
  const { host, dropped } = changes;
  if (host === null && dropped.length === 0 && !text.includes("\t")) return text;

  // The kernel has read this text as lines that end with CRLF, so splitting finds the same lines.
  const lines = text.split("\r\n");
  const requestLine = lines.findIndex((line) => line !== "");
  const kept = lines.flatMap((line, i) => {
    const colon = i > requestLine ? line.indexOf(":") : -1;
    if (colon < 0) return [line];
    const name = line.slice(0, colon);
    const sent = line.slice(colon + 1);
    const value = trimmed(sent);
    const changed = changedValue(name, value, changes);
    if (changed === null) return [];
    const isAsSent = changed === value && !(isFraming(name) && sent.includes("\t"));
    return isAsSent ? [line] : [`${name}: ${changed}`];
  });
  if (host !== null) kept.splice(requestLine + 1, 0, `Host: ${host}`);
  return kept.join("\r\n");
}

const isConnection = (name: string): boolean => name.length === 10 && name.toLowerCase() === "connection";

/** The fields with an HTAB that llhttp refuses or misreads. */
const isFraming = (name: string): boolean => isConnection(name) || name.toLowerCase() === "content-length";

/** The value of a field line, the same string if it stays as it was sent; null if the line goes. */
function changedValue(name: string, value: string, { host, dropsUpgrade, dropped }: Changes): string | null {
  switch (name.length) {
    case "host".length:
      return host !== null && name.toLowerCase() === "host" ? null : value;
    case "upgrade".length:
      return dropsUpgrade && name.toLowerCase() === "upgrade" ? null : value;
    case "connection".length:
      return isConnection(name) ? certain(value, dropped) : value;
    default:
      return value;
  }
}

/** The value of Connection without those options; as sent if it has none of them and no HTAB, null if nothing is left. */
function certain(value: string, dropped: readonly string[]): string | null {
  const hasTab = value.includes("\t");
  if (dropped.length === 0 && !hasTab) return value;
  const options = members(value);
  const isDropped = (option: string): boolean => dropped.includes(option.toLowerCase());
  if (!hasTab && !options.some(isDropped)) return value;
  const kept = options.filter((option) => option !== "" && !isDropped(option));
  return kept.length === 0 ? null : kept.join(", ");
}
