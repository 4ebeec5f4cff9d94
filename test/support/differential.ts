// In:    octets that may be a head.
// Out:   nothing if all readers agree on them; otherwise an error that shows what each read.
// Never: decides which one is right.

import { deepStrictEqual } from "node:assert";
import { forwardedHead } from "#src/connection/http1/rewrite.js";
import { type KernelVariant, kernel, useKernel } from "#src/head/kernel/instance.js";
import { parseRequestHead } from "#src/head/parse.js";
import { HeadReader } from "#src/head/reader.js";
import type { RequestHead } from "#src/head/request-head.js";
import { FieldLine, Head } from "../../assembly/abi.js";
import { referenceHead } from "../reference/request-head.js";
import { type Answer, answerOf, referenceAnswer } from "./answer.js";
import { isPartial, isRefusal, readCorpus } from "./corpus.js";
import { framingWords, nodeParserMissing, readByNode } from "./node-parser.js";

/** What became of the heads that were compared. */
interface Tally {
  heads: number;
  accepted: number;
  readByNode: number;
  /** Heads that headgate accepts and Node refuses, by Node's reason. */
  refusedByNode: Map<string, number>;
}

export function newTally(): Tally {
  return { heads: 0, accepted: 0, readByNode: 0, refusedByNode: new Map() };
}

/** The corpus without its largest cases; what is accepted comes four times, as most mutations refuse a head. */
export function fuzzSeeds(): Uint8Array[] {
  const small = readCorpus().filter(({ octets }) => octets.length < 2000);
  return small.flatMap(({ octets, expected }) =>
    isPartial(expected) || isRefusal(expected) ? [octets] : [octets, octets, octets, octets],
  );
}

/** Compares all readers of `octets`. `cut`: the size of the pieces for the incremental reader. */
export function compare(octets: Uint8Array, cut: number, tally: Tally): void {
  const scalar = readBy("scalar", octets, cut);
  const javascript = readBy("javascript", octets, cut);
  const { result, answer, inPieces } = readBy("simd", octets, cut);
  tally.heads++;
  same(octets, "reference", referenceAnswer(referenceHead(octets)), answer);
  same(octets, `in pieces of ${cut}`, inPieces, answer);
  for (const [name, other] of Object.entries({ scalar, javascript })) {
    same(octets, name, other.answer, answer);
    same(octets, `${name} in pieces of ${cut}`, other.inPieces, answer);
  }
  // These two are one program, and all that they leave is the same.
  same(octets, "record of javascript", javascript.record, scalar.record);
  if (result.kind !== "complete") return;
  tally.accepted++;
  if (nodeParserMissing !== null) return;
  compareWithNode(octets.subarray(0, result.consumed), result.head, tally);
}

function readBy(variant: KernelVariant, octets: Uint8Array, cut: number) {
  useKernel(variant);
  const result = parseRequestHead(octets);
  // Before anything is asked of the head, which may have it read again.
  const { words } = kernel();
  const size = Head.SIZE + words[Head.FIELD_LINES >> 2]! * FieldLine.SIZE;
  const record = words.slice(0, size >> 2);
  return { result, answer: answerOf(result), record, inPieces: readPieces(octets, cut) };
}

function readPieces(octets: Uint8Array, size: number): Answer {
  const reader = new HeadReader();
  for (let at = 0; at < octets.length; at += size) {
    const result = reader.read(octets.subarray(at, at + size));
    if (result.kind === "complete") return answerOf({ ...result, consumed: result.consumed + at });
    if (result.kind === "malformed") return answerOf(result);
  }
  return { kind: "partial" };
}

function compareWithNode(octets: Uint8Array, head: RequestHead, tally: Tally): void {
  const { framing } = head;
  const node = readByNode(octets, framing);
  const isUncertain = isReadOtherwise(head);
  if (node.kind === "refused") {
    tally.refusedByNode.set(node.reason, (tally.refusedByNode.get(node.reason) ?? 0) + 1);
    return;
  }
  tally.readByNode++;
  const isTunnel = head.targetForm === "authority-form";
  if (!isUncertain)
    same(octets, "Node", node, {
      kind: "read",
      method: head.method,
      requestTarget: head.requestTarget,
      httpVersion: head.httpVersion,
      fields: head.rawHeaders,
      keepAlive: head.keepAlive,
      // llhttp lets HTTP/1.0 upgrade, and an Upgrade that names nothing; the request filter takes those fields away.
      upgrade: isTunnel || head.upgrade.length > 0 || (ignoresUpgrade(head) && node.upgrade),
      framing: isTunnel ? node.framing : framingWords(framing),
    });

  const forwarded = readByNode(Buffer.from(forwardedHead({ head, authority: head.authority }), "latin1"), framing);
  if (isTunnel) return;
  if (forwarded.kind === "refused") throw failure(octets, "Node refuses the forwarded head", forwarded, node);
  same(
    octets,
    "forwarded",
    [forwarded.upgrade, forwarded.requestTarget, forwarded.keepAlive, forwarded.framing],
    [false, head.requestTarget, head.keepAlive, framingWords(framing)],
  );
}

/** True where llhttp does not read Connection by RFC 9110 §7.6.1 and RFC 9112 §9.3, so that it is written otherwise before it goes on. */
export function isReadOtherwise(head: RequestHead): boolean {
  return (
    /^connection:.*\t/im.test(head.toString()) ||
    (head.httpVersion === "1.0" && !head.keepAlive && /keep-alive/i.test(head.field("connection") ?? ""))
  );
}

/** True where an Upgrade line and Connection's `upgrade` came, and mean nothing (RFC 9110 §7.8). */
function ignoresUpgrade(head: RequestHead): boolean {
  const listed = /(?:^|,)[ \t]*upgrade[ \t]*(?:,|$)/i.test(head.field("connection") ?? "");
  return listed && head.field("upgrade") !== undefined && head.upgrade.length === 0;
}

/** Fails where they differ, and shows the octets. */
export function same(octets: Uint8Array, who: string, got: unknown, wanted: unknown): void {
  try {
    deepStrictEqual(got, wanted);
  } catch {
    throw failure(octets, who, got, wanted);
  }
}

export function failure(octets: Uint8Array, who: string, got: unknown, wanted: unknown): Error {
  const text = JSON.stringify(Buffer.from(octets).toString("latin1"));
  return new Error(`${who} differs on\n${text}\ngot    ${JSON.stringify(got)}\nwanted ${JSON.stringify(wanted)}`);
}
