// In:    test/cases/six-checks.json: Hosts that usual hand-written checks get wrong, with what is right.
// Out:   whether each is right for a request and for an upgrade, adopted, guarded and strictly guarded.
// Never: decides what is right; the rows state it.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { explain } from "#src/policy/explain.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { closeGuarded, openGuarded } from "./support/guarded.js";
import { suite } from "./support/suite.js";
import { exchange, handshakeFields, openWorld, statusOf } from "./support/world.js";

interface SixChecks {
  vhosts: { name: string }[];
  rows: {
    host: string;
    /** `accepted`, or a status code and a code. */
    right: string;
    /** The line for the log, for a `GET /live` that is not an upgrade. */
    explanation: string;
  }[];
}
const { vhosts, rows } = JSON.parse(readFileSync("test/cases/six-checks.json", "utf8")) as SixChecks;

type Send = (octets: string) => Promise<string>;

const said: string[] = [];
const optionsOf = (port: typeof NO_LISTEN_SERVER | "any"): GateOptions => ({
  vhosts: vhosts.map((vhost) => ({
    ...vhost,
    port,
    upgrades: { "*": ({ socket }) => void socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n") },
  })),
});

/** A remedy with the port that the vhosts of this way have. */
const withoutPort = (text: string): string => text.replace(/, port: "\w+"/, "");

function listen(gate: Gate): void {
  gate.on("accepted", (decision) => said.push("accepted", explain(decision)));
  gate.on("refused", (decision) =>
    said.push(`${decision.statusCode} ${decision.code}`, withoutPort(explain(decision))),
  );
  gate.on("malformed", ({ fault }) => said.push(`${fault.statusCode} ${fault.code}`, explain(fault)));
}

/** Each opens a way in, and returns how to close it. */
const ways: Record<string, () => Promise<{ send: Send; close: () => Promise<void> }>> = {
  async adopted() {
    const gate = createGate({ ...optionsOf(NO_LISTEN_SERVER), requests: (_, response) => response.end() });
    listen(gate);
    return openWorld(() => gate);
  },
  guarded: () => openGuard(false),
  "guarded strictly": () => openGuard(true),
};

async function openGuard(strict: boolean): Promise<{ send: Send; close: () => Promise<void> }> {
  const guarded = await openGuarded({ gate: optionsOf("any"), guard: { mode: strict ? "filter" : "auto" } });
  listen(guarded.gate);
  return { send: (octets) => exchange(guarded, octets), close: () => guarded.close() };
}

for (const [way, open] of Object.entries(ways)) {
  const test = suite(`Hosts that usual checks get wrong, ${way}`);
  let send: Send;
  let close: () => Promise<void>;
  test.before(async () => {
    ({ send, close } = await open());
  });
  test.after(async () => {
    await close();
    await closeGuarded();
  });

  for (const { host, right, explanation } of rows) {
    for (const [kind, fields, statusCode] of [
      ["a request", "Connection: close\r\n", 200],
      ["an upgrade", handshakeFields, 101],
    ] as const) {
      test(`${host}, ${kind}`, async () => {
        said.length = 0;
        const response = await send(`GET /live HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`);
        assert.is(statusOf(response), Number.parseInt(right, 10) || statusCode);
        const words = explanation.replace("GET /live accepted", "upgrade of /live accepted by *");
        assert.equal(said, [right, kind === "an upgrade" ? words : explanation]);
      });
    }
  }
}
