// In:    the result of headgate or of the reference parser for some octets.
// Out:   the same answer as one plain value, so that two of them can be compared.
// Never: hides a difference; every property of a head is in it.

import type { Authority } from "#src/head/authority.js";
import type { HeadResult } from "#src/head/parse.js";
import type { Framing, RequestHead } from "#src/head/request-head.js";
import { type ReferenceAuthority, type ReferenceResult, referenceAuthority } from "../reference/request-head.js";

interface AuthorityAnswer {
  uriHost: string;
  kind: string;
  port: number | null;
}

export type Answer =
  | { kind: "partial" }
  | { kind: "malformed"; code: string; offset: number }
  | {
      kind: "complete";
      consumed: number;
      method: string;
      requestTarget: string;
      targetForm: string;
      httpVersion: string;
      path: string;
      query: string | null;
      scheme: string | null;
      host: AuthorityAnswer | null;
      authority: AuthorityAnswer | null;
      fields: [string, string][];
      framing: Framing;
      keepAlive: boolean;
      upgrade: string[];
    };

const octets = (text: string): Uint8Array => Buffer.from(text, "latin1");

export function answerOf(result: HeadResult): Answer {
  if (result.kind === "partial") return { kind: "partial" };
  if (result.kind === "malformed") return { kind: "malformed", code: result.fault.code, offset: result.fault.offset };
  return { kind: "complete", consumed: result.consumed, ...headAnswer(result.head) };
}

function headAnswer(head: RequestHead) {
  const { method, requestTarget, targetForm, httpVersion, path, query, scheme, framing, keepAlive, upgrade } = head;
  const fields: [string, string][] = [];
  for (let i = 0; i < head.rawHeaders.length; i += 2) fields.push([head.rawHeaders[i]!, head.rawHeaders[i + 1]!]);
  const host = authorityAnswer(head.host);
  const authority = authorityAnswer(head.authority);
  return {
    method,
    requestTarget,
    targetForm,
    httpVersion,
    path,
    query,
    scheme,
    host,
    authority,
    fields,
    framing,
    keepAlive,
    upgrade,
  };
}

/** IPv6 addresses are shown by their pieces, which the reference reads by itself. */
export function authorityAnswer(authority: Authority | null): AuthorityAnswer | null {
  if (authority === null) return null;
  const { uriHost, kind, port } = authority;
  if (kind !== "IP-literal") return { uriHost, kind, port };
  const again = referenceAuthority(octets(uriHost));
  if (again.kind === "malformed") throw new Error(`uriHost ${uriHost} is not an authority`);
  return { uriHost: again.authority.ipv6!.join(), kind, port };
}

function referenceAuthorityAnswer(authority: ReferenceAuthority | null): AuthorityAnswer | null {
  if (authority === null) return null;
  const { text, kind, port, ipv6 } = authority;
  if (kind === "IP-literal") return { uriHost: ipv6!.join(), kind, port };
  const lower = text.toLowerCase();
  return { uriHost: kind === "reg-name" ? lower.replace(/\.$/, "") : lower, kind, port };
}

export function referenceAnswer(result: ReferenceResult): Answer {
  if (result.kind !== "complete") return result;
  const { head } = result;
  const host = referenceAuthorityAnswer(head.host);
  return {
    kind: "complete",
    consumed: head.consumed,
    method: head.method,
    requestTarget: head.requestTarget,
    targetForm: head.targetForm,
    httpVersion: head.httpVersion,
    path: head.path,
    query: head.query,
    scheme: head.scheme === null ? null : head.scheme.toLowerCase(),
    host,
    authority: referenceAuthorityAnswer(head.targetAuthority) ?? host,
    fields: head.fields,
    framing: head.framing,
    keepAlive: head.keepAlive,
    upgrade: head.upgrade,
  };
}
