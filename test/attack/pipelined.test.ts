// In:    requests in one piece of a connection, of which a later one is refused.
// Out:   whether the refusal arrives as well, whatever was answered before it, and however.
// Never: looks into the gate.

import type { RequestListener } from "node:http";
import * as assert from "uvu/assert";
import { gate, get } from "../support/guard.js";
import { closeGuarded, openGuarded } from "../support/guarded.js";
import { suite } from "../support/suite.js";

const test = suite("pipelined refusals");
test.after(closeGuarded);

const content = "Content-Length: 5\r\n\r\nhello";
/** What is refused, and its code; with content, without it, and announced only. */
const refused: readonly (readonly [string, string])[] = [
  ["GET / HTTP/1.1\r\nHost: evil\r\n\r\n", "NAME_UNKNOWN"],
  [`POST / HTTP/1.1\r\nHost: evil\r\n${content}`, "NAME_UNKNOWN"],
  ["POST / HTTP/1.1\r\nHost: evil\r\nContent-Length: 0\r\n\r\n", "NAME_UNKNOWN"],
  ["POST / HTTP/1.1\r\nHost: evil\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "NAME_UNKNOWN"],
  ["POST / HTTP/1.1\r\nHost: evil\r\nTransfer-Encoding: chunked\r\n\r\n", "NAME_UNKNOWN"],
  [`POST / HTTP/1.1\r\nHost: a\r\nOrigin: null\r\n${content}`, "ORIGIN_NULL"],
  [`POST / HTTP/1.1\r\nHost: a\r\nConnection: a b\r\n${content}`, "CONNECTION_INVALID"],
  [`POST /live HTTP/1.1\r\nHost: evil\r\nUpgrade: websocket\r\nConnection: upgrade\r\n${content}`, "NAME_UNKNOWN"],
];

const listeners: Record<string, RequestListener> = {
  "in its listener": (_request, response) => void response.setHeader("Content-Length", 2).end("ok"),
  "in a later tick": (_request, response) => process.nextTick(() => response.setHeader("Content-Length", 2).end("ok")),
  "in a later turn": (_request, response) => setImmediate(() => response.setHeader("Content-Length", 2).end("ok")),
};

/** What comes before; 417 is the guard's own response. */
const earlier: readonly (readonly [octets: string, statusCode: number])[] = [
  [get("/"), 200],
  [get("/", "a", "Expect: x\r\n"), 417],
  [`POST / HTTP/1.1\r\nHost: a\r\n${content}`, 200],
];

for (const mode of ["auto", "filter", "events"] as const) {
  for (const [when, listener] of Object.entries(listeners)) {
    test(`a refusal arrives after a response that was given ${when}, mode ${mode}`, async () => {
      const world = await openGuarded({ gate, listener, guard: { mode } });
      for (const [before, statusCode] of earlier) {
        for (const [octets, code] of refused) {
          const client = await world.connect();
          await client.send(before + octets);
          const [first, second, ...others] = await client.all();
          const why = JSON.stringify(before + octets);
          assert.is(first?.statusCode, statusCode, why);
          assert.match(String(second?.body), code, why);
          assert.is(others.length, 0, why);
        }
      }
    });
  }
}
