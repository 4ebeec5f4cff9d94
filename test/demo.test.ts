// In:    the demo, run as npm start runs it.
// Out:   whether it prints, answers and ends as its usage states.
// Never: opens a browser; chromium.test.ts does.

import { once } from "node:events";
import { request } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { type RunningDemo, runDemo, startDemo } from "./support/chromium.js";
import { suite } from "./support/suite.js";

const commandLine = suite("demo: command line");

commandLine("--once prints the exchange and exits 0", async () => {
  const { code, stdout, stderr } = await runDemo("--once");
  assert.is(stderr, "");
  const port = /echo\.localhost:(\d+)/.exec(stdout)?.[1];
  const lines = stdout.replaceAll(`${port}`, "PORT").trimEnd().split("\n");
  const accepted = "port came from Host; scheme http by default)";
  const heads = [
    "-> GET /echo Host: echo.localhost:PORT",
    `<- 101 upgrade of /echo accepted by /echo (echo.localhost; ${accepted}`,
    "   ok: echo.localhost:PORT is accepted",
    '-> "hello"',
    '<- "hello"',
    "   ok: the echo comes back",
    "-> GET /chat Host: chat.localhost:PORT",
    `<- 101 upgrade of /chat accepted by /chat (chat.localhost; ${accepted}`,
    "-> GET /chat Host: chat.localhost:PORT",
    `<- 101 upgrade of /chat accepted by /chat (chat.localhost; ${accepted}`,
    "   ok: chat.localhost:PORT is accepted, twice",
    '-> "good evening"',
    '<- "guest 1: good evening"',
    "   ok: one guest hears the other",
    "-> GET /echo Host: foreign.example:PORT",
    "<- 421 host foreign.example matches none of the vhosts: echo.localhost, chat.localhost, declared.localhost, ",
    "   ok: a foreign host is refused and explained",
    "-> GET /echo Host: declared.localhost:PORT",
    "<- 421 host port PORT mismatches vhost port 443 (declared.localhost; port came from Host; ",
    "   ok: a wrong port is refused and explained",
    "-> GET /echo Host: echo.localhost:PORT Origin: http://evil.example",
    "<- 403 origin http://evil.example matches none of the allowed origins: http://localhost:PORT, http://127.0.0.1:PORT (echo.localhost; ",
    "   ok: a foreign origin is refused and explained",
    "-> GET /echo Host: declared.localhost:443",
    `<- 101 upgrade of /echo accepted by /echo (declared.localhost; ${accepted}`,
    "   ok: declared.localhost:443 is accepted",
    '-> "hello"',
    '<- "hello"',
    "   ok: the echo comes back",
    "all 9 checks passed",
  ];
  // Explanations may grow at their end.
  heads.forEach((head, i) => {
    assert.ok(lines[i]?.startsWith(head), `line ${i + 1} is ${lines[i]}\nand should begin ${head}`);
  });
  assert.is(lines.length, heads.length);
  assert.is(code, 0);
});

commandLine("an unknown flag exits 2 with the usage", async () => {
  const { code, stdout, stderr } = await runDemo("--frobnicate");
  assert.is(code, 2);
  assert.is(stdout, "");
  assert.match(stderr, /--frobnicate/);
  assert.match(stderr, /^usage: npm start/m);
});

commandLine("an invalid port exits 2 with the usage", async () => {
  for (const port of ["65536", "x", "80.5", ""]) {
    const { code, stderr } = await runDemo("--port", port);
    assert.is(code, 2, `--port ${port}`);
    assert.match(stderr, /is not a number from 0 to 65535/);
    assert.match(stderr, /^usage: npm start/m);
  }
});

commandLine("--help prints the usage and exits 0", async () => {
  const { code, stdout } = await runDemo("--help");
  assert.is(code, 0);
  assert.match(stdout, /^usage: npm start/);
});

commandLine("a taken port exits 1 with one sentence", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for (const flags of [[], ["--once"]]) {
    const { code, stdout, stderr } = await runDemo("--port", String(port), ...flags);
    assert.is(code, 1);
    assert.is(stdout, "");
    assert.match(stderr, new RegExp(`^port ${port} of 127\\.0\\.0\\.1 is taken; .*\n$`));
  }
  server.close();
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  commandLine(`${signal} ends it with exit code 0, though connections are open`, async () => {
    const demo = await startDemo();
    const silent = connect(demo.port, "127.0.0.1");
    silent.on("error", () => {});
    const webSocket = new WebSocket(`ws://127.0.0.1:${demo.port}/decisions`);
    const closed = once(webSocket, "close");
    await Promise.all([once(silent, "connect"), once(webSocket, "open")]);
    const { code, stdout, stderr } = await demo.end(signal);
    assert.is(code, 0);
    assert.is((await closed)[0], 1001);
    assert.is(stderr, "");
    // Connections that are cut off are not decisions.
    assert.is(stdout.split("\n").length, 3, stdout);
  });
}

const site = suite("demo: site");
let demo: RunningDemo;

site.before(async () => {
  demo = await startDemo();
});
site.after(async () => {
  await demo.end("SIGTERM");
});

interface Reply {
  readonly statusCode: number | undefined;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

async function ask(method: string, path: string, host: string): Promise<Reply> {
  const sent = request({ host: "127.0.0.1", port: demo.port, method, path, agent: false, headers: { Host: host } });
  sent.end();
  const [response] = await once(sent, "response");
  return { statusCode: response.statusCode, headers: response.headers, body: await text(response) };
}

site("serves the page on localhost and 127.0.0.1, by any port, with a strict policy", async () => {
  for (const host of [`localhost:${demo.port}`, `127.0.0.1:${demo.port}`, "localhost"]) {
    const { statusCode, headers, body } = await ask("GET", "/", host);
    assert.is(statusCode, 200);
    assert.is(headers["content-type"], "text/html; charset=utf-8");
    assert.match(body, /^<!doctype html>/);
    const policy = String(headers["content-security-policy"]);
    const port = host === "localhost" ? 80 : demo.port;
    assert.match(policy, "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ");
    assert.match(policy, ` ws://echo.localhost:${port} `);
    assert.match(policy, "frame-ancestors 'none'");
    assert.not.match(policy, "unsafe");
  }
});

site("the page loads nothing from elsewhere, and what it loads is there", async () => {
  const { body } = await ask("GET", "/", "localhost");
  const loaded = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => `${address}`);
  const own = loaded.filter((address) => !address.startsWith("data:"));
  const frames = own.filter((address) => /^http:\/\/rebound\.localhost:\d+\/$/.test(address));
  assert.is(frames.length, 1);
  const paths = own.filter((address) => !frames.includes(address)).sort();
  assert.equal(paths, ["/page.css", "/page.js", "/playground/", "/theme.css"]);
  for (const path of paths) {
    const { statusCode, headers } = await ask("GET", path, "localhost");
    assert.is(statusCode, 200);
    assert.is(headers["x-content-type-options"], "nosniff");
  }
});

site("the playground may compile WebAssembly, and loads nothing from elsewhere", async () => {
  const { statusCode, headers, body } = await ask("GET", "/playground/", "localhost");
  assert.is(statusCode, 200);
  assert.match(String(headers["content-security-policy"]), /script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; /);
  const loaded = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => `${address}`);
  const own = loaded.filter((address) => !address.startsWith("data:"));
  assert.equal(own.sort(), ["editor.css", "playground.css", "playground.js", "theme.css"]);
  for (const name of own) assert.is((await ask("GET", `/playground/${name}`, "localhost")).statusCode, 200, name);
  const redirected = await ask("GET", "/playground", "localhost");
  assert.is(redirected.statusCode, 308);
  assert.is(redirected.headers.location, "/playground/");
});

site("answers what it does not serve", async () => {
  assert.is((await ask("GET", "/nothing", "localhost")).statusCode, 404);
  assert.is((await ask("GET", "/../package.json", "localhost")).statusCode, 404);
  assert.is((await ask("GET", "/", "echo.localhost")).statusCode, 404);
  assert.is((await ask("GET", "/", "foreign.localhost")).statusCode, 421);
  const posted = await ask("POST", "/", "localhost");
  assert.is(posted.statusCode, 405);
  assert.is(posted.headers.allow, "GET, HEAD");
  const got = await ask("GET", "/malformed", "localhost");
  assert.is(got.statusCode, 405);
  assert.is(got.headers.allow, "POST");
  assert.is((await ask("HEAD", "/", "localhost")).body, "");
});

site("prints one line a decision, uncoloured into a pipe", async () => {
  await ask("GET", "/", "nobody.example:81");
  const line = await demo.line(/nobody\.example/);
  assert.match(line, /^\d\d:\d\d:\d\d refused {3}421 NAME_UNKNOWN: host nobody\.example matches none of the vhosts: /);
  await ask("GET", "/page.css", "localhost");
  assert.match(await demo.line(/page\.css/), /^\d\d:\d\d:\d\d accepted {6}GET \/page\.css accepted \(localhost; /);
});

site("sends itself a malformed head when asked to, and prints the decision", async () => {
  const { statusCode, body } = await ask("POST", "/malformed", `localhost:${demo.port}`);
  assert.is(statusCode, 200);
  assert.is(body, "HTTP/1.1 400 Bad Request\n");
  const line = await demo.line(/malformed 400/);
  assert.match(line, /malformed 400 HOST_REPEATED: a request has more than one Host \(.*RFC 9112/);
});

site("streams decisions as JSON to its own pages only", async () => {
  const address = `ws://127.0.0.1:${demo.port}/decisions`;
  const stream = new WebSocket(address, { origin: `http://127.0.0.1:${demo.port}` });
  const entries: Record<string, unknown>[] = [];
  stream.on("message", (message) => entries.push(JSON.parse(String(message))));
  await once(stream, "open");
  await ask("GET", "/unheard-of", "stream.example");
  while (!entries.some(({ explanation }) => String(explanation).includes("stream.example"))) {
    await once(stream, "message", { signal: AbortSignal.timeout(10_000) });
  }
  const { number, time, ...entry } = entries.at(-1)!;
  assert.type(number, "number");
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.is(entry.verdict, "refused");
  assert.is(entry.statusCode, 421);
  assert.is(entry.code, "NAME_UNKNOWN");
  assert.equal(
    entries.map(({ number }) => number),
    [...entries].map((_, i) => Number(entries[0]?.number) + i),
  );
  stream.terminate();

  const foreign = new WebSocket(address, { origin: "http://evil.example" });
  foreign.on("error", () => {});
  const [, response] = await once(foreign, "unexpected-response");
  assert.is(response.statusCode, 403);
  foreign.terminate();
});
