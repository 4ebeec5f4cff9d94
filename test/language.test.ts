// In:    the documents and corpora, the schemas, the demo's pages, every comment, the titles of tests, the explanations and error messages of src/.
// Out:   every form that reads like a translation, with its replacement.
// Never: judges style beyond the list.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { suite } from "./support/suite.js";

interface Form {
  readonly pattern: RegExp;
  /** Why it is avoided, and what to write instead. */
  readonly instead: string;
  readonly bad: string;
  readonly good: string;
}

const banned: readonly Form[] = [
  {
    pattern: /\b(?:any|every|no|some)(?:body|one)\b(?! of)/i,
    instead: "a person where the code means a component: name it, as in the gate, the caller, the framer",
    bad: "nobody waits for the answer",
    good: "the answer is ignored",
  },
  {
    pattern: /\bwho(?:m|ever)?\b/i,
    instead: "components are not persons: name the component, or write that",
    bad: "whoever gets the socket",
    good: "the next owner of the socket",
  },
  {
    pattern: /\bbehind\b(?! (?:(?:a|the|one|several) )?(?:reverse )?(?:proxy|proxies|HAProxy|nginx|NAT)\b)/i,
    instead: "after: octets have an order, not a place; only behind a proxy is idiom",
    bad: "octets behind the head",
    good: "octets after the head; a server behind a proxy",
  },
  {
    pattern: /\bin front\b/i,
    instead: "before",
    bad: "a PROXY header in front of the head",
    good: "a PROXY header before the head",
  },
  {
    pattern: /\bstands?\b/i,
    instead: "is, occurs, or takes the place of",
    bad: "an extension stands twice",
    good: "an extension occurs twice",
  },
  {
    pattern: /(?<!\bthere )\b(?:is|are|was|were|be) no (?!longer\b|later\b|more\b|fewer\b)/i,
    instead: "is not a",
    bad: "the name is no setting",
    good: "the name is not a setting; there is no setting of that name; it is no longer one",
  },
  {
    pattern: /(?<!\bthere )\b(?:is|are) none\b/i,
    instead: "is not one of, is not in, or does not exist",
    bad: "the peer is none of trust.from",
    good: "the peer is not in trust.from; null if there is none",
  },
  {
    pattern: /\bto blame\b|\bblamed on\b/i,
    instead: "the offending octet",
    bad: "the octet to blame",
    good: "the offending octet",
  },
  {
    pattern: /\b(?:says|tells)\b/i,
    instead: "contains, states, reports, shows",
    bad: "what the header says of the client",
    good: "what the header states about the client",
  },
  {
    pattern: /\bknows? nothing of\b|\bknown of\b/i,
    instead: "about",
    bad: "what is known of the client",
    good: "what is known about the client",
  },
  {
    pattern: /\bgivers?\b/i,
    instead: "the caller of adopt",
    bad: "a socket is its giver's",
    good: "a socket belongs to the caller",
  },
  {
    pattern: /\b(?:takers?|gatehouse|custody|precedent|HeadgateError|handOn(?:To)?|explain(?:Error|Abandoned))\b/,
    instead: "a former name: passthrough, context, connection, same ruling, HeadFault, sendSocket, toProcess, explain",
    bad: "a taker that throws",
    good: "a passthrough that throws",
  },
  {
    pattern: /\b(?:is|are|be|become|becomes|not|come|comes) whole\b|\bwhole heads?\b/i,
    instead: "complete, incomplete",
    bad: "the head is not whole yet",
    good: "the head is incomplete",
  },
  {
    pattern: /\blooked at\b/i,
    instead: "examined, checked, read",
    bad: "what follows is not looked at",
    good: "what follows is not examined",
  },
  {
    pattern: /\bas ever\b|\bspelt\b|\banew\b|\bfor want of\b/i,
    instead: "as usual, spelled, again, for lack of",
    bad: "refused as ever",
    good: "refused as usual",
  },
];

/** What is right although a form has it, with the reason. */
const allowed: readonly { readonly place: RegExp; readonly text: string; readonly reason: string }[] = [];

interface Place {
  readonly file: string;
  readonly text: string;
}

const read = (file: string): string => readFileSync(file, "utf8");
const below = (folder: string, ...endings: string[]): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .map((name) => join(folder, name));

/** Paragraphs, rows and items of a document, without code. */
function prose(file: string): Place[] {
  const text = read(file).replace(/^(`{3,})[^\n]*\n.*?^\1$/gms, "");
  return text.split(/\n(?=\n|[|#-])/).map((part) => ({ file, text: joined(part.replace(/`[^`]*`/g, "`…`")) }));
}

/** Comments, of several lines as one text. `docstrings`: these alone. */
function comments(file: string, docstrings: boolean): Place[] {
  const pattern = docstrings
    ? /\/\*\*.*?\*\//gs
    : /(?:^[ \t]*|^[ \t]*"(?=\/\*\* )|(?<=[;,{(|] ))\/\*.*?\*\/|(?:^[ \t]*\/\/[^\n]*\n)+|(?<=[;,{(] )\/\/[^\n]*/gms;
  const found = [...read(file).matchAll(pattern)].map(([comment]) => {
    const text = joined(comment.replace(/^[ \t]*(?:\/\*+|\*(?!\/)|\/\/)|\*\/$/gm, "").replace(/`[^`]*`/g, "`…`"));
    return { file, text };
  });
  return found;
}

/** Titles of suites and tests, with their values as dots. */
const titles = (file: string): Place[] =>
  [...read(file).matchAll(/\bsuite\(["`](.*?)["`]\)|^[ \t]*[\w.]+\((?:\s*|\w+, )["`](.*?)["`], (?:async )?\(/gm)].map(
    ([, suite, test]) => ({ file, text: (suite ?? test!).replace(/\$\{[^}]*\}/g, "…") }),
  );

/** Lines that begin with a number sign, of configurations and scripts. */
const signed = (file: string): Place[] =>
  [...read(file).matchAll(/(?:^[ \t]*#[^\n]*\n)+/gm)].map(([text]) => ({
    file,
    text: joined(text.replace(/^[ \t]*#/gm, "")),
  }));

/** What a schema has to say of each value. */
const descriptions = (file: string): Place[] =>
  [...read(file).matchAll(/"description": "((?:[^"\\]|\\.)*)"/g)].map((match) => ({ file, text: match[1]! }));

/** What a page shows. */
const shownOn = (file: string): Place[] =>
  read(file)
    .split(/<[^>]*>/)
    .map((text) => ({ file, text: joined(text) }));

/** Patterns may hold quotes: they go before the code is read. */
const PATTERN = /(?<=[=(,:!&|?[{};]\s*|return )\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;

/** Strings and templates of code that are sentences, or parts of one: they have a space. */
function messages(file: string): Place[] {
  const found: string[] = [];
  readCode(`${read(file).replace(PATTERN, "0")}\n`, 0, found);
  return found.filter((text) => text.includes(" ")).map((text) => ({ file, text: joined(text) }));
}

/** Reads code from `start` on up to the brace that closes it, or to its end; returns where that is. */
function readCode(code: string, start: number, found: string[]): number {
  let depth = 0;
  for (let at = start; at < code.length; at++) {
    const character = code[at]!;
    if (code.startsWith("//", at)) at = code.indexOf("\n", at);
    else if (code.startsWith("/*", at)) at = code.indexOf("*/", at) + 1;
    else if (character === '"' || character === "'") {
      let end = at + 1;
      while (end < code.length && code[end] !== character) end += code[end] === "\\" ? 2 : 1;
      found.push(code.slice(at + 1, end));
      at = end;
    } else if (character === "`") at = readTemplate(code, at + 1, found);
    else if (character === "{") depth++;
    else if (character === "}" && depth-- === 0) return at;
  }
  return code.length;
}

/** Reads a template, with its values as dots. */
function readTemplate(code: string, start: number, found: string[]): number {
  let text = "";
  let at = start;
  for (; at < code.length && code[at] !== "`"; at++) {
    if (code.startsWith("${", at)) {
      at = readCode(code, at + 2, found);
      text += "…";
    } else if (code[at] === "\\") text += code[++at];
    else text += code[at];
  }
  found.push(text);
  return at;
}

const joined = (text: string): string => text.replace(/\s+/g, " ").trim();

const root = readdirSync(".");
const documents = [
  ...root.filter((name) => name.endsWith(".md")),
  ...["demo", "docs", "examples", "test"].flatMap((folder) => below(folder, ".md")),
];
const sources = below("src", ".ts").filter((file) => !file.endsWith("kernel/simd.ts"));
const others = ["assembly", "bench", "demo", "examples", "http-parser-js", "test"];
const places: readonly Place[] = [
  ...documents.flatMap(prose),
  ...sources.flatMap((file) => [...comments(file, false), ...messages(file)]),
  ...below("dist/src", ".d.ts").flatMap((file) => comments(file, true)),
  ...others
    .flatMap((folder) => below(folder, ".ts", ".js", ".mjs", ".cjs", ".css", ".c", ".h", ".rs"))
    .flatMap((file) => comments(file, false)),
  ...below("test", ".ts").flatMap(titles),
  ...[
    ".ci/run",
    ...["bench", "examples"].flatMap((folder) => below(folder, ".cfg", ".conf", ".service", ".sh", ".socket", ".yaml")),
    ...below("test", ".py"),
  ].flatMap(signed),
  ...root.filter((name) => name.endsWith(".schema.json")).flatMap(descriptions),
  ...below("demo", ".html").flatMap(shownOn),
];

const formsOf = (text: string): Form[] => banned.filter(({ pattern }) => pattern.test(text));
const isAllowed = ({ file, text }: Place): boolean =>
  allowed.some((each) => each.place.test(file) && formsOf(text.replace(each.text, "")).length === 0);

const language = suite("language");

language("each form is found, and its replacement is not", () => {
  for (const { pattern, bad, good } of banned) {
    assert.match(bad, pattern);
    assert.not.match(good, pattern);
  }
});

language("documents, comments, docstrings and messages are read", () => {
  const count = (test: RegExp): number => places.filter(({ file }) => test.test(file)).length;
  for (const [test, least] of [
    [/^README\.md$/, 50],
    [/^docs\/errors\.md$/, 100],
    [/^src\/gate(-options)?\.ts$/, 60],
    [/^dist\/src\/gate(-options)?\.d\.ts$/, 20],
    [/^assembly\//, 100],
    [/^bench\//, 200],
    [/^demo\/.*\.(?:js|css|html)$/, 40],
    [/^test\/.*\.ts$/, 3000],
    [/^examples\/scale\/.*\.(?:cfg|conf|yaml)$/, 15],
    [/\.schema\.json$/, 30],
  ] as const) {
    assert.ok(count(test) > least, `${test}: ${count(test)}`);
  }
  const texts = new Set(messages("src/outcome/explain-end.ts").map(({ text }) => text));
  for (const text of [
    "the client ended the connection",
    'no entry in "tls" matches a client that sends no server name',
  ]) {
    assert.ok(texts.has(text), text);
  }
});

language("none has a form that reads like a translation", () => {
  const found = places
    .filter((place) => !isAllowed(place))
    .flatMap(({ file, text }) => formsOf(text).map(({ instead }) => `${file}: ${text}\n    write: ${instead}`));
  assert.is(found.length, 0, `\n${found.join("\n")}\n`);
});

language("no exception is left over", () => {
  const offences = places.filter(({ text }) => formsOf(text).length > 0);
  for (const { place, text } of allowed) {
    assert.ok(
      offences.some((each) => place.test(each.file) && each.text.includes(text)),
      `${place}: ${text}`,
    );
  }
});
