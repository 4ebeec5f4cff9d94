// In:    test/cases/six-checks.json: Hosts that usual hand-written checks get wrong, with what is right.
// Out:   whether each is right for a request and for an upgrade, over an adopted socket.
// Never: decides what is right; the rows say it.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { explain, explainError } from "#src/explain.js";
import { createGate, type Gate } from "#src/gate.js";
import { NO_LISTEN_SERVER } from "#src/vhost.js";
import { suite } from "./support/suite.js";
import { handshakeFields, openWorld, statusOf, type World } from "./support/world.js";

interface SixChecks {
  vhosts: { name: string }[];
  rows: {
    host: string;
    /** `accepted`, or a status code and a code. */
    right: string;
    /** The line for the log, for a `GET /live` that is no upgrade. */
    explanation: string;
  }[];
}
const { vhosts, rows } = JSON.parse(readFileSync("test/cases/six-checks.json", "utf8")) as SixChecks;

const test = suite("Hosts that usual checks get wrong");
const said: string[] = [];
let gate: Gate;
let world: World;

test.before(async () => {
  gate = createGate({
    vhosts: vhosts.map((vhost) => ({
      ...vhost,
      port: NO_LISTEN_SERVER,
      upgrades: { "*": ({ socket }) => void socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n") },
    })),
    requests: (_, response) => response.end(),
  });
  gate.on("handover", (decision) => said.push("accepted", explain(decision)));
  gate.on("refused", (decision) => said.push(`${decision.statusCode} ${decision.code}`, explain(decision)));
  gate.on("malformed", (error) => said.push(`${error.statusCode} ${error.code}`, explainError(error)));
  world = await openWorld(() => gate);
});
test.after(() => world.close());

for (const { host, right, explanation } of rows) {
  for (const [kind, fields, statusCode] of [
    ["a request", "Connection: close\r\n", 200],
    ["an upgrade", handshakeFields, 101],
  ] as const) {
    test(`${host}, ${kind}`, async () => {
      said.length = 0;
      const response = await world.send(`GET /live HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`);
      assert.is(statusOf(response), Number.parseInt(right, 10) || statusCode);
      const words = explanation.replace("GET /live accepted", "upgrade of /live accepted by *");
      assert.equal(said, [right, kind === "an upgrade" ? words : explanation]);
    });
  }
}
