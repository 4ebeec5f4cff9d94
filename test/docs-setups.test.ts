// In:    the chapter "Common setups" of docs/policy.md.
// Out:   whether each gate there can be made, and rules on the requests of its tables as they show.
// Never: opens a socket; the rules are the same on every road, and other tests compare the roads.

import { createServer } from "node:http";
import * as assert from "uvu/assert";
import type { Arrival } from "#src/arrival/arrival.js";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { parseRequestHead } from "#src/parser.js";
import { decide } from "#src/policy/decide.js";
import { localhost } from "#src/policy/localhost.js";
import { definePolicy } from "#src/policy/policy-rules.js";
import { blocks, read, section } from "./support/document.js";
import { suite } from "./support/suite.js";

/** A request that a table shows. */
interface Row {
  readonly request: string;
  readonly fields: readonly string[];
  readonly from: string;
  readonly answer: string;
}

/** What people look for, in the order of the chapter. */
const SUBJECTS = [
  "CORS and preflights",
  "LAN and Docker names",
  "Health checks and kube-probe",
  "Behind a proxy or an ingress",
  "helmet",
  "Electron and extensions",
];

const sections = section(read("docs/policy.md"), "## Common setups")
  .split(/^### /m)
  .slice(1)
  .map((text) => ({ subject: text.slice(0, text.indexOf("\n")), text }));

const test = suite("docs/policy.md: common setups");

test("the chapter has a section for each subject", () => {
  assert.equal(
    sections.map(({ subject }) => subject).filter((subject) => SUBJECTS.includes(subject)),
    SUBJECTS,
  );
});

for (const { subject, text } of sections) {
  test(`${subject}: the gate rules as the table shows`, () => {
    const [snippet = ""] = blocks(text, "ts");
    const rows = readTable(text);
    assert.ok(rows.some(({ answer }) => answer === "passes") && rows.some(({ answer }) => answer !== "passes"));
    const options = run(snippet);
    const { scheme, vhosts, trust } = options;
    const policy = definePolicy({ scheme, vhosts, trust } as GateOptions);
    for (const row of rows) {
      const arrival: Arrival = {
        scheme: scheme ?? "http",
        schemeSource: scheme === undefined ? "default" : "declared",
        remoteAddress: row.from,
      };
      const result = parseRequestHead(Buffer.from([row.request, ...row.fields, "", ""].join("\r\n")));
      assert.is(result.kind, "complete", row.request);
      if (result.kind !== "complete") continue;
      const decision = decide(policy, result.head, arrival);
      const answer = decision.kind === "accepted" ? "passes" : decision.code;
      assert.is(answer, row.answer, [row.request, ...row.fields].join(", "));
    }
  });
}

/** Runs a snippet, which makes one gate and guards `server` with it; what `createGate` was given. */
function run(snippet: string): GateOptions {
  let given: GateOptions | undefined;
  const make = (options: GateOptions): Gate => {
    given = options;
    return createGate(options);
  };
  new Function("createGate", "localhost", "server", snippet)(make, localhost, createServer());
  assert.ok(given, "the snippet makes no gate");
  return given;
}

/** The table whose columns are request, fields, perhaps from, and answer. */
function readTable(text: string): Row[] {
  const [, columns, body] = /^\| (request \| fields \|.*)\n\|[-|]*\n((?:\|.*\n)*)/m.exec(text) ?? [];
  assert.ok(body, "the section has no table of requests");
  const hasFrom = columns!.includes("| from |");
  return body
    .trimEnd()
    .split("\n")
    .map((line) => {
      const cells = line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      const [request, fields, ...others] = cells;
      const [from, answer] = hasFrom ? others : ["203.0.113.9", others[0]];
      return {
        request: versioned(request!.replaceAll("`", "")),
        fields: [...fields!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!),
        from: from!,
        answer: answer!.replaceAll("`", ""),
      };
    });
}

const versioned = (request: string): string => (request.includes(" HTTP/") ? request : `${request} HTTP/1.1`);
