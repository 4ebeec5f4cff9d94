// In:    the requests of test/cases, and some of this file's own, under enforce and under report mode.
// Out:   whether report mode reports for each what enforce mode does, and lets pass what a framer or listener can take, and no more.
// Never: judges what enforce mode rules; other tests do.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { type Arrival, socketArrival } from "#src/arrival/arrival.js";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import type { FramerLike } from "#src/handover/framer.js";
import { parseRequestHead } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import { explain } from "#src/outcome/explain-end.js";
import { decide } from "#src/policy/decide.js";
import { type Decision, isSoft } from "#src/policy/decision.js";
import { explanation } from "#src/policy/explain.js";
import { definePolicy, type PolicyRules } from "#src/policy/policy-rules.js";
import { NO_LISTEN, type Vhost } from "#src/policy/vhost.js";
import { closeGuarded, openGuarded } from "./support/guarded.js";
import { kinds, open } from "./support/several-gates.js";
import { suite } from "./support/suite.js";
import { exchange, handshakeFields, openWorld, statusOf } from "./support/world.js";

function head(text: string): RequestHead {
  const result = parseRequestHead(Buffer.from(text, "latin1"), { host: "optional" });
  if (result.kind !== "complete") throw new Error(`no head: ${JSON.stringify(result)}`);
  return result.head;
}
const http: Arrival = socketArrival({}, {}, undefined);

interface Traffic {
  readonly rules: PolicyRules;
  readonly text: string;
  readonly arrival: Arrival;
}

/** Every request of the tables of Origin and Forwarded, as an upgrade and as a request. */
function readTraffic(): Traffic[] {
  return ["origin-cases", "forwarded-cases"].flatMap((name) => {
    const { policies, rows } = JSON.parse(readFileSync(`test/cases/${name}.json`, "utf8")) as {
      policies: Record<string, PolicyRules>;
      rows: {
        policy: string;
        host: string;
        origin?: string | string[] | null;
        fields?: string[][];
        peer?: string | null;
      }[];
    };
    return rows.flatMap(({ policy, host, origin = null, fields = [], peer }) => {
      const origins = origin === null ? [] : [origin].flat().map((value) => ["Origin", value]);
      const lines = [...fields, ...origins].map(([field, value]) => `${field}: ${value}\r\n`).join("");
      const arrival = socketArrival(
        peer ? { remoteAddress: peer, localAddress: "10.0.0.5" } : {},
        {},
        policies[policy]!.scheme,
      );
      return [handshakeFields, "Connection: close\r\n"].map((more) => ({
        rules: policies[policy]!,
        text: `GET /live HTTP/1.1\r\nHost: ${host}\r\n${lines}${more}\r\n`,
        arrival,
      }));
    });
  });
}

/** The rules with a claim on every path, and a vhost that takes what no other does. */
function withDefault<Claim>({ vhosts, ...rules }: PolicyRules, claim: Claim): PolicyRules<Claim> {
  const upgrades = { "*": claim };
  const taker: Vhost<Claim> = { name: "taker.example", port: "any", default: true, origins: [], upgrades };
  const others = vhosts.map(({ default: _, ...vhost }) => ({ ...vhost, upgrades }));
  return { ...rules, vhosts: [...others, taker] };
}

const report = suite("report mode");
const traffic = readTraffic();

report("reports for every request what enforce mode rules", () => {
  let soft = 0;
  let hard = 0;
  for (const { rules, text, arrival } of traffic) {
    for (const each of [rules, withDefault(rules, 1)]) {
      const enforced = decide(definePolicy(each), head(text), arrival);
      const reported = decide(definePolicy({ ...each, mode: "report" }), head(text), arrival);
      if (enforced.kind === "accepted") {
        assert.is(reported.kind, "accepted");
        assert.is(reported.kind === "accepted" && reported.reported, undefined);
        continue;
      }
      const said = reported.kind === "accepted" ? reported.reported! : reported;
      assert.is(explain(said), explain(enforced));
      assert.is(said.code, enforced.code);
      if (reported.kind === "accepted") {
        assert.ok(isSoft(enforced), `${enforced.code} was let through`);
        soft++;
      } else {
        hard++;
      }
    }
  }
  assert.ok(soft > 100 && hard > 50, `${soft} let through, ${hard} refused`);
});

const a: Vhost<string> = { name: "a", port: 80, upgrades: { "/live": "a" } };
const taker: Vhost<string> = { name: "taker", port: 80, default: true, origins: [], upgrades: { "/live": "taker" } };

const upgradeTo = (host: string, fields = "", path = "/live"): RequestHead =>
  head(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}${handshakeFields}\r\n`);
const words = (decision: Decision<string>): string => {
  if (decision.kind === "refused") return `${decision.statusCode} ${decision.code}`;
  return `${decision.vhost.name} ${decision.claim} ${decision.reported?.code}`;
};

report("a wrong name, port or scheme goes to the default vhost, a wrong origin where it would have gone", () => {
  const rule = (vhosts: Vhost<string>[], request: RequestHead, arrival = http): string =>
    words(decide(definePolicy({ vhosts, mode: "report" }), request, arrival));
  const foreign = "Origin: http://evil.example\r\n";
  const both = [a, taker];
  assert.is(rule(both, upgradeTo("a")), "a a undefined");
  assert.is(rule(both, upgradeTo("b")), "taker taker undefined");
  assert.is(rule(both, upgradeTo("a:81")), "taker taker PORT_MISMATCH");
  assert.is(rule(both, upgradeTo("b:81")), "taker taker PORT_MISMATCH");
  assert.is(rule(both, upgradeTo("192.0.2.1")), "taker taker NAME_UNKNOWN");
  assert.is(rule(both, upgradeTo("0.0.0.0")), "taker taker NAME_UNSPECIFIED");
  assert.is(rule(both, upgradeTo("a", foreign)), "a a ORIGIN_FOREIGN");
  assert.is(rule(both, upgradeTo("a", "Origin: null\r\n")), "a a ORIGIN_NULL");
  // The default vhost's own origins would have been asked for too; the first refusal is the one that counts.
  assert.is(rule(both, upgradeTo("a:81", foreign)), "taker taker PORT_MISMATCH");
  assert.is(rule([a], upgradeTo("a:81")), "421 PORT_MISMATCH");
  assert.is(rule([a], upgradeTo("a", foreign)), "a a ORIGIN_FOREIGN");
  // What is wrong in another way as well is refused as enforced, in the same words.
  assert.is(rule(both, upgradeTo("a:81", "", "/other")), "421 PORT_MISMATCH");
  assert.is(rule(both, upgradeTo("a", foreign, "/other")), "403 ORIGIN_FOREIGN");
  assert.is(rule(both, upgradeTo("a:81", "Content-Length: 1\r\n")), "421 PORT_MISMATCH");
  assert.is(rule(both, upgradeTo("a", "", "/other")), "404 PATH_UNCLAIMED");
  assert.is(rule(both, upgradeTo("a", `${foreign}${foreign}`)), "400 ORIGIN_REPEATED");
  assert.is(rule([a, { ...taker, port: NO_LISTEN }], upgradeTo("a:81")), "421 PORT_MISMATCH");
  // Plaintext never reaches a vhost that requires https.
  const secure: Vhost<string> = { ...a, requires: "https" };
  assert.is(rule([secure], upgradeTo("a")), "421 SCHEME_REQUIRED");
  assert.is(rule([secure, taker], upgradeTo("a")), "taker taker SCHEME_REQUIRED");
  assert.is(rule([a, { ...taker, requires: "https" }], upgradeTo("a:81")), "421 PORT_MISMATCH");
  assert.is(
    rule([a, { ...taker, requires: "https" }], upgradeTo("a:81"), { scheme: "https" }),
    "taker taker PORT_MISMATCH",
  );
});

report("an acceptance states what enforce mode would have ruled", () => {
  const policy = definePolicy({ vhosts: [a, taker], mode: "report" });
  const decision = decide(policy, upgradeTo("a:81"), http);
  assert.is(
    explain(decision),
    "upgrade of /live accepted by /live (taker; port came from Host; scheme http by default); enforce mode would refuse it: " +
      "host port 81 mismatches vhost port 80 (a; port came from Host; scheme http by default); " +
      "to allow it, set port: [80, 81] on vhost a",
  );
  const data = explanation(decision);
  assert.is(data.reported?.code, "PORT_MISMATCH");
  assert.equal(JSON.parse(JSON.stringify(data)), data);
  assert.throws(
    () => definePolicy({ vhosts: [a], mode: "log" as never }),
    /mode is "log"; it must be "enforce" or "report"/,
  );
});

const gates = suite("report mode of a gate");

/** What is not counted in a test without malformed heads. */
const none = { malformed: {}, abandoned: {}, lost: {} };

/** What a gate does with each request: how it answers, what it counts, which events it emits. */
async function run(
  options: (take: FramerLike) => GateOptions,
  texts: string[],
): Promise<{ gate: Gate; statusCodes: number[]; events: string[] }> {
  const events: string[] = [];
  const gate = createGate(options(({ socket }) => void socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n")));
  for (const event of ["accepted", "refused", "reported"] as const) {
    gate.on(event, (decision: Decision) =>
      events.push(`${event} ${decision.kind === "refused" ? decision.code : decision.vhost.name}`),
    );
  }
  const world = await openWorld(() => gate);
  const statusCodes: number[] = [];
  for (const text of texts) statusCodes.push(statusOf(await world.send(Buffer.from(text, "latin1"))));
  await world.close();
  return { gate, statusCodes, events };
}

const upgradeText = (host: string): string => `GET /live HTTP/1.1\r\nHost: ${host}\r\n${handshakeFields}\r\n`;
const requestText = (host: string): string => `GET /live HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

gates("lets through, emits and counts", async () => {
  const texts = [
    upgradeText("a:81"),
    requestText("a:81"),
    upgradeText("192.0.2.1"),
    requestText("a"),
    upgradeText("a"),
  ];
  const { gate, statusCodes, events } = await run(
    (take) => ({
      vhosts: [
        { name: "a", port: 80, upgrades: { "*": take } },
        { name: "taker", port: 80, default: true, origins: [], upgrades: { "*": take } },
      ],
      mode: "report",
      requests: (_, response) => response.end(),
    }),
    texts,
  );
  assert.equal(statusCodes, [101, 200, 101, 200, 101]);
  assert.equal(events, [
    "reported PORT_MISMATCH",
    "accepted taker",
    "reported PORT_MISMATCH",
    "accepted taker",
    "reported NAME_UNKNOWN",
    "accepted taker",
    "accepted a",
    "accepted a",
  ]);
  assert.equal(gate.counts, { refused: {}, reported: { PORT_MISMATCH: 2, NAME_UNKNOWN: 1 }, ...none });
});

gates("refuses as enforced, and counts so, what has no recipient", async () => {
  const { gate, statusCodes, events } = await run(
    (take) => ({
      vhosts: [
        { name: "a", port: 80, upgrades: { "*": take } },
        { name: "taker", port: 80, default: true, origins: [] },
      ],
      mode: "report",
    }),
    [upgradeText("a:81"), requestText("a:81"), requestText("a")],
  );
  assert.equal(statusCodes, [421, 421, 426]);
  assert.equal(events, ["refused PORT_MISMATCH", "refused PORT_MISMATCH", "refused UPGRADE_REQUIRED"]);
  assert.equal(gate.counts, { refused: { PORT_MISMATCH: 2, UPGRADE_REQUIRED: 1 }, reported: {}, ...none });
});

gates("counts together what enforce mode refuses", async () => {
  const rules = JSON.parse(readFileSync("test/cases/origin-cases.json", "utf8")).policies.list as PolicyRules;
  const texts = traffic.filter((each) => JSON.stringify(each.rules) === JSON.stringify(rules)).map(({ text }) => text);
  texts.push(requestText("b"), upgradeText("chat.example.com:1"), upgradeText("192.0.2.1"));
  assert.ok(texts.length > 20);
  const options = (mode: "enforce" | "report") => (take: FramerLike) => ({
    ...withDefault(rules, take),
    mode,
    requests: (_: unknown, response: { end(): void }) => void response.end(),
  });
  const enforced = await run(options("enforce"), texts);
  const reported = await run(options("report"), texts);
  const sum: Record<string, number> = { ...reported.gate.counts.refused };
  for (const [code, count] of Object.entries(reported.gate.counts.reported)) sum[code] = (sum[code] ?? 0) + count;
  assert.equal(sum, enforced.gate.counts.refused);
  assert.ok(Object.keys(reported.gate.counts.reported).length > 1);
});

const guards = suite("report mode of a guard");
guards.after(closeGuarded);

for (const strict of [false, true]) {
  const way = strict ? "strictly guarded" : "guarded";
  guards(`what no vhost takes goes to the server's own listeners, ${way}`, async () => {
    const asked: string[] = [];
    const guarded = await openGuarded({
      gate: {
        vhosts: [
          { name: "a", port: 80, upgrades: { "/live": ({ socket }) => void socket.end("HTTP/1.1 101 a\r\n\r\n") } },
          { name: "secure", requires: "https" },
        ],
        mode: "report",
        authorize: (_, { decision }) => asked.push(`${decision.reported?.code} ${decision.vhost.name}`) > 0,
      },
      guard: { mode: strict ? "filter" : "auto" },
      beside: "after",
    });
    const { gate, said, seen } = guarded;
    gate.on("reported", ({ code }) => said.push(`reported ${code}`));
    const foreign = `GET /live HTTP/1.1\r\nHost: a\r\nOrigin: http://evil.example\r\n${handshakeFields}\r\n`;
    for (const [text, statusCode, saying, seeing] of [
      [requestText("b"), 200, ["reported NAME_UNKNOWN", "handover"], ["request GET /live b"]],
      [requestText("a:81"), 200, ["reported PORT_MISMATCH", "handover"], ["request GET /live a:81"]],
      [upgradeText("b"), 101, ["reported NAME_UNKNOWN", "handover"], ["upgrade GET /live b"]],
      [foreign, 101, ["reported ORIGIN_FOREIGN", "handover"], []],
      [foreign.replace("/live", "/other"), 403, ["ORIGIN_FOREIGN"], []],
      [requestText("secure"), 421, ["SCHEME_REQUIRED"], []],
      ["CONNECT b:80 HTTP/1.1\r\nHost: b:80\r\n\r\n", 421, ["NAME_UNKNOWN"], []],
      [requestText("a"), 200, ["handover"], ["request GET /live a"]],
    ] as const) {
      said.length = seen.length = 0;
      assert.is(statusOf(await exchange(guarded, text)), statusCode, text);
      assert.equal([said, seen], [saying, seeing], text);
    }
    assert.equal(asked, ["NAME_UNKNOWN *", "ORIGIN_FOREIGN a"]);
    await guarded.close();
  });

  guards(`every request of a connection is reported, though nothing listens for what is accepted, ${way}`, async () => {
    const guarded = await openGuarded({
      gate: { vhosts: [{ name: "a" }], mode: "report" },
      guard: { mode: strict ? "filter" : "auto" },
    });
    guarded.gate.removeAllListeners("accepted");
    const client = await guarded.connect();
    for (let i = 1; i <= 3; i++) {
      await client.send("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
      await client.responses(i);
    }
    assert.equal(guarded.gate.counts, { refused: {}, reported: { NAME_UNKNOWN: 3 }, ...none });
    await guarded.close();
  });

  guards(`an upgrade that has no recipient is refused as enforced, ${way}`, async () => {
    const guarded = await openGuarded({
      gate: { vhosts: [{ name: "a" }], mode: "report" },
      guard: { mode: strict ? "filter" : "auto" },
    });
    assert.is(statusOf(await exchange(guarded, upgradeText("b"))), 421);
    assert.equal(guarded.gate.counts, { refused: { NAME_UNKNOWN: 1 }, reported: {}, ...none });
    await guarded.close();
  });
}

const malformed = suite("report mode: malformed heads that a server's parser accepts");
malformed.after(closeGuarded);

/** Of a gate: code, whether it let it through, and the end of its explanation. */
function hear(gate: Gate, said: string[]): void {
  gate.on("malformed", (end) => {
    assert.is(explain(end).endsWith("; report mode let it through"), end.reported === true);
    said.push(`malformed ${end.fault.code} ${end.reported}`);
  });
}

const twoHosts = "Host: a\r\nHost: b\r\n";
const faultyUpgrade = `GET /left HTTP/1.1\r\n${twoHosts}${handshakeFields}\r\n`;

for (const tls of [false, true]) {
  malformed(`a guard lets them through, counted and reported; tls: ${tls}`, async () => {
    const options: GateOptions = { vhosts: [{ name: "a" }], mode: "report" };
    const world = await openGuarded({ tls, gate: options, beside: "after" });
    const { gate, said, seen, server } = world;
    said.length = 0;
    gate.removeAllListeners("malformed");
    hear(gate, said);
    const decisions: unknown[] = [];
    server.on("request", (request) => decisions.push(gate.decisionOf(request), gate.decisionOf(request.socket)));
    const client = await world.connect();
    // A good request, a malformed one, and one that is ruled on as usual, on one connection.
    await client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.responses(1);
    await client.send(`GET /2 HTTP/1.1\r\n${twoHosts}\r\n`);
    await client.responses(2);
    await client.send("GET /3 HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n");
    assert.equal(
      (await client.all()).map(({ statusCode }) => statusCode),
      [200, 200, 200],
    );
    assert.equal(seen.splice(0), ["request GET /1 a", "request GET /2 a", "request GET /3 c"]);
    assert.equal(said.splice(0), ["handover", "malformed HOST_REPEATED true", "handover"]);
    assert.equal(decisions.slice(2, 4), [undefined, undefined]);
    assert.is(statusOf(await exchange(world, faultyUpgrade)), 101);
    assert.equal(seen.splice(0), ["upgrade GET /left a"]);
    assert.equal(gate.counts, {
      refused: {},
      reported: { HOST_REPEATED: 2, NAME_UNKNOWN: 1 },
      malformed: { HOST_REPEATED: 2 },
      abandoned: {},
      lost: {},
    });
    // An expectation is answered as usual, and CONNECT goes nowhere.
    const expecting = `POST /4 HTTP/1.1\r\n${twoHosts}Expect: 100-continue\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
    assert.match(await exchange(world, expecting), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
    assert.is(statusOf(await exchange(world, `CONNECT a:1 HTTP/1.1\r\n${twoHosts}\r\n`)), 400);
    await world.close();
  });

  for (const [why, mode, strict] of [
    ["in enforce mode", "enforce", false],
    ["by a strict guard, which Node's parser comes after", "report", true],
  ] as const) {
    malformed(`they are refused and counted ${why}; tls: ${tls}`, async () => {
      const world = await openGuarded({
        tls,
        gate: { vhosts: [{ name: "a" }], mode },
        guard: { mode: strict ? "filter" : "auto" },
      });
      hear(world.gate, world.said);
      assert.is(statusOf(await exchange(world, `GET / HTTP/1.1\r\n${twoHosts}\r\n`)), 400);
      assert.is(statusOf(await exchange(world, faultyUpgrade)), 400);
      assert.equal(world.gate.counts.malformed, { HOST_REPEATED: 2 });
      assert.equal(world.gate.counts.reported, {});
      assert.equal([world.seen, world.said.includes("malformed HOST_REPEATED undefined")], [[], true]);
      await world.close();
    });
  }

  malformed(`a gate that enforces on the same server refuses them, in either order; tls: ${tls}`, async () => {
    const enforcing = createGate({ vhosts: [{ name: "a" }] });
    for (const mode of ["report", "enforce"] as const) {
      const world = await openGuarded({ tls, gate: { vhosts: [{ name: "a" }], mode }, beside: "before" });
      const second = mode === "report" ? enforcing : createGate({ vhosts: [{ name: "a" }], mode: "report" });
      second.guard(world.server);
      for (const text of [`GET / HTTP/1.1\r\n${twoHosts}\r\n`, faultyUpgrade]) {
        assert.is(statusOf(await exchange(world, text)), 400);
      }
      assert.equal(world.seen, []);
      await world.close();
    }
  });
}

malformed("an adopted socket is refused as usual", async () => {
  const { gate, statusCodes } = await run(
    () => ({
      vhosts: [{ name: "a", port: "any" as const }],
      mode: "report" as const,
      requests: (_, response) => response.end(),
    }),
    [`GET / HTTP/1.1\r\n${twoHosts}\r\n`],
  );
  assert.equal([statusCodes, gate.counts.malformed, gate.counts.reported], [[400], { HOST_REPEATED: 1 }, {}]);
});

for (const kind of kinds.filter(({ isHttp2 }) => isHttp2)) {
  malformed(`${kind.name}: streams go on, and extended CONNECT where something listens`, async () => {
    for (const listens of [true, false]) {
      for (const mode of ["report", "enforce"] as const) {
        const said: string[] = [];
        const gate = createGate({ vhosts: [{ name: "a" }], mode });
        hear(gate, said);
        const world = await open(kind, (server) => void gate.guard(server), listens);
        const passes = mode === "report";
        // Host beside :authority that names another.
        assert.equal(await world.request("a", "host: b\r\n"), [passes ? 200 : 400]);
        assert.is(await world.upgrade("/left", "a", "", { host: "b" }), passes && listens ? 101 : 400);
        assert.equal(world.heard.length, passes ? (listens ? 2 : 1) : 0);
        assert.equal(said, [
          `malformed HOST_REPEATED ${passes || undefined}`,
          `malformed HOST_REPEATED ${(passes && listens) || undefined}`,
        ]);
        await world.close();
      }
    }
  });
}
