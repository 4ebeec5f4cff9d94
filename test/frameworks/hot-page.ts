// In:    the origin of a guarded development server, a module of its page; Chromium, where it is there.
// Out:   whether the page loads, the socket of HMR opens, and an edit of the module reaches the page without a reload.
// Never: guards anything.

import { writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { launchChromium } from "../support/chromium.js";
import { skip } from "../support/suite.js";
import { until } from "../support/until.js";

/** The module that the page shows the text of. */
export const moduleOf = (text: string): string => `export const text = ${JSON.stringify(text)};\n`;

/** The page shows "first". Its `file` gets the text "second". */
export async function editReaches(name: string, origin: string, file: string): Promise<void> {
  const { browser, noBrowser } = await launchChromium();
  if (browser === null) return skip(`${name} in Chromium`, noBrowser!);
  try {
    const page = await browser.newPage();
    const received: string[] = [];
    page.on("websocket", (webSocket) => {
      assert.is(new URL(webSocket.url()).host, new URL(origin).host);
      webSocket.on("framereceived", ({ payload }) => received.push(String(payload)));
    });
    await page.goto(origin);
    const shown = (): Promise<string | null> => page.locator("h1").textContent();
    const shows = (text: string): Promise<void> =>
      until(
        async () => (await shown().catch(() => "")) === text,
        () => `the page shows ${text}; HMR: ${received.join(" ").slice(0, 2000)}`,
      );
    await shows("first");
    await until(() => received.length > 0, "a message of HMR");
    await page.evaluate(() => Object.assign(globalThis, { isKept: true }));
    writeFileSync(file, moduleOf("second"));
    await shows("second");
    assert.is(await page.evaluate(() => Object.hasOwn(globalThis, "isKept")), true, "without a reload");
  } finally {
    await browser.close();
  }
}
