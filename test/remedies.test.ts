// In:    a refused request for each code, with the options of the gate that refused it; the requests of test/cases.
// Out:   whether the remedy, followed to the letter, lets the same request pass, and whether it states what it lets in.
// Never: judges which requests are refused; other tests do.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import net, { type AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import type { SocketFacts } from "#src/arrival/arrival.js";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { type Decision, type RefusalCode, refusalStatusCodes } from "#src/policy/decision.js";
import { explain, explanation } from "#src/policy/explain.js";
import { localhost } from "#src/policy/localhost.js";
import { LEAVE } from "#src/policy/vhost.js";
import {
  a,
  app,
  behindHop,
  byPolicy,
  claiming,
  get,
  headOf,
  hop,
  plain,
  type Row,
  ruled,
  tableRows,
  tls,
  upgrade,
} from "./support/refused.js";
import { followed } from "./support/remedy.js";
import { suite } from "./support/suite.js";
import { Client, streamPair } from "./support/tcp.js";
import { handshakeFields, statusOf } from "./support/world.js";

const words = (decision: Decision): string => (decision.kind === "accepted" ? "accepted" : explain(decision));

const listening = createServer();

/** Of the ways to a gate, those that these options are for. */
function waysOf(options: GateOptions): string[] {
  const ways: Record<string, (gate: Gate) => unknown> = {
    adopt(gate) {
      const [near, far] = streamPair();
      gate.adopt(far);
      near.destroy();
    },
    guard: (gate) => gate.guard(listening).release(),
  };
  return Object.keys(ways).filter((way) => {
    try {
      ways[way]!(createGate(options));
      return true;
    } catch {
      return false;
    }
  });
}

const remedies = suite("remedies");

remedies.before(async () => {
  await once(listening.listen(0, "127.0.0.1"), "listening");
});
remedies.after(() => listening.close());

remedies("every code has a row", () => {
  const rows = [...Object.keys(byPolicy), ...Object.keys(byGate)];
  assert.equal([...new Set(rows)].sort(), Object.keys(refusalStatusCodes).sort());
});

for (const [code, rows] of Object.entries(byPolicy)) {
  remedies(`${code}, followed to the letter`, () => {
    const [first] = rows;
    for (const row of rows) {
      if (typeof row === "string") continue;
      const refused = ruled(row);
      assert.is(refused.kind === "refused" && refused.code, code, words(refused));
      const { remedy } = explanation(refused);
      if (typeof first === "string" || row.without !== undefined) {
        assert.is(remedy, null, words(refused));
        continue;
      }
      assert.ok(remedy !== null, words(refused));
      for (const options of followed(row.options, remedy)) {
        assert.is(words(ruled({ ...row, options })), "accepted", remedy);
        for (const way of waysOf(row.options)) assert.ok(waysOf(options).includes(way), `${way}: ${remedy}`);
      }
    }
    if (typeof first === "string") assert.ok(rows.length > 1, "no request");
  });
}

let asked = 0;

/** Refusals of the gate, adopted or guarded: the head is refused, and its status code once the remedy is followed. */
interface GateRow {
  readonly options: GateOptions;
  readonly octets: string;
  readonly guards?: true;
  readonly drains?: true;
  /** Null where there is no remedy. */
  readonly passes: number | null;
}

const byGate: Partial<Record<RefusalCode, GateRow[]>> = {
  // What is left to listeners that there are none of.
  PATH_UNCLAIMED: [
    {
      options: { vhosts: [{ name: "a", upgrades: { "/hmr": LEAVE } }] },
      octets: `GET /hmr HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`,
      guards: true,
      passes: 101,
    },
  ],
  // Another process takes it: nothing can be configured.
  DRAINING: [
    {
      options: { vhosts: [{ name: "a", upgrades: { "/live": () => {} } }] },
      octets: `GET /live HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`,
      guards: true,
      drains: true,
      passes: null,
    },
  ],
  // The application refused.
  NOT_AUTHORIZED: [
    {
      options: { ...claiming, authorize: () => false },
      octets: `GET /live HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`,
      passes: null,
    },
  ],
  AUTHORIZE_TIMEOUT: [
    {
      options: {
        ...claiming,
        limits: { authorizeTimeout: 50 },
        // It answers in the time that it has once it has had too little.
        authorize: () => (asked++ === 0 ? new Promise<never>(() => {}) : true),
      },
      octets: `GET /live HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`,
      passes: 101,
    },
  ],
  UPGRADE_REQUIRED: [{ options: plain, octets: "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", passes: 200 }],
};

/** The status code of the response, and the refusal. */
async function ask({
  options,
  octets,
  guards,
  drains,
}: GateRow): Promise<{ statusCode: number; refused: Decision | null }> {
  const gate = createGate(options);
  let refused: Decision | null = null;
  gate.on("refused", (decision) => {
    refused = decision;
  });
  const server = guards
    ? createServer((_, response) => void response.end())
    : net.createServer((socket) => gate.adopt(socket));
  if (guards) gate.guard(server as Server);
  if (drains) await gate.drain();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = new Client(net.connect((server.address() as AddressInfo).port, "127.0.0.1"));
  await client.send(octets);
  while (statusOf(client.received.toString("latin1")) === 0) await client.news();
  client.stream.destroy();
  server.close();
  await once(server, "close");
  return { statusCode: statusOf(client.received.toString("latin1")), refused };
}

for (const [code, rows] of Object.entries(byGate)) {
  remedies(`${code} of a gate, followed to the letter`, async () => {
    for (const row of rows) {
      const { refused } = await ask(row);
      assert.is(refused!.kind === "refused" && refused!.code, code);
      const { remedy } = explanation(refused!);
      if (row.passes === null) {
        assert.is(remedy, null);
        continue;
      }
      for (const options of followed(row.options, remedy!)) {
        const again = await ask({ ...row, options });
        assert.is(again.statusCode, row.passes, again.refused === null ? remedy! : explain(again.refused));
      }
    }
  });
}

const tables = suite("remedies of the tables");

tables("each is one that a policy takes, and in a few of them every request passes that has one", () => {
  let steps = 0;
  let passed = 0;
  for (const row of tableRows()) {
    let { options } = row;
    let decision = ruled(row);
    const line = words(decision);
    for (let step = 0; decision.kind === "refused"; step++) {
      const { remedy } = explanation(decision);
      if (remedy === null) {
        assert.is(step, 0, `${line}\n${words(decision)}`);
        break;
      }
      assert.ok(step < 4, `${line}\n${words(decision)}`);
      const alternatives = followed(options, remedy);
      for (const each of alternatives) ruled({ ...row, options: each });
      options = alternatives[0]!;
      decision = ruled({ ...row, options });
      steps++;
    }
    if (decision.kind === "accepted" && line !== "accepted") passed++;
  }
  assert.ok(passed >= 38 && steps >= passed, `${passed} passed after ${steps} steps`);
});

const sentences = suite("the words of a remedy");

const remedyOf = (row: Row): string | null => explanation(ruled(row)).remedy;

sentences("where TLS may end at a proxy and nothing states so, the scheme is explained first", () => {
  const https = 'if a proxy terminates TLS for this process, set scheme: "https"';
  const page = "Host: app.test\r\nOrigin: https://app.test";
  const first = ruled({ options: app, head: get(page) });
  assert.is(explanation(first).remedy, `${https}; otherwise, set port: [443, 80] on vhost app.test`);
  // Followed, no second refusal comes: the page's origin is the own one.
  assert.is(words(ruled({ options: { ...app, scheme: "https" }, head: get(page) })), "accepted");
  const hopWithoutProto = get("Host: app.test\r\nX-Forwarded-For: 192.0.2.7");
  assert.ok(remedyOf({ options: behindHop, head: hopWithoutProto, socket: hop })!.startsWith(https));
  // Not where something is known about the scheme, or where no vhost has the port of https.
  for (const [options, host, socket] of [
    [{ ...app, scheme: "http" }, "app.test", {}],
    [app, "app.test:8080", {}],
    [{ vhosts: [{ name: "app.test", port: 80 }] }, "app.test", { encrypted: true, servername: "app.test" }],
    [{ vhosts: [{ name: "app.test", port: 8080 }] }, "app.test", {}],
  ] as [GateOptions, string, SocketFacts][]) {
    const remedy = remedyOf({ options, head: get(`Host: ${host}`), socket })!;
    assert.match(remedy, /^to allow it, set port: \[\d+, \d+\] on vhost app\.test$/);
  }
});

sentences("a name that reached a local tool may be a page's own, which is said before anything is offered", () => {
  const notice = "a page may have pointed its own name here (DNS rebinding)";
  for (const vhosts of [
    localhost(),
    [...localhost(), a],
    [a, { name: "127.0.0.1" }],
    [{ name: "**.localhost" }],
  ] as GateOptions["vhosts"][]) {
    const row = { options: { vhosts }, head: get("Host: rebound.example:3000") };
    assert.match(explain(ruled(row)), `); ${notice}; only if this name is yours, add { name: "rebound.example"`);
    assert.is(remedyOf({ ...row, head: get("Host: *.rebound.example") }), notice);
    // An address is not a name that a page can own; and a request without a host must not open the tool to every name.
    assert.match(remedyOf({ ...row, head: get("Host: 192.0.2.7") })!, /^to serve this address, add/);
    assert.is(remedyOf({ ...row, head: headOf("GET / HTTP/1.0\r\n") }), null);
  }
  assert.not.match(explain(ruled({ options: plain, head: get("Host: rebound.example") })), "rebinding");
});

sentences("a vhost that is offered keeps out the pages that the others keep out", () => {
  const follow = (vhosts: GateOptions["vhosts"], head: Row["head"], wanted: string): void => {
    const remedy = remedyOf({ options: { vhosts }, head })!;
    assert.match(remedy, wanted);
    const [offered] = /\{ name: .*? \}/.exec(remedy)!;
    const added = JSON.parse(offered.replace(/(\w+): /g, '"$1": ')) as { name: string };
    const page = "Referer: http://evil.example/\r\nAccept: image/avif";
    const row = { options: { vhosts: [...vhosts, added] }, head: get(`Host: ${added.name}\r\n${page}`) };
    assert.is(explanation(ruled(row)).code, "SITE_FOREIGN", offered);
  };
  const same = 'embedding: "same-origin"';
  follow(localhost(), get("Host: nas.local"), `add { name: "nas.local", ${same} } to vhosts`);
  follow(localhost(), get("Host: 192.168.1.20"), `add { name: "192.168.1.20", ${same} } to vhosts`);
  follow([...localhost(), { name: "a" }], get("Host: nas.local"), `add { name: "nas.local", ${same} } to vhosts`);
  const sited = { name: "a", port: 80, embedding: "same-site", navigation: "same-origin" } as const;
  const both = 'embedding: "same-site", navigation: "same-origin"';
  follow([sited], get("Host: b"), `add { name: "b", port: 80, ${both} } to vhosts`);
  const absent = { options: { vhosts: [sited] }, head: headOf("GET / HTTP/1.0\r\n") };
  assert.match(remedyOf(absent)!, `origins: [], port: "any", ${both} } to vhosts`);
});

sentences("a remedy that lets in more than this one request states so", () => {
  const origin = (value: string): Row => ({ options: plain, head: get(`Host: a\r\nOrigin: ${value}`) });
  assert.is(
    remedyOf(origin("null")),
    'to allow it, and with it pages of every site, set origins: ["same-authority", "null"] on vhost a',
  );
  assert.match(remedyOf(origin("https://evil.example"))!, /^to trust the pages of https:\/\/evil\.example, set/);
  assert.match(remedyOf({ options: plain, head: headOf("GET / HTTP/1.0\r\n") })!, /also serves every name that no/);
  // The fields are those of the request, and its client may have written some of them.
  const trusting = (byPolicy.SERVER_NAME_MISMATCH as Row[]).map((row) => remedyOf(row)).filter((text) => text !== null);
  assert.ok(trusting.length > 0);
  for (const text of trusting)
    assert.match(text!, / is your proxy, and writes or removes these fields itself, set trust: /);
  const secure = {
    options: { scheme: "http", vhosts: [{ name: "a", requires: "https" }] } as GateOptions,
    head: get("Host: a"),
  };
  assert.is(remedyOf(secure), "to allow plain HTTP, remove requires from vhost a");
});

sentences("no explanation of a page of another site offers to let every site embed, or post anywhere", () => {
  const rows = byPolicy.SITE_FOREIGN as Row[];
  const clauses = rows.map((row) => explanation(ruled(row)).clause);
  assert.equal([...new Set(clauses)].length, 6);
  for (const [i, row] of rows.entries()) {
    const remedy = remedyOf(row) ?? "";
    assert.not.match(remedy, /origins|embedding: "any"/);
    if (clauses[i] === "embedding" && remedy !== "") assert.match(remedy, /^only if the pages of \S+ are yours, /);
    if (clauses[i] === "unsafe-method" && remedy !== "")
      assert.match(remedy, /^if this is the end of a login at another site, /);
  }
});

sentences("nothing is offered that a configuration does not take, or that a line has no room for", () => {
  for (const head of [
    get("Host: *.evil.example"),
    get("Host: %61"),
    get("Host: b,c"),
    get("Host: b..c"),
    get(`Host: ${"b".repeat(300)}`),
    get("Host: a\r\nOrigin: http://%61"),
    get(`Host: a\r\nOrigin: http://${"b".repeat(300)}`),
    upgrade("Host: a", "/a*b"),
    upgrade("Host: a", "/a/*"),
    upgrade("Host: a", `/${"b".repeat(300)}`),
    // TLS that named another server, and no proxy that names its client.
  ]) {
    assert.is(remedyOf({ options: claiming, head }), null, words(ruled({ options: claiming, head })));
  }
  const other = { options: claiming, head: get("Host: a"), socket: tls("10.0.0.1") };
  assert.is(remedyOf(other), null, words(ruled(other)));
});

sentences("no explanation has the words that an engineer would not write", () => {
  const rows = Object.values(byPolicy)
    .flat()
    .filter((row): row is Row => typeof row !== "string");
  const lines = [...rows, ...tableRows()].map((row) => explain(ruled(row)));
  assert.ok(lines.length > 200);
  for (const line of lines)
    assert.not.match(line, /nobody|somebody|\bstands?\b|\bis no\b|\bare no\b|accepted with|behind/i);
});
