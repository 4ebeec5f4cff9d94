// In:    a ruling.
// Out:   the texts of the page's panels: the verdict, its reasons, what the kernel read.
// Never: touches the page.

import type { RequestHead } from "headgate/parser";
import { explanation, type HeadFault, refusalResponse } from "headgate/policy";
import { latin1 } from "./octets.js";
import type { Part, PartKind } from "./parts.js";
import type { Ruling, Verdict } from "./ruling.js";

/** A term and its description. */
export type Row = readonly [term: string, description: string];

/** Above the explanation: `Refused`, `421 Misdirected Request`, `NAME_UNKNOWN`. */
export function headline(ruling: Ruling, verdict: Verdict): string[] {
  const { kind, statusCode, code } = verdict;
  const parts = [titles[kind]];
  if (statusCode !== null) parts.push(`${statusCode} ${phraseOf(ruling)}`.trim());
  if (code !== null) parts.push(kind === "accepted" ? `reported ${code}` : code);
  return parts;
}

const titles: Readonly<Record<Verdict["kind"], string>> = {
  accepted: "Accepted",
  refused: "Refused",
  malformed: "Malformed",
  incomplete: "Incomplete",
  undecided: "No decision",
};

/** The reason phrase of the response that the client gets. */
function phraseOf({ result, decision }: Ruling): string {
  if (result.kind === "malformed") return refusalResponse(result.fault).statusText;
  return decision?.kind === "refused" ? refusalResponse(decision).statusText : "";
}

/** What the decision was made by. */
export function reasonsOf(ruling: Ruling): Row[] {
  const { result, decision, written } = ruling;
  if (result.kind === "malformed") return placeOf(result.fault, written.octets);
  if (decision === null) return [];
  const { vhost, pattern, host, port, scheme, origin, client, forwarding } = explanation(decision);
  const claim = decision.kind === "accepted" ? decision.claim : undefined;
  return rowsOf([
    ["Vhost", vhost],
    ["Upgrade", pattern === null ? null : `by ${pattern}: ${claim === "LEAVE" ? "left to the server" : claim}`],
    ["Host", host.value === null ? null : `${host.value}, from ${host.source}`],
    ["Port", port.value === null ? null : `${port.value}, from ${port.source}`],
    ["Scheme", `${scheme.value}, ${scheme.source}`],
    ["Origin", origin.join(", ")],
    ["Client", client.address],
    [
      "Forwarding",
      forwarding === null ? null : `${forwarding.field}, element ${forwarding.element} from ${forwarding.hop}`,
    ],
  ]);
}

/** Where a fault is, and the specification that it departs from. */
function placeOf({ offset, source }: HeadFault, octets: Uint8Array): Row[] {
  const before = latin1(octets.subarray(0, offset)).split("\n");
  const octet = octets[offset];
  return rowsOf([
    ["Octet", `${offset}, counted from 0`],
    ["Line", `${before.length}, octet ${before.at(-1)!.length + 1}`],
    ["Value", octet === undefined ? null : nameOf(octet)],
    ["Source", source],
  ]);
}

/** An octet in hexadecimal, and as people know it. */
export function nameOf(octet: number): string {
  const hex = `0x${octet.toString(16).padStart(2, "0").toUpperCase()}`;
  const name = { 0: "NUL", 9: "HTAB", 10: "LF", 13: "CR", 32: "SP", 127: "DEL" }[octet];
  if (name !== undefined) return `${hex}, ${name}`;
  return octet > 32 && octet < 127 ? `${hex}, ${String.fromCharCode(octet)}` : hex;
}

/** What the kernel read: of an incomplete or malformed head, what came before its end or the fault. */
export function factsOf({ result, written, parts }: Ruling): Row[] {
  if (result.kind !== "complete") return factsOfBeginning(written.octets, parts);
  const { head, consumed } = result;
  const { authority } = head;
  const after = written.octets.length - consumed;
  return rowsOf([
    ["Method", head.method],
    ["Target", `${head.requestTarget} (${head.targetForm})`],
    ["Path", head.path],
    ["Query", head.query],
    ["Version", `HTTP/${head.httpVersion}`],
    ["Authority", authority === null ? "none" : `${authority} (${authority.kind}, from ${head.authorityField})`],
    ["Upgrade", head.upgrade.join(", ")],
    ["Content", contentOf(head)],
    ["Connection", head.keepAlive ? "persists" : "closes"],
    ["Field lines", String(head.rawHeaders.length / 2)],
    ["Octets", after === 0 ? String(consumed) : `${consumed}, and ${after} after the head`],
  ]);
}

function factsOfBeginning(octets: Uint8Array, parts: readonly Part[]): Row[] {
  const textOf = (kind: PartKind): string | null => {
    const part = parts.find((each) => each.kind === kind);
    return part === undefined ? null : latin1(octets.subarray(part.start, part.end));
  };
  const names = parts.filter(({ kind }) => kind === "name").length;
  return rowsOf([
    ["Method", textOf("method")],
    ["Target", textOf("target")],
    ["Version", textOf("version")],
    ["Field names", names === 0 ? null : String(names)],
  ]);
}

function contentOf({ framing }: RequestHead): string {
  if (framing.kind === "content-length") return `${framing.length} octets, by Content-Length`;
  return framing.kind === "chunked" ? "chunked" : "none";
}

/** Without those that there is nothing for. */
function rowsOf(rows: readonly (readonly [string, string | null])[]): Row[] {
  return rows.filter((row): row is Row => row[1] !== null && row[1] !== "");
}
