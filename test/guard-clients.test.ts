// In:    fetch, undici, node:http, curl and ws as clients of a guarded server, over http and https.
// Out:   whether they get the application's response where the host is right, and the refusal where it is not.
// Never: sends octets of its own.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { Agent, request } from "undici";
import * as assert from "uvu/assert";
import { WebSocket, WebSocketServer } from "ws";
import { wsFramer } from "#src/handover/ws.js";
import { LEAVE } from "#src/policy/vhost.js";
import { closeGuarded, type Guarded, openGuarded, trusted } from "./support/guarded.js";
import { missing } from "./support/program.js";
import { suite } from "./support/suite.js";

const run = promisify(execFile);
const test = suite("guard: clients");
test.after(closeGuarded);

const echo = new WebSocketServer({ noServer: true });
echo.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`framed ${data}`)));

async function open(tls: boolean, strict: boolean): Promise<Guarded & { origin: string }> {
  const vhosts = [{ name: "localhost", upgrades: { "/live": wsFramer(echo), "/beside": LEAVE } }];
  const world = await openGuarded({ tls, gate: { vhosts }, guard: { mode: strict ? "filter" : "auto" } });
  const beside = new WebSocketServer({ server: world.server });
  beside.on("connection", (webSocket) => webSocket.on("message", (data) => webSocket.send(`beside ${data}`)));
  return { ...world, origin: `${tls ? "https" : "http"}://localhost:${world.port}` };
}

/** What comes back for a message; the status code where the upgrade is refused. */
async function tell(world: { origin: string }, path: string, host?: string): Promise<string> {
  const headers = host === undefined ? {} : { Host: host };
  const webSocket = new WebSocket(`${world.origin.replace("http", "ws")}${path}`, { ca: trusted, headers, family: 4 });
  const refused = once(webSocket, "error").then(([error]) => (error as Error).message);
  const answer = (async () => {
    await once(webSocket, "open");
    webSocket.send("hi");
    const [data] = await once(webSocket, "message");
    webSocket.close();
    await once(webSocket, "close");
    return String(data);
  })();
  answer.catch(() => {});
  return Promise.race([refused, answer]);
}

const noCurl = missing("curl", "--version", { TLS: /^Features:.* SSL/m });

for (const tls of [false, true]) {
  for (const strict of [false, true]) {
    const name = `${tls ? "https" : "http"}${strict ? ", strict" : ""}`;

    test(`${name}: ws, to a framer, to another listener, and to neither`, async () => {
      const world = await open(tls, strict);
      assert.is(await tell(world, "/live"), "framed hi");
      assert.is(await tell(world, "/beside"), "beside hi");
      assert.match(await tell(world, "/nobody"), /404/);
      assert.match(await tell(world, "/live", "evil.com"), /421/);
      assert.match(await tell(world, "/beside", "evil.com"), /421/);
      await world.close();
    });

    test(`${name}: undici, kept alive, with bodies`, async () => {
      const world = await open(tls, strict);
      const dispatcher = new Agent({
        connect: { ca: trusted, checkServerIdentity: () => undefined },
        connections: 1,
        pipelining: 4,
      });
      const ask = async (host: string, body?: string): Promise<number> => {
        const headers = host === "" ? {} : { host };
        const method = body === undefined ? "GET" : "POST";
        const answer = await request(`${world.origin}/x`, { dispatcher, method, headers, body: body ?? null });
        await answer.body.dump();
        return answer.statusCode;
      };
      assert.equal(await Promise.all([ask(""), ask("", "body"), ask("")]), [200, 200, 200]);
      assert.is(await ask("evil.com"), 421);
      assert.is(await ask("evil.com", "x".repeat(200_000)), 421);
      assert.is(await ask("", "x".repeat(200_000)), 200);
      assert.equal(
        world.seen.filter((each) => /evil/.test(each)),
        [],
      );
      await dispatcher.destroy();
      await world.close();
    });

    test.needing(noCurl, `${name}: curl, with and without an Upgrade to h2c, 100-continue`, async () => {
      const world = await open(tls, strict);
      const curl = async (...args: string[]): Promise<string> => {
        const { stdout } = await run("curl", ["-s", "-k", "-m", "20", "-w", " %{http_code} %{num_connects}", ...args]);
        return stdout;
      };
      const { origin } = world;
      assert.is(await curl(`${origin}/a`), "GET /a 200 1");
      const upgrade = [
        "-H",
        "Connection: Upgrade, HTTP2-Settings",
        "-H",
        "Upgrade: h2c",
        "-H",
        "HTTP2-Settings: AAMAAABk",
      ];
      assert.is(await curl("--http1.1", ...upgrade, `${origin}/a`), "GET /a 200 1");
      assert.match(await curl("--http1.1", "-H", "Host: evil.com", `${origin}/a`), / 421 1$/);
      const body = ["--data-binary", "x".repeat(100_000), "-H", "Expect: 100-continue"];
      assert.is(await curl("--http1.1", ...body, `${origin}/a`), "POST /a 200 1");
      assert.match(await curl("--http1.1", ...body, "-H", "Host: evil.com", `${origin}/a`), / 421 1$/);
      await world.close();
    });
  }
}

test("fetch", async () => {
  const world = await open(false, false);
  const answer = await fetch(`${world.origin}/x`);
  assert.equal([answer.status, await answer.text()], [200, "GET /x"]);
  const refused = await fetch(`http://127.0.0.1:${world.port}/x`, { method: "POST", body: "y" });
  assert.equal([refused.status, await refused.text()], [421, "Misdirected Request (NAME_UNKNOWN)\n"]);
  await world.close();
});
