// In:    connections beyond a limit, or out of time, whose protocol is not known yet.
// Out:   whether they end without a word, or with one of their own protocol.
// Never: lets a client get HTTP that may be about to speak something else.

import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import type { Abandoned } from "#src/outcome/end.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { certificate } from "../support/certificate.js";
import { suite } from "../support/suite.js";
import { Client, octetsOf, streamPair } from "../support/tcp.js";

const plaintext = suite("attack: plaintext where the protocol is not known");

const own = certificate("a.example");
const trust = { from: ["10.0.0.0/8"], proxyProtocol: true };
const HOP = { remoteAddress: "10.0.0.1", localAddress: "10.0.0.2" };
const LINE = "PROXY TCP4 192.0.2.7 192.0.2.1 51234 443\r\n";
/** The beginning of a ClientHello's record. */
const HELLO = "\x16\x03\x01\x02\x00\x01\x00\x01";
/** A fatal alert, internal_error (RFC 8446 §6). */
const ALERT = "\x15\x03\x03\x00\x02\x02\x50";

const choices: Record<string, Partial<GateOptions>> = {
  tls: { tls: { "*": own } },
  "tls behind PROXY": { tls: { "*": own }, trust },
  fallback: { fallback: () => {} },
  "fallback behind PROXY": { fallback: () => {}, trust },
  "http2.cleartext": { http2: { cleartext: true } },
  "PROXY alone": { trust },
};

function gateOf(more: Partial<GateOptions>): Gate {
  return createGate({ vhosts: [{ name: "a.example", port: NO_LISTEN_SERVER, upgrades: { "*": () => {} } }], ...more });
}

async function adopt(gate: Gate, rest = ""): Promise<{ code: string; stage: string; octets: string }> {
  const [near, far] = streamPair();
  const client = new Client(near);
  const end = (await gate.adopt(far, { arrival: HOP, ...(rest !== "" && { rest: octetsOf(rest) }) })
    .ended) as Abandoned;
  await client.closed();
  return { code: end.code, stage: end.stage, octets: client.received.toString("latin1") };
}

/** A connection that waits, and takes the only place. */
function fill(gate: Gate): Client {
  const [near, far] = streamPair();
  gate.adopt(far, { arrival: HOP });
  assert.is(gate.pendingHeads, 1);
  return new Client(near);
}

for (const [choice, more] of Object.entries(choices)) {
  plaintext(`${choice}: one connection too many is closed without a word`, async () => {
    const gate = gateOf({ ...more, limits: { pendingHeads: 1 } });
    const first = fill(gate);
    assert.equal(await adopt(gate), { code: "OVERLOADED", stage: "silent", octets: "" });
    assert.equal(gate.counts.abandoned, { OVERLOADED: 1 });
    first.stream.destroy();
  });

  plaintext(`${choice}: octets that do not tell the protocol yet are answered with none`, async () => {
    const begun = more.trust === undefined ? "" : choice === "PROXY alone" ? "PROX" : LINE;
    for (const part of choice === "PROXY alone" ? [""] : ["P", "PRI * HT", "\r\n"]) {
      const gate = gateOf({ ...more, limits: { pendingHeads: 1 } });
      const first = fill(gate);
      const { code, octets } = await adopt(gate, begun + part);
      assert.equal([code, octets], ["OVERLOADED", ""], JSON.stringify(part));
      first.stream.destroy();
      const late = gateOf({ ...more, limits: { headTimeout: 1 } });
      assert.equal((await adopt(late, begun + part)).octets, "", `late: ${JSON.stringify(part)}`);
      assert.equal(late.counts.abandoned, { HEAD_TIMEOUT: 1 });
    }
  });

  if (more.tls !== undefined) {
    plaintext(`${choice}: TLS that is one too many gets an alert`, async () => {
      const gate = gateOf({ ...more, limits: { pendingHeads: 1 } });
      const first = fill(gate);
      const begun = more.trust === undefined ? "" : LINE;
      assert.equal(await adopt(gate, begun + HELLO), { code: "OVERLOADED", stage: "tls", octets: ALERT });
      first.stream.destroy();
    });
  }

  plaintext(`${choice}: what begins as HTTP/1.1 is told in HTTP/1.1`, async () => {
    const gate = gateOf({ ...more, limits: { pendingHeads: 1 } });
    const first = fill(gate);
    const { code, octets } = await adopt(gate, `${more.trust === undefined ? "" : LINE}GET / HT`);
    assert.is(code, "OVERLOADED");
    assert.match(octets, /^HTTP\/1\.1 503 /);
    first.stream.destroy();
  });
}

plaintext("HTTP/1.1 alone: one too many is answered 503", async () => {
  const gate = gateOf({ limits: { pendingHeads: 1 } });
  const first = fill(gate);
  assert.match((await adopt(gate)).octets, /^HTTP\/1\.1 503 /);
  first.stream.destroy();
});
