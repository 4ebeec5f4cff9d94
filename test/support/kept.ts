// In:    octets that fuzzers have made, and what readers make of them in a few words.
// Out:   for each such outcome the shortest octets that have it, in a file from one run to the next.
// Never: keeps two octet strings of one outcome, or octets that could be shorter by a piece.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseRequestHead } from "#src/parser.js";
import { readMessages } from "./messages.js";
import { nodeParserMissing, readByNode } from "./node-parser.js";
import { octetsOf } from "./tcp.js";
import type { WholeCase } from "./whole-differential.js";

/** Octets with what else belongs to a case, as plain data. */
interface Kept<Rest> {
  readonly outcome: string;
  /** One character for each octet. */
  readonly octets: string;
  readonly rest: Rest;
}

const latin1 = (octets: Uint8Array): string => Buffer.from(octets).toString("latin1");

/** Octets of the longest piece that is left out at any place; a line such as `a:` with its line end is shorter. */
const SHORT = 8;

/**
 * The shortest octets that still satisfy `holds`, found by leaving out pieces, of half the length down to single octets,
 * and by writing `a` for octets that do not matter. `holds` is true for `octets`.
 */
export function minimised(octets: Uint8Array, holds: (octets: Uint8Array) => boolean): Uint8Array {
  let best = octets;
  const without = (size: number): void => {
    for (let at = 0; at < best.length; ) {
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if (holds(shorter)) best = shorter;
      else at += size;
    }
  };
  for (let size = best.length >> 1; size > SHORT; size >>= 1) without(size);
  // What is left out, or made plain, may free other octets.
  for (let before: Uint8Array | null = null; before !== best; ) {
    before = best;
    for (let size = SHORT; size >= 1; size--) without(size);
    for (let at = 0; at < best.length; at++) {
      const plainer = Uint8Array.from(best);
      plainer[at] = 0x61;
      if (best[at] !== 0x61 && holds(plainer)) best = plainer;
    }
  }
  return best;
}

/** Outcomes that have been seen, each with its shortest octets; from a file, and back into it. */
export class Keeper<Rest> {
  readonly #path: string;
  readonly #outcomeOf: (octets: Uint8Array, rest: Rest) => string;
  readonly #kept = new Map<string, Kept<Rest>>();
  /** How many outcomes are new, or have shorter octets than before. */
  changes = 0;

  constructor(path: string, outcomeOf: (octets: Uint8Array, rest: Rest) => string) {
    this.#path = path;
    this.#outcomeOf = outcomeOf;
    if (!existsSync(path)) return;
    for (const kept of JSON.parse(readFileSync(path, "utf8")) as Kept<Rest>[]) this.#kept.set(kept.outcome, kept);
  }

  get cases(): readonly Kept<Rest>[] {
    return [...this.#kept.values()];
  }

  get seeds(): Uint8Array[] {
    return this.cases.map(({ octets }) => octetsOf(octets));
  }

  /** Keeps the octets, made as short as they can be, if their outcome is new or what is kept of it is longer. */
  offer(octets: Uint8Array, rest: Rest): void {
    const outcome = this.#outcomeOf(octets, rest);
    const known = this.#kept.get(outcome);
    if (known !== undefined && known.octets.length <= octets.length) return;
    const shortest = minimised(octets, (shorter) => this.#outcomeOf(shorter, rest) === outcome);
    this.#kept.set(outcome, { outcome, octets: latin1(shortest), rest });
    this.changes++;
  }

  /** Writes the file, sorted by outcome, if anything has changed. */
  save(): void {
    if (this.changes === 0) return;
    const sorted = this.cases.toSorted((one, other) => (one.outcome < other.outcome ? -1 : 1));
    writeFileSync(this.#path, `[\n${sorted.map((each) => `  ${JSON.stringify(each)}`).join(",\n")}\n]\n`);
  }
}

/** Where an offset is: in the start-line, in a field whose value decides how the message is read, in another, or after them. */
function placeOf(text: string, offset: number): string {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const before = text.slice(0, lineStart).trimStart();
  if (before === "") return "start-line";
  if (before.includes("\r\n\r\n")) return "body";
  const name = /^([\w-]+):/.exec(text.slice(lineStart))?.[1]?.toLowerCase() ?? "";
  const decides = ["host", "content-length", "transfer-encoding", "connection", "upgrade", "proxy-connection"];
  return decides.includes(name) ? name : "field";
}

/** What headgate and Node's parser make of a head, in words. */
export function outcomeOfHead(octets: Uint8Array): string {
  const result = parseRequestHead(octets);
  if (result.kind === "partial") return `partial in ${placeOf(latin1(octets), octets.length)}`;
  if (result.kind === "malformed") return `${result.fault.code} in ${placeOf(latin1(octets), result.fault.offset)}`;
  const { head } = result;
  const { targetForm, httpVersion, framing, keepAlive, upgrade, authority } = head;
  const words = ["accepted", targetForm, httpVersion, framing.kind, authority?.kind ?? "no authority"];
  if (authority !== null && authority.port !== null) words.push("port");
  if (keepAlive) words.push("keep-alive");
  if (upgrade.length > 0) words.push("upgrade");
  const node = nodeParserMissing === null ? readByNode(octets.subarray(0, result.consumed), framing) : null;
  if (node?.kind === "refused") words.push(node.reason);
  return words.join(", ");
}

/** What headgate makes of messages, in words. */
export function outcomeOfMessages(octets: Uint8Array, { answersTo, ended }: Omit<WholeCase, "octets">): string {
  const { messages, after, code, offset, unanswered } = readMessages([octets], { answersTo, ended });
  const words = [answersTo === null ? "requests" : "responses", ended ? "ended" : "open"];
  if (code === undefined) words.push(after, unanswered > 0 ? "unanswered" : "answered");
  else words.push(`${code} in ${placeOf(latin1(octets), offset!)}`);
  const last = messages.at(-1);
  words.push(`${Math.min(messages.length, 2)} messages`);
  if (code === undefined && last !== undefined) {
    if (last.content !== "") words.push("content");
    if (last.trailers.length > 0) words.push("trailers");
    if (!last.keepAlive) words.push("last");
  }
  return words.join(", ");
}

export const keptHeads = (path = "test/cases/kept-heads.json"): Keeper<null> => new Keeper(path, outcomeOfHead);

export const keptMessages = (path = "test/cases/kept-messages.json"): Keeper<Omit<WholeCase, "octets">> =>
  new Keeper(path, outcomeOfMessages);
