// In:    the documents, the examples, the sources that they describe.
// Out:   whether they agree; the examples run.
// Never: judges prose.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import * as assert from "uvu/assert";
import { ProxyFault, proxyFaults } from "#src/arrival/proxy/fault.js";
import { PROXY_LINE_OCTETS } from "#src/arrival/proxy/reader.js";
import { HelloFault, helloFaults } from "#src/arrival/tls/fault.js";
import { transitions } from "#src/connection/lifecycle.js";
import { HeadFault, headFaults } from "#src/head/fault.js";
import { type HeadLimits, headLimits } from "#src/head/limits.js";
import { processLimits } from "#src/intake/limits.js";
import { BodyFault, bodyFaults } from "#src/message/fault.js";
import { type MessageLimits, messageLimits } from "#src/message/limits.js";
import { type GateLimits, gateLimits } from "#src/outcome/limits.js";
import { RETRY_AFTER, refusalStatusCodes } from "#src/policy/decision.js";
import { NO_LISTEN, NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { Status } from "../assembly/abi.js";
import { readCorpus, readHelloCorpus, readMessageCorpus, readProxyCorpus } from "./support/corpus.js";
import {
  blocks,
  conformance,
  documents,
  errors,
  limits,
  members,
  plain,
  read,
  rows,
  section,
} from "./support/document.js";
import { methods, nodeParserMissing, readByNode } from "./support/node-parser.js";
import { suite } from "./support/suite.js";

const codes = suite("documents: errors");

const documentedFaults = (title: string): string[][] => rows(section(errors, title)).map((row) => row.map(plain));
type Documented = Pick<HeadFault | BodyFault, "code" | "statusCode" | "source" | "message">;
const rowOf = (fault: Documented): string[] => [fault.code, String(fault.statusCode), fault.source, fault.message];

codes("docs/errors.md has the table of HeadFault, in its order", () => {
  assert.equal(documentedFaults("## Malformed heads"), headFaults().map(rowOf));
});

codes("docs/errors.md has the table of BodyFault, in its order", () => {
  assert.equal(documentedFaults("## Malformed bodies"), bodyFaults().map(rowOf));
});

codes("docs/errors.md has the table of ProxyFault, in its order", () => {
  const documented = rows(section(errors, "## Malformed PROXY headers")).map((row) => row.map(plain));
  assert.equal(
    documented,
    proxyFaults().map(({ code, source, message }) => [code, source, message]),
  );
});

codes("docs/errors.md has the table of HelloFault, in its order", () => {
  const documented = rows(section(errors, "## Malformed ClientHellos")).map((row) => row.map(plain));
  assert.equal(
    documented,
    helloFaults().map(({ code, source, message }) => [code, source, message]),
  );
});

codes("docs/errors.md has every refusal in the promised order, with its status code", () => {
  const documented = rows(section(errors, "## Refusals"));
  assert.equal(
    documented.map(([code, statusCode]) => [plain(code), Number(statusCode)]),
    Object.entries(refusalStatusCodes),
  );
});

codes("docs/errors.md has every code of an abandoned connection, and every stage", () => {
  const ends = read("src/outcome/end.ts");
  const documented = rows(section(errors, "## Abandoned connections"));
  assert.equal(
    documented.map(([code]) => plain(code)),
    members(ends, "export type AbandonedCode ="),
  );
  const stages = members(ends, "readonly stage:");
  const named = new Set(documented.flatMap(([, cell]) => cell!.split(", ")).filter((stage) => stage !== "none"));
  assert.equal([...named].sort(), stages.sort());
});

codes("docs/errors.md has every kind of end", () => {
  const documented = rows(section(errors, "## How a connection ends")).map(([kind]) => plain(kind));
  const text = read("src/outcome/end.ts");
  const type = text.slice(text.indexOf("export type ConnectionEnd ="), text.indexOf("| Abandoned;"));
  const kinds = [...type.matchAll(/readonly kind: "([^"]+)"/g)].map((match) => match[1]!);
  assert.equal(documented.sort(), [...kinds, "abandoned"].sort());
});

/** The chapter of docs/conformance.md about llhttp, which has codes and methods of its own. */
const LLHTTP = "## Compared with Node's own parser";

/** The chapter about what the RFCs require, which test/conformance.test.ts compares. */
const REQUIREMENTS = "## Requirements of the RFCs";

codes("docs/conformance.md names the codes that there are, all of them", () => {
  const ours = conformance.replace(section(conformance, LLHTTP), "").replace(section(conformance, REQUIREMENTS), "");
  const named = new Set([...ours.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map((match) => match[1]!));
  const codes = [...headFaults(), ...bodyFaults()].map(({ code }): string => code);
  assert.equal([...named].sort(), codes.sort());
});

codes("docs/conformance.md has llhttp's reasons, and each method that it refuses", () => {
  const table = rows(section(conformance, LLHTTP));
  const reasons = /const refusedByNode = new Set\(\[(.*?)\]\);/s.exec(read("test/fuzz.test.ts"))![1]!;
  const documented = table.map(([reason]) => plain(reason));
  assert.equal(documented.sort(), [...reasons.matchAll(/"(\w+)"/g)].map((match) => match[1]!).sort());
  if (nodeParserMissing !== null) return;
  // CONNECT has another form.
  for (const method of methods.filter((each) => each !== "CONNECT")) {
    const node = readByNode(Buffer.from(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`), { kind: "none" });
    const naming = table.filter(([, heads]) => heads!.includes(`\`${method}\``)).map(([reason]) => plain(reason));
    assert.equal(naming, node.kind === "refused" ? [node.reason] : [], method);
  }
});

codes("docs/errors.md has the members of each fault", () => {
  for (const [heading, fault] of [
    ["## Malformed heads", new HeadFault(Status.BARE_LF, 0)],
    ["## Malformed bodies", new BodyFault("CHUNK_DATA_ENDING", 0)],
    ["## Malformed PROXY headers", new ProxyFault("PROXY_PORT", 0)],
    ["## Malformed ClientHellos", new HelloFault("HELLO_ALPN", 0)],
  ] as const) {
    const [sentence] = /^An? `\w+` has [^.]*/m.exec(section(errors, heading))!;
    const [, ...documented] = [...sentence.matchAll(/`(\w+)`/g)].map((match) => match[1]!);
    // The same sentence ends with a comparison to HeadFault.
    const named = documented.filter((each) => each !== "HeadFault");
    assert.equal(named.sort(), Object.keys(fault).sort(), heading);
  }
});

codes("docs/errors.md has the members of each end", () => {
  const text = read("src/outcome/end.ts");
  const type = text.slice(text.indexOf("export type ConnectionEnd ="), text.indexOf("| Abandoned;"));
  const abandoned = /export interface Abandoned \{(.*?)^\}/ms.exec(text)![1]!;
  const membersOf = (body: string): string[] => [...body.matchAll(/readonly (\w+)\??:/g)].map((match) => match[1]!);
  const ends = new Map(
    [...type.matchAll(/\{ readonly kind: "([\w-]+)";(.*?) \}/g)].map(([, kind, body]) => [kind!, membersOf(body!)]),
  );
  const own = membersOf(abandoned.replace(/\{[^}]*\}/g, "")).filter((name) => name !== "kind");
  ends.set("abandoned", own);
  for (const [kind, members] of rows(section(errors, "## How a connection ends"))) {
    assert.equal(
      [...members!.matchAll(/`(\w+)`/g)].map((match) => match[1]!).sort(),
      ends.get(plain(kind))!.sort(),
      kind,
    );
  }
});

codes("Status and the table of errors are in one order", () => {
  const status = enums.get("Status")!;
  assert.equal([...status.keys()].slice(0, 2), ["COMPLETE", "PARTIAL"]);
  assert.equal(
    [...status.values()],
    Array.from({ length: status.size }, (_, i) => i),
  );
  assert.equal(
    [...status.keys()].slice(2),
    headFaults().map(({ code }): string => code),
  );
});

codes("every case that a source names is a case of the corpus", () => {
  const ids = new Set(
    [...readCorpus(), ...readProxyCorpus(), ...readHelloCorpus(), ...readMessageCorpus()].map(({ id }) => id),
  );
  let named = 0;
  for (const folder of ["assembly", "src"]) {
    for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".ts") || name === "kernel.ts") continue;
      // A case may be named by its number alone, after another of its group.
      for (const [, list] of read(join(folder, name)).matchAll(
        /corpus:\s+(?:[/ ]*\* )?([A-Z]+-\d+(?:,\s+[A-Z]*-\d+)*)/g,
      )) {
        let group = "";
        for (const each of list!.split(/,\s+/)) {
          group = /^[A-Z]+/.exec(each)?.[0] ?? group;
          const id = `${group}-${each.split("-")[1]}`;
          assert.ok(ids.has(id), `${folder}/${name} names ${id}`);
          named++;
        }
      }
    }
  }
  assert.ok(named > 5, `${named} cases are named`);
});

const numbers = suite("documents: limits and abi");

/** What the code states about a limit, in the words of its RangeError, its default and its docstring. */
function limitOf(name: string, of: (given: object) => object): string[] {
  let refusal = "";
  try {
    of({ [name]: -1 });
  } catch (error) {
    refusal = (error as Error).message;
  }
  const [, least, most, unit] = /from (\d+) to (\d+) (.*)$/.exec(refusal) ?? [];
  const byDefault = String((of({}) as Record<string, number>)[name]);
  const docstrings = [
    ...`${read("src/head/limits.ts")}${read("src/message/limits.ts")}${read("src/outcome/limits.ts")}${read("src/intake/limits.ts")}`.matchAll(
      /\/\*\*((?:(?!\*\/).)*)\*\/\s+(\w+): number;/gs,
    ),
  ];
  const docstring = docstrings.find((match) => match[2] === name)?.[1]?.replace(/\s+\*\s+/g, " ") ?? "";
  const precedents = /Precedents: (.*)\.\s*$/s.exec(docstring)?.[1] ?? "";
  assert.match(docstring, new RegExp(`Default ${byDefault}; at most ${most}\\.`), name);
  return [name, unit!, byDefault, least!, most!, precedents];
}

numbers("docs/limits.md has every limit: unit, default, range, precedents", () => {
  const ofHead = Object.keys(headLimits({})) as (keyof HeadLimits)[];
  const ofMessage = (Object.keys(messageLimits({})) as (keyof MessageLimits)[]).filter(
    (name) => !(name in headLimits({})),
  );
  const ofGate = (Object.keys(gateLimits({})) as (keyof GateLimits)[]).filter((name) => !(name in headLimits({})));
  for (const [heading, names, of] of [
    ["## Of a request head", ofHead, headLimits],
    ["## Of a message", ofMessage, messageLimits],
    ["## Of a gate", ofGate, gateLimits],
    ["## Of a socket for another process", Object.keys(processLimits({})), processLimits],
  ] as const) {
    const documented = rows(section(limits, heading)).map((row) => row.map(plain));
    assert.equal(
      documented,
      names.map((name) => limitOf(name, of)),
    );
  }
});

numbers("docs/limits.md has the fixed numbers", () => {
  const held = /const HELD_OCTETS = ([\d_]+);/.exec(read("src/connection/http1/filter.ts"))?.[1]?.replaceAll("_", "");
  const crowd = /const CROWD = ([\d_]+);/.exec(read("src/outcome/waiting.ts"))?.[1]?.replaceAll("_", "");
  const documented = rows(section(limits, "## Fixed numbers")).map(([, number]) => number);
  const [lines, input] = [enums.get("Capacity")!.get("EMPTY_LINES"), enums.get("Memory")!.get("INPUT_SIZE")];
  assert.equal(documented, [
    String(PROXY_LINE_OCTETS),
    String(lines),
    String(input),
    String(Number.MAX_SAFE_INTEGER),
    crowd,
    RETRY_AFTER,
    held,
    /const IN_FLIGHT = (\d+);/.exec(read("src/intake/child-link.ts"))?.[1],
    /const AHEAD = (\d+);/.exec(read("src/intake/receive-sockets.ts"))?.[1],
  ]);
});

/** The enums of assembly/abi.ts, read as text: no value of theirs is left when they are compiled. */
const enums = new Map<string, Map<string, number>>();
for (const [, name, body] of read("assembly/abi.ts").matchAll(/^export const enum (\w+) \{\n(.*?)^\}/gms)) {
  const values = [...body!.matchAll(/^ {2}(\w+) = (?:1 << (\d+)|(\w+)),$/gm)];
  enums.set(name!, new Map(values.map(([, key, bit, value]) => [key!, bit === undefined ? Number(value) : 1 << +bit])));
}

numbers("docs/abi.md shows assembly/abi.ts, with a meaning for each number", () => {
  const chapter = section(read("docs/abi.md"), "## The numbers");
  const headings = [...chapter.matchAll(/^### (\w+)$/gm)].map((match) => match[1]!);
  assert.equal(headings, [...enums.keys()]);
  for (const [name, values] of enums) {
    const documented = rows(section(chapter, `### ${name}`));
    const shown = documented.map(([key, value]) => [plain(key), Number(value)]);
    assert.equal(shown, [...values], name);
    for (const [key, , meaning] of documented) assert.match(meaning!, /\w/, `${name}.${key}`);
  }
});

const pictures = suite("documents: states and ports");

/** The table of docs/ownership.md that has states in its first column, and these headings beside it. */
function stateTable(...headings: string[]): string[][] {
  const [, table] = section(read("docs/ownership.md"), "## States").split(`| state | ${headings.join(" | ")} |\n`);
  assert.ok(table !== undefined, `no table of ${headings.join(", ")}`);
  return rows(table!.split("\n\n")[0]!);
}

pictures("docs/ownership.md has every state of a connection, its owner, and the states that may follow", () => {
  const documented = stateTable("owner", "next");
  const moves = documented.map(([state, , next]) => [plain(state), next === "" ? [] : next!.split(", ").map(plain)]);
  assert.equal(moves, Object.entries(transitions));
  // A connection that is over is closed by the gate, unless it was handed over.
  for (const [state, owner, next] of documented) {
    assert.is(owner!.startsWith("none"), next === "" && plain(state) !== "handed-over", state);
    assert.match(owner!, /\w/, state);
  }
});

pictures("docs/ownership.md has what can go wrong in every state", () => {
  const documented = stateTable("what can go wrong", "then");
  const states = documented.flatMap(([state]) => state!.split(", ").map(plain));
  assert.equal(states.sort(), Object.keys(transitions).sort());
  for (const row of documented) for (const cell of row) assert.match(cell, /\w/, row[0]);
});

pictures("docs/architecture.md has a phase for every state that is not an end", () => {
  const documented = rows(section(read("docs/architecture.md"), "### Phases"));
  const states = new Set(documented.flatMap(([, cell]) => cell!.split(", ").map(plain)));
  const wanted = Object.entries(transitions).filter(([, next]) => next.length > 0);
  assert.equal([...states].sort(), wanted.map(([state]) => state).sort());
});

pictures("docs/policy.md has every setting of a port", () => {
  const settings = [
    ...members(read("src/policy/vhost.ts"), "export type VhostPort ="),
    NO_LISTEN_SERVER,
    NO_LISTEN,
  ].sort();
  const chapter = section(read("docs/policy.md"), "## Ports");
  const named = rows(chapter).map(([port]) => plain(port).replaceAll('"', ""));
  assert.equal(named.filter((port) => /^[a-zA-Z_]+$/.test(port)).sort(), settings);
  assert.is(named.length, settings.length + 2, "a number, and a list of numbers");
});

pictures("docs/errors.md has every event, and the channel of each", () => {
  const chapter = section(errors, "## Events");
  const events = [
    .../interface GateEvents \{(.*?)^\}/ms.exec(read("src/outcome/reports.ts"))![1]!.matchAll(/^ {2}(\w+): \[/gm),
  ];
  assert.equal(
    rows(chapter).map(([event]) => plain(event)),
    events.map((match) => match[1]!),
  );
  for (const [, event] of events) assert.match(chapter, `\`headgate:${event}\``);
});

const links = suite("documents: links");

/** The anchor of a heading. */
function anchor(heading: string): string {
  const letters = heading.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, "");
  return letters.replaceAll(" ", "-");
}

links("every relative link leads somewhere", () => {
  let followed = 0;
  for (const file of documents) {
    const text = read(file).replace(/^(`{3,})[^\n]*\n.*?^\1$/gms, "");
    for (const [, target] of text.matchAll(/\]\(([^()\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [path, fragment] = target!.split("#");
      const wanted = path === "" ? file : normalize(join(dirname(file), path!));
      assert.ok(existsSync(wanted), `${file} links to ${target}`);
      followed++;
      if (fragment === undefined) continue;
      const anchors = [...read(wanted).matchAll(/^#+ (.*)$/gm)].map((match) => anchor(match[1]!));
      assert.ok(anchors.includes(fragment), `${file} links to ${target}`);
    }
  }
  assert.ok(followed > 20);
});

links("every file of the project that README.md or a document names exists", () => {
  let named = 0;
  for (const file of documents.filter((each) => !each.startsWith("test"))) {
    for (const [, path] of read(file).matchAll(/`((?:src|assembly|test|docs|examples)\/[\w./-]+\.(?:ts|mjs|md))`/g)) {
      assert.ok(existsSync(path!), `${file} names ${path}`);
      named++;
    }
  }
  assert.ok(named > 100, `${named} files`);
});

const examples = suite("documents: examples");

/** Where each example that is a single file is shown. */
const shownIn = {
  adopt: "docs/intake.md",
  duplex: "docs/intake.md",
  guard: "docs/policy.md",
  http2: "docs/policy.md",
  message: "docs/drop-in.md",
  metrics: "docs/operations.md",
  middleware: "docs/policy.md",
  parser: "docs/parser.md",
  "http-parser-node": "docs/drop-in.md",
  policy: "docs/policy.md",
  upgrade: "docs/intake.md",
  web: "docs/policy.md",
};

/** An example without its opening comments. */
const sourceOf = (name: string): string => read(`examples/${name}.ts`).replace(/^(?:\/\/[^\n]*\n)+\n/, "");

for (const [name, file] of Object.entries(shownIn)) {
  examples(`${file} shows examples/${name}.ts, and what it prints`, () => {
    assert.ok(blocks(read(file), "ts").includes(sourceOf(name)), `${file} has another text`);
    const printed = execFileSync(process.execPath, [`dist/examples/${name}.js`], { encoding: "utf8", timeout: 60_000 });
    assert.ok(blocks(read(file), "text").includes(printed), `${file} does not show:\n${printed}`);
  });
}

examples("docs/intake.md shows examples/hand-on", () => {
  const shown = blocks(read("docs/intake.md"), "ts");
  for (const name of ["parent", "tenant"]) assert.ok(shown.includes(sourceOf(`hand-on/${name}`)), name);
});

examples("no example is left out, and each states how to run it", () => {
  const all = readdirSync("examples", { withFileTypes: true });
  const files = all.filter((each) => each.isFile()).map(({ name }) => name);
  const wanted = Object.keys(shownIn).map((name) => `${name}.ts`);
  // One needs a package that is not installed: test/frameworks/prom-client.ts runs it.
  assert.equal(files.sort(), ["README.md", "prom-client.mjs", ...wanted].sort());
  const list = read("examples/README.md");
  const folders = all.filter((each) => each.isDirectory()).map(({ name }) => name);
  // Recipes need packages that are not installed; recipes.test.ts has their pages.
  for (const name of [...Object.keys(shownIn), ...folders.filter((folder) => folder !== "recipes")]) {
    assert.match(list, new RegExp(`node dist/examples/${name}(?:/\\w+)?\\.js`), name);
  }
});

examples("docs/operations.md shows the example with prom-client", () => {
  const example = read("examples/prom-client.mjs");
  assert.ok(read("docs/operations.md").includes(example.slice(example.indexOf("import"))));
});
