// In:    the transcripts of test/support/seat-cases.ts.
// Out:   whether a server with our parser answers each of them as one with Node's, octet by octet, and has the same events.
// Never: takes a difference that is not listed with its reason.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { useIn, whyUnavailable } from "#src/http-parser-node.js";
import { transcripts } from "./support/seat-cases.js";
import { record } from "./support/seat-transcripts.js";
import { suite } from "./support/suite.js";

const test = suite("seat transcripts");

test("the seat is available here", () => {
  assert.is(whyUnavailable(), null);
});

for (const transcript of transcripts) {
  test(transcript.name, async () => {
    const native = await record(transcript, () => {});
    const ours = await record(transcript, useIn);
    if (transcript.differs === undefined) assert.equal(ours, native);
    else {
      assert.equal(ours, transcript.differs.ours);
      assert.not.equal(ours, native);
    }
  });
}

test("docs/drop-in.md lists the differences", () => {
  const document = readFileSync("docs/drop-in.md", "utf8");
  for (const { name, differs } of transcripts) {
    if (differs === undefined) continue;
    const row = `| ${name} | ${differs.why} |`;
    assert.ok(document.includes(row), row);
  }
  assert.ok(document.includes(`${transcripts.length} transcripts`), `${transcripts.length} transcripts`);
});
