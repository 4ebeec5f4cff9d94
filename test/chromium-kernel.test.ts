// In:    a page whose policy forbids WebAssembly, in Chromium, and modules of the package as they ship.
// Out:   whether the parser says what to do, and runs on the JavaScript build when that is given.
// Never: bundles; the page imports the files themselves.

import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import * as assert from "uvu/assert";
import { launchChromium } from "./support/chromium.js";
import { skip, suite } from "./support/suite.js";

/** Milliseconds for the page's script. */
const PATIENCE = 15_000;

const script = `
import { javascript } from "/dist/kernel/javascript.js";
import { HeadReader, kernelVariant, parseRequestHead, useKernel } from "/dist/src/parser.js";

const octets = new TextEncoder().encode("GET /live?room=1 HTTP/1.1\\r\\nHost: Chat.example.com:8443\\r\\nUpgrade: websocket\\r\\n\\r\\n");
const said = {};
try {
  parseRequestHead(octets);
} catch (error) {
  said.before = String(error);
}
useKernel(javascript);
said.variant = kernelVariant();
const { kind, head } = parseRequestHead(octets);
said.whole = [kind, head.method, head.path, head.query, String(head.authority), head.rawHeaders.length];
const reader = new HeadReader();
said.pieces = Array.from(octets, (octet) => reader.read(Uint8Array.of(octet)).kind);
useKernel("javascript");
said.again = kernelVariant();
const shown = document.createElement("output");
shown.textContent = JSON.stringify(said);
document.body.append(shown);
`;

/** The page, its script, or a module of the build. */
function bodyOf(path: string): string | null {
  if (path === "/") return '<script type="module" src="/page.js"></script>';
  if (path === "/page.js") return script;
  return /^\/dist\/[\w/-]+\.js$/.test(path) && existsSync(`.${path}`) ? readFileSync(`.${path}`, "utf8") : null;
}

const { browser, noBrowser } = await launchChromium();
if (browser === null) skip("the JavaScript kernel in Chromium", noBrowser!);
else testPage(browser);

function testPage(browser: Browser): void {
  const test = suite("the JavaScript kernel in Chromium");
  const server = createServer((request, response) => {
    const body = bodyOf(request.url!);
    response.setHeader("Content-Security-Policy", "default-src 'self'");
    response.setHeader("Content-Type", request.url === "/" ? "text/html" : "text/javascript");
    response.writeHead(body === null ? 404 : 200).end(body);
  });

  test.before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  test.after(async () => {
    await browser.close();
    server.close();
  });

  test("takes over where the page's policy lacks 'wasm-unsafe-eval', once it is given", async () => {
    const page = await browser.newPage();
    const { port } = server.address() as AddressInfo;
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`http://127.0.0.1:${port}/`);
    const shown = await page.locator("output").textContent({ timeout: PATIENCE }).catch(String);
    assert.equal(complaints, [], `${shown}`);
    const said = JSON.parse(shown ?? "");
    assert.match(said.before, /^TypeError: no kernel starts here; import \{ javascript \} .* \(simd: .*unsafe-eval/);
    assert.is(said.variant, "javascript");
    assert.is(said.again, "javascript");
    assert.equal(said.whole, ["complete", "GET", "/live", "room=1", "chat.example.com:8443", 4]);
    assert.equal(said.pieces.slice(-2), ["partial", "complete"]);
    assert.equal([...new Set(said.pieces)], ["partial", "complete"]);
  });
}
