// In:    test/corpus/*.md, from the project root.
// Out:   every case as octets, and what a reader must make of them: of a head, of a PROXY header, of a ClientHello.
// Never: parses a head, or knows what any case means.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface CorpusAuthority {
  /** Lower-cased, without one trailing root dot; an IPv6 address in its brackets, as RFC 5952 writes it. */
  uriHost: string;
  kind: "reg-name" | "IPv4address" | "IP-literal";
  /** `null` where no port, or an empty one, was written. */
  port: number | null;
}

interface ExpectedRefusal {
  refused: string;
  offset: number;
}

interface ExpectedPartial {
  partial: true;
}

/** What an accepted head must show; what is left out may be anything. Strings have one character an octet. */
interface ExpectedHead {
  method?: string;
  requestTarget?: string;
  targetForm?: "origin" | "absolute" | "authority" | "asterisk";
  httpVersion?: "1.0" | "1.1";
  path?: string;
  /** Without its question mark; `null` where there is none. */
  query?: string | null;
  /** The Host field. */
  host?: CorpusAuthority | null;
  /** The effective authority: that of the target, or else that of the Host field. */
  authority?: CorpusAuthority | null;
  fields?: [name: string, value: string][];
  /** A number is a Content-Length. */
  framing?: "none" | "chunked" | number;
  keepAlive?: boolean;
  upgrade?: string[];
}

type CorpusExpected = ExpectedRefusal | ExpectedPartial | ExpectedHead;

interface CorpusOptions {
  host: "required" | "optional";
  headBytes: number;
  fieldLines: number;
}

export interface CorpusCase {
  id: string;
  title: string;
  file: string;
  /** The head, or a part of it; more octets may follow an accepted head. */
  octets: Uint8Array;
  expected: CorpusExpected;
  options: CorpusOptions;
}

export function isRefusal(expected: CorpusExpected): expected is ExpectedRefusal {
  return "refused" in expected;
}

export function isPartial(expected: CorpusExpected): expected is ExpectedPartial {
  return "partial" in expected;
}

const DIRECTORY = join("test", "corpus");
const DEFAULTS: CorpusOptions = { host: "required", headBytes: 16384, fieldLines: 100 };

/** Their cases are PROXY headers and ClientHellos, all others' request heads. */
const PROXY_FILE = "proxy-protocol.md";
const HELLO_FILE = "client-hello.md";
/** The folder of those of messages. */
const MESSAGES = "messages";

/** Every case of a request head, by file name and in the order of each file. */
export function readCorpus(): CorpusCase[] {
  const names = readdirSync(DIRECTORY).filter(
    (name) => name.endsWith(".md") && name !== PROXY_FILE && name !== HELLO_FILE,
  );
  return unique(names.sort().flatMap((name) => readCorpusText(readFileSync(join(DIRECTORY, name), "utf8"), name)));
}

/** A case of what is not a request head: a PROXY header, a ClientHello, messages. */
export interface PrefaceCase {
  id: string;
  title: string;
  file: string;
  /** Complete or a part, with nothing after it. */
  octets: Uint8Array;
  /** `{ refused, offset }`, `{ partial: true }`, or members of what was read; `limit` beside them is that of octets. */
  expected: Record<string, unknown>;
}

/** Every case of a PROXY header, in order. */
export function readProxyCorpus(): PrefaceCase[] {
  return readPrefaces(PROXY_FILE, "proxy", readOctets);
}

/** Every case of a ClientHello, in order. */
export function readHelloCorpus(): PrefaceCase[] {
  return readPrefaces(HELLO_FILE, "hello", readVectors);
}

/** Every case of messages: status-lines, responses, chunked bodies, trailers. */
export function readMessageCorpus(): PrefaceCase[] {
  const names = readdirSync(join(DIRECTORY, MESSAGES)).sort();
  return unique(names.flatMap((name) => readPrefaces(join(MESSAGES, name), "http", readOctets)));
}

function readPrefaces(file: string, language: string, read: typeof readOctets): PrefaceCase[] {
  const text = readFileSync(join(DIRECTORY, file), "utf8");
  return unique(
    readDrafts(text, file, language).map((draft) => {
      const { octets, json } = finishBlocks(draft, file, read);
      const expected = readObject(json, (what) => malformed(file, json.line, what));
      return { id: draft.id, title: draft.title, file, octets, expected };
    }),
  );
}

/**
 * Hexadecimal octets, `"text"`, `32*aa` for a repetition, and `(2 ... )` for a vector after its length in two
 * octets.
 */
function readVectors(block: Block, file: string): Uint8Array {
  const open: { lengthOctets: number; octets: number[] }[] = [{ lengthOctets: 0, octets: [] }];
  const tokens = block.lines.join(" ").match(/"[^"]*"|\((\d)|\)|(\d+)\*([0-9a-f]{2})|[0-9a-f]+|\S/g) ?? [];
  for (const token of tokens) {
    const { octets } = open.at(-1)!;
    const repetition = /^(\d+)\*([0-9a-f]{2})$/.exec(token);
    if (token.startsWith('"')) octets.push(...Buffer.from(token.slice(1, -1), "latin1"));
    else if (token.startsWith("(")) open.push({ lengthOctets: Number(token.slice(1)), octets: [] });
    else if (token === ")" && open.length > 1) {
      const { lengthOctets, octets: within } = open.pop()!;
      const length = within.length.toString(16).padStart(2 * lengthOctets, "0");
      open.at(-1)!.octets.push(...Buffer.from(length, "hex"), ...within);
    } else if (repetition !== null) {
      for (let left = Number(repetition[1]); left > 0; left--) octets.push(Number.parseInt(repetition[2]!, 16));
    } else if (/^(?:[0-9a-f]{2})+$/.test(token)) octets.push(...Buffer.from(token, "hex"));
    else throw malformed(file, block.line, `no octets: ${token}`);
  }
  if (open.length > 1) throw malformed(file, block.line, "a vector has no end");
  return Uint8Array.from(open[0]!.octets);
}

function unique<Case extends { id: string; file: string }>(cases: Case[]): Case[] {
  const files = new Map<string, string>();
  for (const { id, file } of cases) {
    const other = files.get(id);
    if (other !== undefined) throw new Error(`${file}: ${id} is already a case of ${other}`);
    files.set(id, file);
  }
  if (cases.length === 0) throw new Error(`${DIRECTORY}: no cases`);
  return cases;
}

interface Block {
  line: number;
  lines: string[];
}

interface Draft {
  id: string;
  title: string;
  line: number;
  octets: Block | undefined;
  json: Block | undefined;
}

/** The cases of one Markdown text; `file` is its name in errors. */
function readCorpusText(text: string, file: string): CorpusCase[] {
  return readDrafts(text, file, "http").map((draft) => finish(draft, file));
}

/** `language`: of the block with the octets. */
function readDrafts(text: string, file: string, language: string): Draft[] {
  const drafts: Draft[] = [];
  const lines = text.split("\n");
  let draft: Draft | undefined;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (/^#{1,3}(?: |$)/.test(line)) {
      if (draft) drafts.push(draft);
      draft = line.startsWith("### ") ? begin(line, at + 1, file) : undefined;
    } else if (line.startsWith("```")) {
      const end = lines.indexOf("```", at + 1);
      if (end < 0) throw malformed(file, at + 1, "the block has no end");
      const block: Block = { line: at + 2, lines: lines.slice(at + 1, end) };
      if (!draft) throw malformed(file, at + 1, "a block outside of a case");
      if (line === `\`\`\`${language}` && !draft.octets && !draft.json) draft.octets = block;
      else if (line === "```json" && draft.octets && !draft.json) draft.json = block;
      else throw malformed(file, at + 1, `${draft.id} must have one ${language} block, then one json block`);
      at = end;
    }
  }
  if (draft) drafts.push(draft);
  return drafts;
}

function begin(line: string, number: number, file: string): Draft {
  const [, id, title] = /^### ([A-Z]+-\d{2,}) (\S.*)$/.exec(line) ?? [];
  if (id === undefined || title === undefined) throw malformed(file, number, `no heading of a case: ${line}`);
  return { id, title, line: number, octets: undefined, json: undefined };
}

function finish(draft: Draft, file: string): CorpusCase {
  const { id, title } = draft;
  const { octets, json } = finishBlocks(draft, file);
  const { expected, options } = readExpected(json, file);
  if (isRefusal(expected) && expected.offset >= octets.length) {
    throw malformed(file, json.line, `${id} has ${octets.length} octets, none at ${expected.offset}`);
  }
  return { id, title, file, octets, expected, options };
}

function finishBlocks(
  { id, line, octets, json }: Draft,
  file: string,
  read: typeof readOctets = readOctets,
): { octets: Uint8Array; json: Block } {
  if (!octets || !json) throw malformed(file, line, `${id} has no block of ${octets ? "json" : "octets"}`);
  return { octets: read(octets, file), json };
}

function malformed(file: string, line: number, what: string): Error {
  return new Error(`${join(DIRECTORY, file)}:${line}: ${what}`);
}

const ESCAPES: Record<string, number> = { r: 0x0d, n: 0x0a, t: 0x09, "0": 0x00, "\\": 0x5c };

function readOctets(block: Block, file: string): Uint8Array {
  const octets: number[] = [];
  for (const [index, line] of block.lines.entries()) {
    const where = block.line + index;
    // An even number of backslashes at the end is so many escaped ones.
    const open = (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1;
    readEscapes(open ? line.slice(0, -1) : line, octets, (what) => malformed(file, where, what));
    if (!open) octets.push(0x0d, 0x0a);
  }
  return Uint8Array.from(octets);
}

function readEscapes(text: string, octets: number[], fail: (what: string) => Error): void {
  // A repetition, an octet by its number, any other escape, any other character.
  for (const [whole, times, repeated, hex, letter] of text.matchAll(
    /\\\{(\d+) ([^}]+)\}|\\x([0-9A-Fa-f]{2})|\\(.?)|[^\\]/gsu,
  )) {
    if (repeated !== undefined) {
      if (repeated.includes("\\{")) throw fail(`a repetition inside a repetition: ${whole}`);
      const once: number[] = [];
      readEscapes(repeated, once, fail);
      for (let left = Number(times); left > 0; left--) octets.push(...once);
    } else if (hex !== undefined) {
      octets.push(Number.parseInt(hex, 16));
    } else if (letter !== undefined) {
      const octet = ESCAPES[letter];
      if (octet === undefined) throw fail(`unknown escape: ${whole}`);
      octets.push(octet);
    } else {
      if (!/^[ -~]$/.test(whole)) throw fail(`only visible ASCII and SP need no escape: ${JSON.stringify(whole)}`);
      octets.push(whole.charCodeAt(0));
    }
  }
}

type Check = (value: unknown) => boolean;

const isString: Check = (value) => typeof value === "string" && /^[\0-\xff]*$/.test(value);
const isBoolean: Check = (value) => typeof value === "boolean";
const isCount: Check = (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const isNull: Check = (value) => value === null;

const either =
  (...checks: Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));

const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);

const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

const isAuthority: Check = (value) =>
  isObject(value) &&
  Object.keys(value).sort().join() === "kind,port,uriHost" &&
  isString(value.uriHost) &&
  oneOf("reg-name", "IPv4address", "IP-literal")(value.kind) &&
  either(isCount, isNull)(value.port);

const REFUSAL: Record<string, Check> = {
  refused: (value) => typeof value === "string" && /^[A-Z]+(?:_[A-Z]+)*$/.test(value),
  offset: isCount,
};

const PARTIAL: Record<string, Check> = { partial: oneOf(true) };

const HEAD: Record<string, Check> = {
  method: isString,
  requestTarget: isString,
  targetForm: oneOf("origin", "absolute", "authority", "asterisk"),
  httpVersion: oneOf("1.0", "1.1"),
  path: isString,
  query: either(isString, isNull),
  host: either(isAuthority, isNull),
  authority: either(isAuthority, isNull),
  fields: listOf((field) => Array.isArray(field) && field.length === 2 && field.every(isString)),
  framing: either(oneOf("none", "chunked"), isCount),
  keepAlive: isBoolean,
  upgrade: listOf(isString),
};

const OPTIONS: Record<string, Check> = {
  host: oneOf("required", "optional"),
  headBytes: isCount,
  fieldLines: isCount,
};

function readExpected(block: Block, file: string): { expected: CorpusExpected; options: CorpusOptions } {
  const fail = (what: string): Error => malformed(file, block.line, what);
  const { options = {}, ...expected } = readObject(block, fail);
  if (!isObject(options)) throw fail("options is not an object");
  checkProperties(options, OPTIONS, fail);

  const all = "refused" in expected ? REFUSAL : "partial" in expected ? PARTIAL : undefined;
  checkProperties(expected, all ?? HEAD, fail);
  const missing = Object.keys(all ?? {}).filter((name) => !(name in expected));
  if (missing.length > 0) throw fail(`${missing.join(", ")} is missing`);
  if (Object.keys(expected).length === 0) throw fail("nothing is expected");
  return { expected: expected as unknown as CorpusExpected, options: { ...DEFAULTS, ...options } };
}

function readObject(block: Block, fail: (what: string) => Error): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(block.lines.join("\n"));
  } catch (error) {
    throw fail(`no JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (!isObject(json)) throw fail("no JSON object");
  return json;
}

function checkProperties(
  object: Record<string, unknown>,
  checks: Record<string, Check>,
  fail: (what: string) => Error,
): void {
  for (const [name, value] of Object.entries(object)) {
    const check = checks[name];
    if (!check) throw fail(`${name} is not a property here`);
    if (!check(value)) throw fail(`${name} cannot be ${JSON.stringify(value)}`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
