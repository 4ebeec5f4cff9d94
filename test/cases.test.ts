// In:    test/cases/host-cases.json and policy-cases.json.
// Out:   whether each row has its answer on a real adopted socket, on every build of the kernel.
// Never: decides what is right; the rows state it.

import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { createGate, type Gate } from "#src/gate.js";
import type { FramerLike } from "#src/handover/framer.js";
import { wsFramer } from "#src/handover/ws.js";
import { kernelVariants, useKernel } from "#src/head/kernel/instance.js";
import type { Decision } from "#src/policy/decision.js";
import {
  hostCaseHead,
  hostCases,
  policyCaseHead,
  policyCases,
  policyCaseVhosts,
  type Right,
} from "./support/case-rows.js";
import { suite } from "./support/suite.js";
import { openWorld, statusOf, type World } from "./support/world.js";

const webSocketServer = new WebSocketServer({ noServer: true });
const upgrades = { "*": wsFramer(webSocketServer) };

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
      const vhosts = policyCaseVhosts(row, upgrades);
      return run(createGate({ scheme: row.scheme, vhosts }), policyCaseHead(row), row.right);
    });
  });
}
