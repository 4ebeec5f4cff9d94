// In:    a process of Node's own tests, before the test: --require; SEAT_MARK, a file.
// Out:   our parser in the seat of all its servers; SEAT_MARK is made if one of them has taken it.
// Never: changes anything else of the process.

import { writeFileSync } from "node:fs";
import { install } from "#src/http-parser-node.js";

interface Pool {
  alloc(): object;
}

const mark = process.env.SEAT_MARK;
const common = process.getBuiltinModule("_http_common" as "http") as unknown as {
  parsers: Pool;
  HTTPParser: new () => object;
};
const { parsers, HTTPParser } = common;
install();
if (mark !== undefined) {
  const { alloc } = parsers;
  parsers.alloc = function (this: Pool): object {
    const parser = alloc.call(this);
    if (!(parser instanceof HTTPParser)) {
      parsers.alloc = alloc;
      writeFileSync(mark, "");
    }
    return parser;
  };
}
