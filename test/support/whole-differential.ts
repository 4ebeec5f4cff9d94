// In:    octets of complete messages, requests or responses, nearly right.
// Out:   nothing where all builds, at once and cut, the reference, Node's parser and http-parser-js agree on what headgate accepts;
//        else an error that shows the octets.
// Never: decides what is right: what headgate accepts, no other parser may read differently.

import { type KernelVariant, kernelVariants, useKernel } from "#src/head/kernel/instance.js";
import { type ReferenceMessage, type ReferenceReading, referenceMessages } from "../reference/message.js";
import { readMessageCorpus } from "./corpus.js";
import { failure, same } from "./differential.js";
import { readMessages } from "./messages.js";
import { mutated } from "./mutations.js";
import { type OtherReading, readByHttpParserJs, readByNodeParser } from "./node-messages.js";
import { nodeParserMissing } from "./node-parser.js";
import { octetsOf } from "./tcp.js";

interface WholeTally {
  runs: number;
  /** Messages that were accepted complete, and of them those that the others read as well. */
  accepted: number;
  readByNode: number;
  readByHttpParserJs: number;
  /** Why the others refuse what is accepted. */
  refusedByNode: Map<string, number>;
  refusedByHttpParserJs: Map<string, number>;
  /** Codes of what was refused. */
  refused: Map<string, number>;
}

export const newWholeTally = (): WholeTally => ({
  runs: 0,
  accepted: 0,
  readByNode: 0,
  readByHttpParserJs: 0,
  refusedByNode: new Map(),
  refusedByHttpParserJs: new Map(),
  refused: new Map(),
});

const count = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);

export interface WholeCase {
  octets: Uint8Array;
  answersTo: readonly string[] | null;
  ended: boolean;
}

const pieces = [
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.1 204 No Content\r\n",
  "HTTP/1.0 200 OK\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 304\r\n",
  "3\r\nabc\r\n",
  "0\r\n\r\n",
  "0\r\n",
  ";a=b",
  ';a="b"',
  "5\r\nhello\r\n",
  "Trailer: x\r\n",
  "hello",
].map(octetsOf);

/** Messages made from the corpus by up to three mutations each. */
export function* wholeMutations(random: () => number): Generator<WholeCase, never> {
  const corpus = readMessageCorpus();
  const requests = corpus.filter(({ expected }) => expected.answersTo === undefined);
  const responses = corpus.filter(({ expected }) => expected.answersTo !== undefined);
  const methods = ["GET", "GET", "POST", "HEAD", "CONNECT"];
  for (;;) {
    const isRequest = random() % 2 === 0;
    const cases = isRequest ? requests : responses;
    const { octets } = cases[random() % cases.length]!;
    const seeds = cases.map((each) => each.octets);
    yield {
      octets: mutated(octets, random() % 4, random, seeds, pieces),
      answersTo: isRequest ? null : Array.from({ length: 3 }, () => methods[random() % methods.length]!),
      ended: random() % 3 === 0,
    };
  }
}

const NODE = "Node";
const HTTP_PARSER_JS = "http-parser-js";

const fieldOf = ({ fields }: ReferenceMessage, name: string): string | undefined =>
  fields.find(([other]) => other.toLowerCase() === name)?.[1];

/**
 * What http-parser-js reads in another way than RFC 9112 §6.3 and Node's parser (docs/drop-in.md): 304 with a length, a list of
 * transfer codings, and chunked content after a head with an upgrade.
 */
function isMisread(message: ReferenceMessage, upgrade: boolean): boolean {
  const coding = fieldOf(message, "transfer-encoding");
  if (message.start.startsWith("304") && (coding ?? fieldOf(message, "content-length")) !== undefined) return true;
  return coding !== undefined && (upgrade || coding.toLowerCase() !== "chunked");
}

/** True for what llhttp does not read as RFC 9110 §7.6.1 and RFC 9112 §9.3 have Connection (docs/conformance.md). */
function isConnectionMisread({ httpVersion, fields, keepAlive }: ReferenceMessage, octets: Uint8Array): boolean {
  const connection = fields.filter(([name]) => name.toLowerCase() === "connection").map(([, value]) => value);
  const listsBoth = httpVersion === "1.0" && !keepAlive && /keep-alive/i.test(connection.join());
  if (listsBoth) return true;
  // Values are without the HTAB that may follow them.
  const tabbed = [
    ...Buffer.from(octets)
      .toString("latin1")
      .matchAll(/^connection:[\t ]*[^\t ].*\t.*$/gim),
  ].map(([line]) => line.trim());
  return connection.some((value) => tabbed.some((line) => line.endsWith(value)));
}

/** As Node's parser has it: false as well where the content ends with the connection, whatever the request was. */
function keepsAlive(message: ReferenceMessage): boolean {
  const [status] = /^\d{3}(?= |$)/.exec(message.start) ?? [];
  const hasContent = status !== undefined && !/^(?:1..|204|304)$/.test(status);
  const coding = fieldOf(message, "transfer-encoding");
  const hasEnd =
    coding !== undefined ? /(?:^|[, ])chunked$/i.test(coding) : fieldOf(message, "content-length") !== undefined;
  return message.keepAlive && (!hasContent || hasEnd);
}

/** Among so many cases, one is cut in two at every octet, for all readers. */
const CUT_EVERYWHERE = 64;

const LIMITS = { overheadBytes: 16_384, fieldLines: 100 };

/** Compares all readers of one case; `cut`: the size of pieces. */
export function compareWhole({ octets, answersTo, ended }: WholeCase, cut: number, tally: WholeTally): void {
  const options = { answersTo, ended, limits: LIMITS };
  tally.runs++;
  const reference = referenceMessages(octets, { answersTo, ended, ...LIMITS });
  let reading: ReferenceReading | undefined;
  const halves: Uint8Array[][] = [];
  if (tally.runs % CUT_EVERYWHERE === 0) {
    for (let at = 1; at < octets.length; at++) halves.push([octets.subarray(0, at), octets.subarray(at)]);
  }
  for (const variant of kernelVariants) {
    const { whole, inPieces } = readBy(variant, octets, cut, options);
    same(octets, `reference on ${variant}`, reference, whole);
    same(octets, `${variant} in pieces of ${cut}`, inPieces, whole);
    // On all builds, so that the builds of one program have read the same and leave the same.
    for (const pieces of halves) same(octets, `${variant} cut in two`, readMessages(pieces, options), whole);
    reading = whole;
  }
  if (reading!.code !== undefined) count(tally.refused, reading!.code);
  const accepted = reading!;
  tally.accepted += accepted.complete;
  const cuts = [[octets], piecesOf(octets, cut), ...halves];
  for (const [i, pieces] of cuts.entries()) {
    if (nodeParserMissing === null) {
      const node = readByNodeParser(pieces, answersTo, ended);
      const agreed = compareWith(NODE, octets, accepted, node);
      if (i === 0) tally.readByNode += agreed;
      if (i === 0 && node.refused !== null && accepted.after !== "malformed") count(tally.refusedByNode, node.refused);
    }
    const other = readByHttpParserJs(pieces, answersTo, ended);
    const agreed = compareWith(HTTP_PARSER_JS, octets, accepted, other);
    if (i > 0) continue;
    tally.readByHttpParserJs += agreed;
    if (other.refused !== null && accepted.after !== "malformed") count(tally.refusedByHttpParserJs, other.refused);
  }
}

function piecesOf(octets: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < octets.length; at += size) pieces.push(octets.subarray(at, at + size));
  return pieces;
}

function readBy(variant: KernelVariant, octets: Uint8Array, cut: number, options: Parameters<typeof readMessages>[1]) {
  useKernel(variant);
  return { whole: readMessages([octets], options), inPieces: readMessages(piecesOf(octets, cut), options) };
}

/**
 * Fails where the other parser reads a message in another way that headgate accepts, if only in part. Returns how many
 * complete messages it reads as well.
 */
function compareWith(parser: string, octets: Uint8Array, ours: ReferenceReading, theirs: OtherReading): number {
  let agreed = 0;
  for (const [i, message] of ours.messages.entries()) {
    const other = theirs.messages[i];
    if (other === undefined) {
      if (theirs.refused === null)
        throw failure(octets, `${parser} reads fewer messages`, theirs.messages.length, ours);
      // It may only refuse what is right, not take the connection for closed.
      if (theirs.refused === "HPE_CLOSED_CONNECTION") throw failure(octets, `${parser} is closed`, theirs, ours);
      return agreed;
    }
    const { start, httpVersion, fields } = message;
    const wanted = [/^\d{3}$/.test(start) ? `${start} ` : start, httpVersion, fields.flat()];
    same(octets, `${parser}: head ${i}`, [other.start, other.httpVersion, other.fields], wanted);
    if (parser === HTTP_PARSER_JS && isMisread(message, other.upgrade)) return agreed;
    if (parser === NODE) {
      if (isConnectionMisread(message, octets)) return agreed;
      same(octets, `${parser}: keep-alive ${i}`, other.keepAlive, keepsAlive(message));
    }
    const isComplete = i < ours.complete;
    if (isComplete && other.complete) {
      same(octets, `${parser}: body ${i}`, [other.content, other.trailers], [message.content, message.trailers]);
      agreed++;
      // What follows belongs to another protocol, if the application agrees.
      if (other.upgrade) return agreed;
      continue;
    }
    const [short, long] = [message.content, other.content].sort((a, b) => a.length - b.length);
    if (!long!.startsWith(short!)) throw failure(octets, `${parser}: content ${i}`, other.content, message.content);
    if (isComplete && theirs.refused === null) throw failure(octets, `${parser} waits for more`, other, message);
    if (other.complete && ours.after !== "malformed")
      throw failure(octets, `${parser} ends message ${i}`, other, message);
    return agreed;
  }
  // http-parser-js does not know that a connection is closed.
  const isClosed = parser === HTTP_PARSER_JS && ours.after === "closed";
  const mayRead = ours.after === "malformed" || theirs.refused !== null || isClosed;
  if (theirs.messages.length > ours.messages.length && !mayRead) {
    throw failure(octets, `${parser} reads more messages`, theirs, ours);
  }
  const goesOn = ours.after === "partial" || ours.after === "paused";
  if (theirs.refused === "HPE_CLOSED_CONNECTION" && goesOn) throw failure(octets, `${parser} is closed`, theirs, ours);
  return agreed;
}
