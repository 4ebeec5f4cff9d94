// In:    every kind of guarded server, with vhosts that have upgrades, none, or do not mention them; the other ways in.
// Out:   whether an upgrade that no vhost mentions reaches the server's own listeners, and only when it is accepted.
// Never: looks into the gate; what listeners, framers and clients got is compared.

import { createServer, type Server } from "node:http";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { parseRequestHead } from "#src/head/parse.js";
import { decide } from "#src/policy/decide.js";
import type { Refusal } from "#src/policy/decision.js";
import { explain, explanation } from "#src/policy/explain.js";
import { localhost } from "#src/policy/localhost.js";
import { definePolicy } from "#src/policy/policy-rules.js";
import { LEAVE } from "#src/policy/vhost.js";
import { followed } from "./support/remedy.js";
import { kinds, open } from "./support/several-gates.js";
import { suite } from "./support/suite.js";
import { handshakeFields, openWorld, statusOf } from "./support/world.js";

/** A gate, and what it refused. */
function gateOf(options: GateOptions): { gate: Gate; said: string[]; refusals: Refusal[] } {
  const said: string[] = [];
  const refusals: Refusal[] = [];
  const gate = createGate(options);
  gate.on("accepted", ({ upgrade, pattern }) => upgrade && said.push(`accepted by ${pattern}`));
  gate.on("reported", ({ code }) => said.push(`reported ${code}`));
  gate.on("refused", (refusal) => {
    said.push(refusal.code);
    refusals.push(refusal);
  });
  return { gate, said, refusals };
}

for (const kind of kinds) {
  for (const strict of kind.isStrict ? [false, true] : [false]) {
    const left = suite(`left upgrades: ${kind.name}${strict ? ", strict" : ""}`);
    const on =
      (gate: Gate, vhosts?: string[]) =>
      (server: Server): void =>
        void gate.guard(server, { ...(strict && { mode: "filter" as const }), ...(vhosts && { vhosts }) });

    left("a vhost that does not mention upgrades leaves them to the server's listeners", async () => {
      for (const vhost of [{ name: "a" }, { name: "a", upgrades: undefined as never }]) {
        const { gate, said } = gateOf({ vhosts: [vhost] });
        const world = await open(kind, on(gate));
        assert.equal([await world.upgrade("/", "a"), await world.upgrade("/any?x", "a")], [101, 101]);
        assert.equal(world.heard, ["upgrade /", "upgrade /any?x"]);
        assert.is(await world.upgrade("/", "b"), 421);
        assert.equal(said, ["accepted by *", "accepted by *", "NAME_UNKNOWN"]);
        assert.is(world.heard.length, 2);
        await world.close();
      }
    });

    left("where the server has no listener, it is 404, and the remedy lets it pass", async () => {
      const options: GateOptions = { vhosts: [{ name: "a" }] };
      const { gate, refusals } = gateOf(options);
      const world = await open(kind, on(gate), false);
      assert.is(await world.upgrade("/x", "a"), 404);
      const [refusal] = refusals;
      assert.match(
        explain(refusal!),
        /^the upgrade of path \/x is left to the server's own listeners, and there are none/,
      );
      await world.close();
      for (const followedOptions of followed(options, explanation(refusal!).remedy!)) {
        const again = await open(kind, on(createGate(followedOptions)), false);
        assert.is(await again.upgrade("/x", "a"), 101);
        await again.close();
      }
    });

    left("{} claims none, and with others given the rest is 404, whose remedy names LEAVE", async () => {
      for (const upgrades of [{}, { "/live": LEAVE }] as Record<string, typeof LEAVE>[]) {
        const options: GateOptions = { vhosts: [{ name: "a", upgrades }] };
        const { gate, refusals } = gateOf(options);
        const world = await open(kind, on(gate));
        assert.equal([await world.upgrade("/x", "a"), world.heard], [404, []]);
        const remedy = explanation(refusals[0]!).remedy!;
        assert.is(
          remedy,
          'to claim it, add "/x": framer to the upgrades of vhost a; otherwise, to leave it to the server\'s own ' +
            'listeners, add "/x": LEAVE to the upgrades of vhost a',
        );
        await world.close();
        const [claimed, leaving] = followed(options, remedy);
        for (const [followedOptions, heard] of [
          [claimed!, 0],
          [leaving!, 1],
        ] as const) {
          const again = await open(kind, on(createGate(followedOptions)));
          assert.equal([await again.upgrade("/x", "a"), again.heard.length], [101, heard]);
          await again.close();
        }
      }
    });

    left("each vhost for itself, also when the guard is narrowed, and in report mode", async () => {
      const vhosts = [{ name: "a" }, { name: "b", upgrades: {} }];
      const { gate, said } = gateOf({ vhosts, mode: "report" });
      for (const narrowed of [undefined, ["a", "b"]]) {
        const world = await open(kind, on(gate, narrowed));
        assert.equal([await world.upgrade("/", "a"), await world.upgrade("/", "b")], [101, 404]);
        assert.is(await world.upgrade("/", "c"), 101);
        assert.equal(world.heard, ["upgrade /", "upgrade /"]);
        const reported = ["reported NAME_UNKNOWN", "accepted by *"];
        assert.equal(said.splice(0), ["accepted by *", "PATH_UNCLAIMED", ...reported]);
        await world.close();
      }
    });

    left("authorize has the last word", async () => {
      const asked: string[] = [];
      const { gate } = gateOf({
        vhosts: [{ name: "a" }],
        authorize: (head) => asked.push(head.path) > 0 && head.path === "/yes",
      });
      const world = await open(kind, on(gate));
      assert.equal([await world.upgrade("/yes", "a"), await world.upgrade("/no", "a")], [101, 403]);
      assert.equal([asked, world.heard], [["/yes", "/no"], ["upgrade /yes"]]);
      await world.close();
    });

    if (kind.isHttp2) continue;
    left("Origin and the opening handshake are ruled on", async () => {
      const { gate, said } = gateOf({ vhosts: [{ name: "a" }] });
      const world = await open(kind, on(gate));
      for (const [fields, status, code] of [
        [`Origin: http://evil.example\r\n${handshakeFields}`, 403, "ORIGIN_FOREIGN"],
        [handshakeFields.replace("13", "8"), 426, "WEBSOCKET_VERSION"],
        [`Origin: http${kind.isTls ? "s" : ""}://a\r\n${handshakeFields}`, 101, "accepted by *"],
      ] as const) {
        const octets = `GET /x HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
        assert.is((await world.send("a", octets))[0], status, fields);
        assert.is(said.pop(), code);
      }
      assert.equal(world.heard, ["upgrade /x"]);
      await world.close();
    });
  }
}

const others = suite("left upgrades: the other ways");

others("a listener that comes after the guard gets them, and localhost() does not mention them", async () => {
  const { gate } = gateOf({ vhosts: localhost() });
  const world = await open(kinds[0]!, (server) => void gate.guard(server), false);
  assert.is(await world.upgrade("/", "localhost"), 404);
  world.server.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
  assert.is(await world.upgrade("/", "localhost"), 101);
  await world.close();
  const none = await open(
    kinds[0]!,
    (server) => void createGate({ vhosts: localhost({ upgrades: {} }) }).guard(server),
  );
  assert.is(await none.upgrade("/", "localhost"), 404);
  await none.close();
});

others("an adopted socket has no listeners: nothing is claimed", async () => {
  const { gate, refusals } = gateOf({ vhosts: [{ name: "a", port: "any" }], requests: createServer() });
  // What a guard of the same gate leaves does not change that.
  gate.guard(createServer().on("upgrade", () => {}));
  const world = await openWorld(() => gate);
  const response = await world.send(Buffer.from(`GET /x HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`));
  assert.is(statusOf(response), 404);
  assert.match(explain(refusals[0]!), /is not claimed: vhost a has no upgrades/);
  assert.is(explanation(refusals[0]!).remedy, 'to claim it, add "/x": framer to the upgrades of vhost a');
  await world.close();
});

others("a policy alone claims none", () => {
  const result = parseRequestHead(Buffer.from(`GET /x HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`));
  if (result.kind !== "complete") throw new Error("no head");
  const decision = decide(definePolicy({ vhosts: [{ name: "a" }] }), result.head, { scheme: "http" });
  assert.is(decision.kind === "refused" && decision.code, "PATH_UNCLAIMED");
});
