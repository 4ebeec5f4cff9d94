// In:    the real nginx, a guarded server behind nginx whose policy does not fit the settings of nginx at first; the command.
// Out:   whether the advice of explain, followed to the letter, turns the refusal into an acceptance; what doctor finds through nginx.
// Never: follows advice that it was not given.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { examine } from "#src/cli/doctor/examine.js";
import { outcomeOf } from "#src/cli/doctor/summary.js";
import { targetOf } from "#src/cli/doctor/target.js";
import { createGate, localhost, type PolicyRules } from "#src/index.js";
import { cannotRunNginx, startNginx } from "./support/nginx.js";
import { freePort, stopAll } from "./support/program.js";
import { followed } from "./support/remedy.js";
import { skip, suite } from "./support/suite.js";

const folder = mkdtempSync(join(tmpdir(), "headgate-cli-nginx-"));
const reason = cannotRunNginx(folder);

/** A server that the gate of these rules guards; the heads that it has refused. */
async function guarded(rules: PolicyRules<never>): Promise<{ server: Server; port: number; refused: string[] }> {
  const server = createServer((_request, response) => void response.end("a page"));
  const refused: string[] = [];
  const gate = createGate(rules);
  gate.guard(server);
  gate.on("refused", ({ head }) => refused.push(head.toString())).on("malformed", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port, refused };
}

/** Runs nginx with these lines before a server, for one name or for all, and does something through it. */
async function through<Value>(
  lines: string,
  behind: number,
  act: (port: number) => Promise<Value>,
  name?: string,
): Promise<Value> {
  const port = await freePort();
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (each) => `${each}_temp_path ${folder}/${each};`,
  );
  const named = name === undefined ? "" : `server_name ${name};`;
  const others = name === undefined ? "" : `server { listen 127.0.0.1:${port} default_server; return 421; }`;
  const nginx = await startNginx(
    folder,
    `daemon off; pid ${folder}/${port}.pid; error_log stderr; worker_processes 1; events {}
    http { access_log off; ${paths.join(" ")}
      ${others} server { listen 127.0.0.1:${port}; ${named} location / { proxy_pass http://127.0.0.1:${behind}; ${lines} } } }`,
    [port],
  );
  try {
    return await act(port);
  } finally {
    await nginx.stop();
  }
}

function status(port: number, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: "127.0.0.1", headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    sent.on("error", reject).end();
  });
}

/** What `headgate explain --json` finds in a head that came from nginx. */
function explained(rules: PolicyRules, head: string): { kind: string; code: string | null; remedy: string | null } {
  const policy = join(folder, "gate.json");
  writeFileSync(policy, JSON.stringify(rules));
  const args = ["explain", "--json", "--policy", policy, "--client", "127.0.0.1"];
  const input = Buffer.from(head, "latin1");
  const { stdout, stderr, status } = spawnSync(process.execPath, ["dist/src/cli/main.js", ...args], { input });
  assert.ok(status !== 2, String(stderr));
  return JSON.parse(String(stdout));
}

/** The settings of nginx, the policy, what the client sends, and the refusal that comes of it. */
const cases: readonly { why: string; lines: string; rules: PolicyRules<never>; origin?: string; code: string }[] = [
  {
    why: "nginx replaces Host, and states the public one in X-Forwarded-Host",
    lines: "proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Forwarded-For $remote_addr;",
    rules: { vhosts: [{ name: "app.example.com" }] },
    code: "NAME_UNKNOWN",
  },
  {
    why: "nginx passes Host on and terminates TLS, and nothing trusts its X-Forwarded-Proto",
    lines:
      "proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto https; proxy_set_header X-Forwarded-For $remote_addr;",
    rules: { vhosts: [{ name: "app.example.com", requires: "https" }] },
    code: "SCHEME_REQUIRED",
  },
  {
    why: "nginx passes Host on, and the policy has the public port of https without its scheme",
    lines: "proxy_set_header Host $host;",
    rules: { vhosts: [{ name: "app.example.com", port: 443 }] },
    code: "PORT_MISMATCH",
  },
  {
    why: "the page is one of another name",
    lines: "proxy_set_header Host $host;",
    rules: { vhosts: [{ name: "app.example.com" }] },
    origin: "https://www.example.com",
    code: "ORIGIN_FOREIGN",
  },
];

function testAll(): void {
  const test = suite("cli behind nginx");
  test.after(async () => {
    await stopAll();
    rmSync(folder, { recursive: true });
  });

  for (const { why, lines, rules, origin, code } of cases) {
    test(`${why}: explain's advice lets the request pass`, async () => {
      const headers = { Host: "app.example.com", ...(origin !== undefined && { Origin: origin }) };
      const send = (port: number): Promise<number> => status(port, headers);
      const before = await guarded(rules);
      assert.not.equal(await through(lines, before.port, send), 200);
      before.server.close();
      const { kind, code: found, remedy } = explained(rules, before.refused[0]!);
      assert.equal([kind, found], ["refused", code]);
      const alternatives = followed(rules, remedy!);
      assert.ok(alternatives.length > 0);
      for (const better of alternatives) {
        const after = await guarded(better as PolicyRules<never>);
        assert.is(await through(lines, after.port, send), 200, remedy!);
        after.server.close();
        assert.is(explained(better as PolicyRules, before.refused[0]!).kind, "accepted");
      }
    });
  }

  test("doctor is red through a proxy that replaces Host, and green through one that passes it on", async () => {
    const { server, port } = await guarded({ vhosts: localhost() });
    const reds: string[][] = [];
    for (const [lines, name] of [
      [""],
      ["proxy_set_header Host $host:$server_port;"],
      ["proxy_set_header Host $http_host;"],
      ["proxy_set_header Host $http_host;", "localhost"],
    ] as const) {
      const report = await through(
        lines,
        port,
        async (open) => {
          const limits = { unsafe: true, timeout: 5000, totalTimeout: 60_000, progress: () => {} };
          return examine(targetOf(`http://localhost:${open}/`), ["127.0.0.1"], limits);
        },
        name,
      );
      const [{ rows }] = report.addresses as [(typeof report.addresses)[number]];
      reds.push(rows.filter((row) => outcomeOf(row) === "red").map(({ probe }) => probe.id));
    }
    server.close();
    assert.ok(reds[0]!.length > 10 && reds[0]!.includes("HOST-NAME"), `${reds[0]}`);
    // nginx reads such lines, and sends CRLF to the server.
    const lf = "MESSAGE-BARE-LF";
    // $host is the name alone, whatever is wrong with the rest of Host.
    assert.equal(reds[1], [
      "HOST-PORT-SUFFIX",
      "HOST-USERINFO",
      "HOST-PORT-HIGH",
      "HOST-PORT-ZERO",
      "HOST-PORT-TEXT",
      lf,
    ]);
    // Of an absolute-form, $http_host is the Host beside it, which means nothing; nginx finds its own server by the other.
    assert.equal(reds[2], ["HOST-ABSOLUTE", lf]);
    assert.equal(reds[3], [lf]);
  });
}

if (reason !== null) skip("cli behind nginx", reason);
else testAll();
