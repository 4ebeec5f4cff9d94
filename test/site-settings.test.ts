// In:    gates as people configure them: a second dev server, logins at another site, a proxy that nothing was stated about, names in
//        a LAN.
// Out:   which requests of pages reach the application; what SECURITY.md states that does not keep out.
// Never: compares with the reference; site.test.ts does.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { createGate, type Gate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import { wsFramer } from "#src/handover/ws.js";
import { decide } from "#src/policy/decide.js";
import { explain } from "#src/policy/explain.js";
import { localhost } from "#src/policy/localhost.js";
import { definePolicy } from "#src/policy/policy-rules.js";
import type { Vhost } from "#src/policy/vhost.js";
import type { Ask } from "./support/ask.js";
import { askOf, isUpgrade, type Row, rows, statuses } from "./support/browser-rows.js";
import { headOf } from "./support/refused.js";
import { openRoad, type RoadEnd, roads, type Way } from "./support/roads.js";
import { suite } from "./support/suite.js";

const test = suite("pages, as people configure it");
const framer = wsFramer(new WebSocketServer({ noServer: true }));
const ends: RoadEnd[] = [];

test.before(async () => {
  for (const road of roads.filter(({ secure }) => !secure)) {
    const ways: Way[] = road.version === "HTTP/2" ? ["adopted", "guarded"] : ["adopted", "guarded", "strict"];
    for (const way of ways) ends.push(await openRoad(road, way));
  }
});
test.after(async () => {
  for (const end of ends) await end.close();
});

type Pages = Omit<Vhost, "name" | "upgrades" | "port">;

/** By every way in: the gate that `vhosts` make, until the requests are answered. */
async function everywhere(
  options: GateOptions,
  run: (end: RoadEnd, gate: Gate, codes: string[]) => Promise<void>,
): Promise<void> {
  for (const end of ends) {
    const codes: string[] = [];
    const requests = { requests: (_: unknown, response: { end(): void }) => response.end() };
    const vhosts = options.vhosts.map((vhost) => ({ ...vhost, port: "any" as const, upgrades: { "*": framer } }));
    const gate = createGate({
      ...options,
      vhosts,
      ...(end.way === "adopted" && requests),
      http2: { cleartext: true },
    });
    gate.on("refused", ({ code, clause }) => codes.push(clause === undefined ? code : `${code} ${clause}`));
    const release = end.put(gate);
    await run(end, gate, codes);
    release();
  }
}

const tool = (pages: Pages): GateOptions => ({ vhosts: localhost(pages as never) });
const passes = (status: unknown): boolean => status === 200 || status === 101;

/** What is sent by a page of that origin, in place of another page's. */
const by = (row: Row, page: string, origin: string): Row => ({
  ...row,
  origin: row.origin === page ? origin : row.origin,
  referer: row.referer === page ? origin : row.referer,
});

/** Why a listed page is refused all the same; null where it is not. */
function exceptionOf({ purpose, origin }: Row): string | null {
  if (origin === "null") return "ORIGIN_NULL";
  return purpose !== null && origin === null ? "SITE_FOREIGN prefetch" : null;
}

/** The page of the rows, which is of another site; `localhost` has the same site on every port. */
const evil = "http://evil.example:4000";

for (const [page, site] of [
  ["http://localhost:5173", "same-site"],
  ["http://127.0.0.1:5173", "cross-site"],
] as const) {
  test(`a second dev server: a page of ${page} calls the API and shows its pictures, if it is listed`, async () => {
    // What a service worker of the API itself passes on is not the page's.
    const ofPage = rows.filter(
      ({ host, origin, referer, mode }) =>
        host === "localhost:3000" && (origin === evil || referer === evil) && mode !== "same-origin",
    );
    const sent = ofPage.map((row) => ({ ...by(row, evil, page), site: row.site === "cross-site" ? site : row.site }));
    assert.ok(sent.length > 25 && sent.some(({ method }) => method === "OPTIONS") && sent.some(isUpgrade));
    await everywhere(tool({ origins: ["same-authority", page] }), async (end, _gate, codes) => {
      for (const row of sent) {
        codes.length = 0;
        const [status] = await statuses(end, [askOf(row, "/api")]);
        const code = exceptionOf(row);
        assert.is(passes(status), code === null, `${row.id} ${row.initiator}: ${codes} (${end.road.name}, ${end.way})`);
        if (code !== null) assert.equal(codes, [code], `${row.id} ${row.initiator}`);
      }
      // Another page is refused as before.
      const other: Row = {
        ...sent.find(({ initiator }) => initiator === "script" || initiator === "video")!,
        origin: null,
        referer: "http://localhost:6006",
      };
      assert.equal(await statuses(end, [askOf(other, "/api")]), [403]);
    });
    await everywhere(tool({}), async (end) => {
      const image = sent.find(({ dest, mode, purpose }) => mode === "no-cors" && dest !== null && purpose === null)!;
      assert.equal(await statuses(end, [askOf(image, "/picture")]), [403]);
    });
  });
}

test("docs/policy.md has these origins, and the explanation of a refusal", () => {
  const text = readFileSync("docs/policy.md", "utf8");
  const head = headOf("GET / HTTP/1.1\r\nHost: localhost:3000\r\nReferer: https://evil.example/page\r\n");
  const refused = decide(definePolicy(tool({})), head, { scheme: "http", schemeSource: "default" });
  assert.match(text, `\n\`\`\`text\n${explain(refused)}\n\`\`\`\n`);
  const [, section] = /^### A second dev server\n(.*?)^## /ms.exec(text)!;
  assert.match(section!, 'localhost({ origins: ["same-authority", "http://localhost:5173"] })');
  assert.match(section!, "http://127.0.0.1:5173");
});

const ask = (method: string, path: string, named: string, ...fields: [string, string][]): Ask => ({
  method,
  scheme: "http",
  path,
  named,
  fields,
});
const foreign: [string, string][] = [
  ["Origin", "https://login.example"],
  ["Sec-Fetch-Site", "cross-site"],
  ["Referer", "https://login.example/"],
];
const opaque: [string, string][] = [
  ["Origin", "null"],
  ["Sec-Fetch-Site", "cross-site"],
];

test("callbacks take the POST of a login, on exactly their paths, and nothing else", async () => {
  await everywhere(tool({ callbacks: ["/auth/callback", "/a%2Fb"] }), async (end, _gate, codes) => {
    for (const fields of [foreign, opaque, [["Sec-Fetch-Site", "cross-site"]] as [string, string][]]) {
      const send = (method: string, path: string): Promise<unknown[]> =>
        statuses(end, [
          ask("POST", "/auth/callback", "localhost", ...fields),
          ask(method, path, "localhost", ...fields),
        ]);
      assert.equal(await send("POST", "/auth/callback?state=1"), [200, 200]);
      assert.equal(await send("POST", "/a%2Fb"), [200, 200]);
      for (const path of [
        "/auth/callback/",
        "/auth/callbac",
        "/AUTH/callback",
        "/auth//callback",
        "/auth/callback%3F",
        "/a/b",
        "/",
      ]) {
        assert.equal(await send("POST", path), [200, 403], path);
      }
      for (const method of ["PUT", "DELETE", "PATCH"]) assert.equal(await send(method, "/auth/callback"), [200, 403]);
    }
    const upgrade: Ask = { scheme: "http", path: "/auth/callback", named: "localhost", fields: foreign };
    codes.length = 0;
    assert.equal(await statuses(end, [upgrade]), [403]);
    assert.equal(codes, ["ORIGIN_FOREIGN"]);
    // What cannot be read, and what is stated twice, stays refused.
    const twice: [string, string][] = [
      ["Origin", "https://a"],
      ["Origin", "https://b"],
    ];
    assert.equal(await statuses(end, [ask("POST", "/auth/callback", "localhost", ...twice)]), [400]);
    assert.equal(await statuses(end, [ask("POST", "/auth/callback", "localhost", ["Origin", "https://a/"])]), [403]);
  });
});

test("an own form under Referrer-Policy: no-referrer passes where the browser states that it is the own one", async () => {
  const form = (site: string, mode: string): Ask =>
    ask("POST", "/", "localhost", ["Origin", "null"], ["Sec-Fetch-Site", site], ["Sec-Fetch-Mode", mode]);
  await everywhere(tool({}), async (end) => {
    assert.equal(await statuses(end, [form("same-origin", "navigate"), form("same-site", "navigate")]), [200, 403]);
    assert.equal(
      await statuses(end, [form("same-origin", "navigate"), form("same-origin", "same-origin")]),
      [200, 403],
    );
  });
});

test("origins any turns the rule off, embedding and navigation included", async () => {
  const pages: Pages = { origins: "any", embedding: "same-origin", navigation: "same-origin" };
  await everywhere(tool(pages), async (end) => {
    const all = [
      ...rows.filter((row) => row.host === "localhost:3000" && !isUpgrade(row)).map((row) => askOf(row, "/")),
    ];
    const found = await statuses(end, all);
    assert.equal([...new Set(found)], [200]);
  });
});

test("report mode reports a page of another site, and lets it pass", async () => {
  await everywhere({ ...tool({}), mode: "report" }, async (end, gate, codes) => {
    const reported: string[] = [];
    gate.on("reported", (refusal) => reported.push(`${refusal.code} ${refusal.clause} ${refusal.vhost?.name}`));
    const image = ask("GET", "/", "localhost", ["Sec-Fetch-Site", "cross-site"], ["Sec-Fetch-Mode", "no-cors"]);
    assert.equal(await statuses(end, [image, image]), [200, 200]);
    assert.equal(reported, Array(2).fill("SITE_FOREIGN embedding localhost"));
    assert.equal(gate.counts.reported, { SITE_FOREIGN: 2 });
    assert.equal(codes, []);
  });
});

test("where nothing states the scheme, a page of https is the own one, and a gate warns once", async () => {
  const warnings: (Error & { code?: string })[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on("warning", warned);
  const page: [string, string][] = [["Origin", "https://app.example"]];
  const byReferer: [string, string][] = [["Referer", "https://app.example/page"]];
  try {
    const options = { vhosts: [{ name: "app.example", embedding: "same-origin" as const }] };
    let gates = 0;
    await everywhere(options, async (end, gate) => {
      gates++;
      const accepted: (true | string)[] = [];
      gate.on("accepted", (decision) => accepted.push(decision.presumesTls || explain(decision)));
      const post = ask("POST", "/", "app.example", ...page);
      const image = ask("GET", "/", "app.example", ...byReferer);
      const upgrade: Ask = { scheme: "http", path: "/live", named: "app.example", fields: page };
      assert.equal(await statuses(end, [post, image, post]), [200, 200, 200]);
      assert.ok(passes((await statuses(end, [upgrade]))[0]));
      assert.equal(accepted, Array(4).fill(true));
      // Another port, and another host, are not the own ones.
      for (const origin of ["https://app.example:8443", "https://www.app.example"]) {
        assert.equal(await statuses(end, [ask("POST", "/", "app.example", ["Origin", origin])]), [403]);
      }
    });
    await new Promise(setImmediate);
    const ours = warnings.filter(({ code }) => code === "HEADGATE_SCHEME");
    assert.is(ours.length, gates);
    for (const { message } of ours)
      assert.match(message, /scheme: "https".*trust: \{ from: \["127\.0\.0\.1"\], forwarded/);
    await everywhere({ ...options, scheme: "http" }, async (end) => {
      assert.equal(await statuses(end, [ask("POST", "/", "app.example", ...page)]), [403]);
      assert.equal(await statuses(end, [ask("GET", "/", "app.example", ...byReferer)]), [403]);
    });
    await new Promise(setImmediate);
    assert.is(warnings.filter(({ code }) => code === "HEADGATE_SCHEME").length, gates);
  } finally {
    process.removeListener("warning", warned);
  }
});

test("SECURITY.md states what is not kept out: GETs to plain-http names, without Referer or as a link", async () => {
  const text = readFileSync("SECURITY.md", "utf8");
  for (const words of [
    "under `Referrer-Policy: no-referrer` they look like those of a program",
    "with `Accept: text/html` like a link",
  ]) {
    assert.match(text.replace(/\s+/g, " "), words);
  }
  const lan: GateOptions = { vhosts: [{ name: "lan.example", embedding: "same-origin" }] };
  const evil: [string, string] = ["Referer", "http://evil.example/"];
  await everywhere(lan, async (end) => {
    const send = (method: string, ...fields: [string, string][]): Promise<unknown[]> =>
      statuses(end, [ask(method, "/", "lan.example", ["Accept", "image/*"], ...fields)]);
    assert.equal(await send("GET"), [200]);
    assert.equal(await send("HEAD"), [200]);
    const [status] = await statuses(end, [ask("GET", "/", "lan.example", ["Accept", "text/html"], evil)]);
    assert.is(status, 200);
    // With Referer and another Accept, by Origin, and of names to which browsers send metadata, they are.
    assert.equal(await send("GET", evil), [403]);
    assert.equal(await send("POST", ["Origin", "null"]), [403]);
    assert.equal(await send("POST", evil), [403]);
  });
  await everywhere(tool({}), async (end) => {
    const image = ask("GET", "/", "localhost", ["Sec-Fetch-Site", "cross-site"], ["Sec-Fetch-Mode", "no-cors"]);
    assert.equal(await statuses(end, [image]), [403]);
  });
});

test("a wrong setting is a TypeError with its path, value and fix", () => {
  const wrong: [Pages | object, RegExp][] = [
    [
      { embedding: "none" },
      /vhosts\[0\]\.embedding is "none"; it must be "any", "same-site", "same-origin", or a list/,
    ],
    [{ embedding: true }, /vhosts\[0\]\.embedding is true; it must be/],
    [{ embedding: ["same-authority"] }, /has "same-authority" in a list of origins.*or write embedding: "same-origin"/],
    [{ embedding: ["any", "https://a"] }, /has "any" in a list of origins.*or write embedding: "any"/],
    [{ embedding: ["https://a/"] }, /vhosts\[0\]\.embedding.*"https:\/\/a\/?"/],
    [{ navigation: ["https://a"] }, /vhosts\[0\]\.navigation is \["https:\/\/a"\]; it must be one of/],
    [{ navigation: null }, /vhosts\[0\]\.navigation is null/],
    [{ callbacks: "/auth" }, /vhosts\[0\]\.callbacks is "\/auth"; it must be a list of exact paths such as/],
    [{ callbacks: ["/auth/*"] }, /vhosts\[0\]\.callbacks has "\/auth\/\*", which is not an exact path/],
    [{ callbacks: ["auth"] }, /has "auth", which is not an exact path/],
    [{ callbacks: ["/auth?code"] }, /up to "\?"/],
    [{ callbacks: ["https://a/auth"] }, /has "https:\/\/a\/auth", which is not an exact path/],
    [{ callbacks: [() => "/auth"] }, /which is not an exact path/],
  ];
  for (const [pages, sentence] of wrong) {
    assert.throws(
      () => definePolicy({ vhosts: [{ name: "a", ...pages } as Vhost] }),
      (error: unknown) => error instanceof TypeError && sentence.test(error.message),
      JSON.stringify(pages),
    );
  }
});
