// In:    examples/message.ts as it ships, in a worker of a page in Chromium.
// Out:   whether it prints there what it prints in Node.
// Never: bundles; the worker imports the files themselves.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import * as assert from "uvu/assert";
import { launchChromium } from "./support/chromium.js";
import { servePages } from "./support/pages.js";
import { skip, suite } from "./support/suite.js";

/** Milliseconds for the worker. */
const PATIENCE = 15_000;

const page = `<output></output><script type="module">
  const lines = [];
  const worker = new Worker("/worker.js", { type: "module" });
  const show = () => {
    const output = document.querySelector("output");
    output.textContent = lines.join("\\n") + "\\n";
    output.dataset.done = "true";
  };
  worker.onmessage = ({ data }) => (data === null ? show() : lines.push(String(data)));
  worker.onerror = (event) => (lines.push(event.message), show());
</script>`;

/** The page, the worker, or the example with its import resolved. */
function bodyOf(path: string): string | null {
  if (path === "/") return page;
  if (path === "/worker.js") {
    return 'console.log = (line) => postMessage(line);\nawait import("/example.js");\npostMessage(null);\n';
  }
  if (path === "/example.js") {
    return readFileSync("dist/examples/message.js", "utf8").replace('"headgate/message"', '"/dist/src/message.js"');
  }
  return null;
}

const { browser, noBrowser } = await launchChromium();
if (browser === null) skip("messages in a worker of Chromium", noBrowser!);
else testWorker(browser);

function testWorker(browser: Browser): void {
  const test = suite("messages in a worker of Chromium");
  const address = servePages(test, browser, bodyOf);

  test("the example prints there what it prints in Node", async () => {
    const printed = execFileSync(process.execPath, ["dist/examples/message.js"], { encoding: "utf8" });
    const tab = await browser.newPage();
    await tab.goto(address());
    const output = tab.locator("output[data-done]");
    assert.is(await output.textContent({ timeout: PATIENCE }), printed);
  });
}
