// In:    connections whose requests come in one read, of which an application destroys some and the gate refuses the others.
// Out:   whether the process survives, and whether each refusal is answered whole.
// Never: waits for luck: glibc checks each block of memory that is freed.

import * as assert from "uvu/assert";
import { acts, burst } from "../support/burst.js";
import { Limited } from "../support/limited.js";
import { suite } from "../support/suite.js";

/**
 * Connections for each act. Node 20 lets a stream be closed within the read that has brought it, and writes beyond its
 * buffers where another stream of that read is gone; it dies of it within thirty connections.
 */
const CONNECTIONS = process.env.HEADGATE_FULL === undefined ? 80 : 2000;
const AT_ONCE = 10;

/** Without its caches glibc looks at a block's neighbours whenever it is freed, and finds at once what was written beyond one. */
const CHECKED = { GLIBC_TUNABLES: "glibc.malloc.tcache_count=0" };

const test = suite("crash");
let running: Limited | null = null;
test.after(() => running?.stop());

/** A process that has got all of them; it may have died. What was wrong with answers, each thing once. */
async function bombarded(
  way: string,
  secure: boolean,
  act: string,
): Promise<{ wrong: string[]; death: string | null }> {
  const program = ["dist/test/support/burst-server.js", way, secure ? "tls" : "cleartext", act];
  const server = new Limited("-c 0", program, CHECKED);
  running = server;
  const port = await server.hear<number>();
  const wrong = new Set<string>();
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < CONNECTIONS && server.death === null && wrong.size === 0) {
      const missing = await burst({ port, secure, index: next++, bare: way === "bare" });
      if (missing !== null) wrong.add(missing);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  // A process that wrote beyond its memory may die only at the next use.
  const missing = await burst({ port, secure, index: 0, bare: way === "bare" });
  const { death } = server;
  await server.stop();
  running = null;
  return { wrong: missing === null || death !== null ? [...wrong] : [...wrong, missing], death };
}

for (const way of ["guarded", "adopted"]) {
  for (const secure of [false, true]) {
    for (const act of acts) {
      test(`${way}, ${secure ? "TLS" : "cleartext"}, ${act}`, async () => {
        const { wrong, death } = await bombarded(way, secure, act);
        assert.is(death, null);
        assert.equal(wrong, []);
      });
    }
  }
}

test("a server without a gate that closes such streams at once dies of it", async () => {
  const { death } = await bombarded("bare", false, "stream.destroy()");
  if (death === null) console.log(`\nNOTE Node ${process.versions.node} survives it`);
  else assert.match(death, /^SIG(?:ABRT|SEGV|BUS)/);
});
