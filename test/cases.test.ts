// In:    test/cases/host-cases.json and policy-cases.json.
// Out:   whether each row has its answer on a real adopted socket, on every build of the kernel.
// Never: decides what is right; the rows say it.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { createGate, type Gate } from "#src/gate.js";
import type { FramerLike } from "#src/handover/framer.js";
import { wsFramer } from "#src/handover/ws.js";
import { kernelVariants, useKernel } from "#src/head/kernel/instance.js";
import type { Decision } from "#src/policy/decision.js";
import type { VhostPort } from "#src/policy/vhost.js";
import { suite } from "./support/suite.js";
import { handshakeFields, openWorld, statusOf, type World } from "./support/world.js";

interface Right {
  upgrade: boolean;
  statusCode?: number[];
  vhost?: string;
}
interface HostCase {
  vhost: string;
  port: VhostPort;
  request: string;
  host: string | null | { repeat: string; times: number; then: string };
  right: Right;
}
interface PolicyCase {
  scheme: "http" | "https";
  vhosts: { name: string; port: VhostPort; default?: boolean; requires?: "https" }[];
  target: string;
  version: string;
  host: string | null;
  right: Right;
  why: string;
}

const read = <Row>(name: string): Row[] => JSON.parse(readFileSync(`test/cases/${name}.json`, "utf8"));
const hostCases = read<HostCase>("host-cases");
const policyCases = read<PolicyCase>("policy-cases");

const webSocketServer = new WebSocketServer({ noServer: true });
const upgrades = { "*": wsFramer(webSocketServer) };

/** The octets of a host case; its Host is UTF-8, as a client that knows no better would send it. */
function hostCaseHead({ request, host }: HostCase): string {
  const value = host !== null && typeof host === "object" ? host.repeat.repeat(host.times) + host.then : host;
  const target = /^absolute-form (.*)$/.exec(request)?.[1] ?? "/chat";
  const version = request === "HTTP/1.0" ? "1.0" : "1.1";
  return `GET ${target} HTTP/${version}\r\n${hostLines(request, value)}${handshakeFields}\r\n`;
}

function hostLines(request: string, value: string | null): string {
  if (value === null) return "";
  if (request === "two Host headers") {
    return value
      .split(" | ")
      .map((each) => `Host: ${each}\r\n`)
      .join("");
  }
  if (request === '"Host : v"') return `Host : ${value}\r\n`;
  if (request === "host: (lower-case name)") return `host: ${value}\r\n`;
  if (request === "obs-fold Host") return `Host:\r\n ${value}\r\n`;
  return `Host: ${value}\r\n`;
}

for (const variant of kernelVariants) {
  const test = suite(`cases on the ${variant} kernel`);
  let world: World;
  let gate: Gate;
  let decision: Decision<FramerLike> | null;

  test.before(async () => {
    useKernel(variant);
    world = await openWorld(() => gate);
  });
  test.after(() => world.close());

  const run = async (made: Gate, head: string, right: Right): Promise<void> => {
    gate = made;
    decision = null;
    gate.on("accepted", (accepted) => {
      decision = accepted;
    });
    gate.on("refused", (refused) => {
      decision = refused;
    });
    const response = await world.send(Buffer.from(head, "utf8"));
    const wanted = right.upgrade ? [101] : right.statusCode!;
    assert.ok(wanted.includes(statusOf(response)), `wanted ${wanted}, got ${JSON.stringify(response)}`);
    const end = await world.ends.at(-1)!;
    assert.is(end.kind === "handed-over", right.upgrade);
    if (right.vhost !== undefined) assert.is(decision!.vhost?.name, right.vhost);
    assert.is(gate.pendingHeads, 0);
  };

  hostCases.forEach((row, i) => {
    const host = JSON.stringify(row.host)?.slice(0, 60);
    test(`host case ${i}: ${row.request}, Host ${host}, port ${row.port}`, () => {
      const made = createGate({ vhosts: [{ name: row.vhost, port: row.port, upgrades }] });
      return run(made, hostCaseHead(row), row.right);
    });
  });

  policyCases.forEach((row, i) => {
    test(`policy case ${i}: ${row.why} (${row.host})`, () => {
      const vhosts = row.vhosts.map((vhost) => ({
        ...vhost,
        upgrades,
        ...(vhost.default && { origins: "any" as const }),
      }));
      const hosts = row.host === null ? "" : `Host: ${row.host}\r\n`;
      const head = `GET ${row.target} HTTP/${row.version}\r\n${hosts}${handshakeFields}\r\n`;
      return run(createGate({ scheme: row.scheme, vhosts }), head, row.right);
    });
  });
}
