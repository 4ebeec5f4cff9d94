// In:    the page of the demo, in Chromium, by the hand of a person.
// Out:   whether each button leads to its decision, and whether the echo and the chat work.
// Never: looks into the page's script.

import type { Browser, Page } from "playwright-core";
import * as assert from "uvu/assert";
import { launchChromium, type RunningDemo, startDemo } from "./support/chromium.js";
import { skip, suite } from "./support/suite.js";

/** Milliseconds for anything that the page is to show. */
const PATIENCE = 15_000;

const { browser, noBrowser } = await launchChromium();
if (browser === null) skip("the page in Chromium", noBrowser!);
else testPage(browser);

function testPage(browser: Browser): void {
  const test = suite("the page in Chromium");
  let demo: RunningDemo;

  test.before(async () => {
    demo = await startDemo();
  });
  test.after(async () => {
    await browser.close();
    await demo.end("SIGTERM");
  });

  /** The page, in a window of its own; whatever the browser complains about fails the test that uses it. */
  async function visit(use: (page: Page, port: number) => Promise<void>, host = "localhost"): Promise<void> {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      // Chromium reports each WebSocket that was refused; that is the point of the page.
      if (message.type() === "error" && !/^WebSocket connection to /.test(message.text())) {
        complaints.push(message.text());
      }
    });
    try {
      await page.goto(`http://${host}:${demo.port}/`);
      await page.getByText("live", { exact: true }).waitFor();
      await use(page, demo.port);
      assert.equal(complaints, []);
    } finally {
      await context.close();
    }
  }

  /** Presses a button and waits for the decision that it leads to. */
  async function press(page: Page, name: string, explanation: string): Promise<string> {
    const items = page.locator("#decisions > li").filter({ hasText: explanation });
    const before = await items.count();
    await page.getByRole("button", { name, exact: true }).click();
    await items.nth(before).waitFor();
    return (await items.first().locator(".ruling > span").allInnerTexts()).filter((text) => text !== "").join(" ");
  }

  const accepted = (path: string, host: string): string => `upgrade of ${path} accepted by ${path} (${host}; `;

  test("each button leads to its decision, with its explanation", async () => {
    await visit(async (page, port) => {
      const output = (id: string) => page.locator(`output[for=${id}]`);
      assert.is(await press(page, "Echo: right host", accepted("/echo", "echo.localhost")), "accepted 101");
      await output("echo").getByText("opened", { exact: true }).waitFor();
      assert.is(await press(page, "Chat: right host", accepted("/chat", "chat.localhost")), "accepted 101");
      await output("chat").getByText("opened", { exact: true }).waitFor();
      assert.is(
        await press(page, "Foreign host", "host foreign.localhost matches none of the vhosts: echo.localhost, "),
        "refused 421 NAME_UNKNOWN",
      );
      await output("foreign").getByText("not opened", { exact: true }).waitFor();
      assert.is(
        await press(page, "Wrong port", `host port ${port} mismatches vhost port 443 (declared.localhost; `),
        "refused 421 PORT_MISMATCH",
      );
      await output("port").getByText("not opened", { exact: true }).waitFor();
      assert.is(
        await press(
          page,
          "Foreign origin",
          `origin http://localhost:${port} matches none of the allowed origins: http://127.0.0.1`,
        ),
        "refused 403 ORIGIN_FOREIGN",
      );
      await output("origin").getByText("not opened", { exact: true }).waitFor();
      assert.is(
        await press(page, "Unclaimed path", "path /nobody matches none of the upgrades: /echo"),
        "refused 404 PATH_UNCLAIMED",
      );
      await output("path").getByText("not opened", { exact: true }).waitFor();
      assert.is(
        await press(page, "Malformed: two Hosts", "a request has more than one Host"),
        "malformed 400 HOST_REPEATED",
      );
      await output("malformed").getByText("HTTP/1.1 400 Bad Request", { exact: true }).waitFor();
    });
  });

  test("a button pressed again leads to a decision again", async () => {
    await visit(async (page) => {
      for (let times = 0; times < 3; times++) {
        await press(page, "Echo: right host", accepted("/echo", "echo.localhost"));
        await press(page, "Wrong port", "mismatches vhost port 443");
      }
    });
  });

  /** Types into a box and sends. */
  async function say(page: Page, box: "Echo" | "Chat", text: string): Promise<void> {
    const region = page.getByRole("region", { name: box });
    await region.getByRole("textbox").fill(text);
    await region.getByRole("button", { name: "Send" }).click();
  }

  const heard = (page: Page, box: "Echo" | "Chat", text: string) =>
    page.getByRole("log", { name: box }).getByText(text, { exact: true }).waitFor();

  test("the echo answers, and shows markup as text", async () => {
    await visit(async (page) => {
      await say(page, "Echo", "hello");
      await heard(page, "Echo", "hello");
      await say(page, "Echo", "<b>bold</b>");
      await heard(page, "Echo", "<b>bold</b>");
      await page.getByRole("region", { name: "Echo" }).getByText("open", { exact: true }).waitFor();
    });
  });

  test("two pages talk to each other in the chat", async () => {
    await visit(async (one) => {
      await visit(async (other) => {
        await press(one, "Chat: right host", accepted("/chat", "chat.localhost"));
        await press(other, "Chat: right host", accepted("/chat", "chat.localhost"));
        await one.getByRole("region", { name: "Chat" }).getByText("open", { exact: true }).waitFor();
        await other.getByRole("region", { name: "Chat" }).getByText("open", { exact: true }).waitFor();
        await say(one, "Chat", "good evening");
        await other
          .getByRole("log", { name: "Chat" })
          .getByText(/^guest \d+: good evening$/)
          .waitFor();
        await say(other, "Chat", "likewise");
        await one
          .getByRole("log", { name: "Chat" })
          .getByText(/^guest \d+: likewise$/)
          .waitFor();
      });
    });
  });

  test("the page works under 127.0.0.1 as well", async () => {
    await visit(async (page) => {
      await press(page, "Echo: right host", accepted("/echo", "echo.localhost"));
    }, "127.0.0.1");
  });

  test("a page that opens later shows what was decided before", async () => {
    await visit(async (page) => {
      await page.locator("#decisions > li").filter({ hasText: "GET / accepted (localhost; " }).first().waitFor();
    });
  });

  test("nothing on the page is wider than a phone", async () => {
    await visit(async (page) => {
      await press(page, "Foreign host", "host foreign.localhost matches none of the vhosts: ");
      const [wide, window] = await page.evaluate<number[]>("[document.documentElement.scrollWidth, innerWidth]");
      assert.is(wide, window);
    });
  });
}
