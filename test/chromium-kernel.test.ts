// In:    a page whose policy forbids WebAssembly, in Chromium, and modules of the package as they ship.
// Out:   whether the parser's error states what to do, and the parser runs on the JavaScript build when that is passed.
// Never: bundles; the page imports the files themselves.

import type { Browser } from "playwright-core";
import * as assert from "uvu/assert";
import { launchChromium } from "./support/chromium.js";
import { servePages } from "./support/pages.js";
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

/** The page, or its script. */
function bodyOf(path: string): string | null {
  if (path === "/") return '<script type="module" src="/page.js"></script>';
  if (path === "/page.js") return script;
  return null;
}

const { browser, noBrowser } = await launchChromium();
if (browser === null) skip("the JavaScript kernel in Chromium", noBrowser!);
else testPage(browser);

function testPage(browser: Browser): void {
  const test = suite("the JavaScript kernel in Chromium");
  const address = servePages(test, browser, bodyOf, { "Content-Security-Policy": "default-src 'self'" });

  test("takes over where the page's policy lacks 'wasm-unsafe-eval', once it is given", async () => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(address());
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
