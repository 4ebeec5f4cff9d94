// In:    the journeys of docs/architecture.md; the functions that ran, as V8 counts them.
// Out:   whether each lists the files that take part, and no other.
// Never: knows the files.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { suite } from "./support/suite.js";

const journeys = suite("journeys");

const architecture = readFileSync("docs/architecture.md", "utf8");

const answers: Record<string, string> = {
  adopt: "HTTP/1.1 101 Switching Protocols",
  guard: "HTTP/1.1 421 Misdirected Request",
  http2: "HTTP/2 200",
};

for (const [name, answer] of Object.entries(answers)) {
  journeys(`docs/architecture.md lists the files of ${name}`, () => {
    const text = execFileSync(process.execPath, [join("dist", "test", "support", "journey.js"), name], {
      encoding: "utf8",
    });
    const ran = JSON.parse(text) as { answer: string; files: string[] };
    assert.is(ran.answer, answer);
    const listed = new RegExp(`\`\`\`journey ${name}\n(.*?)\`\`\``, "s").exec(architecture)?.[1]?.trim().split("\n");
    assert.equal([...(listed ?? [])].sort(), ran.files.sort());
  });
}
